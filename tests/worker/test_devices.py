from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from loa.errors import InvalidSetting, StartFailed
from loa.settings import Settings
from tests.worker.fleet import ROOT
from worker.devices import device_names, device_of, pin
from worker.main import queue_names


def settings(**values: object) -> Settings:
    return Settings.load({}, **values)


@pytest.mark.parametrize(
    ("devices", "names"), [("cpu", ("cpu",)), ("cuda:0, cuda:3", ("cuda:0", "cuda:3")), ("cuda:1,cpu", ("cuda:1", "cpu"))]
)
def test_devices_that_are_named(devices: str, names: tuple[str, ...]) -> None:
    assert device_names(settings(devices=devices)) == names


@pytest.mark.parametrize("devices", ["gpu", "cuda", "cuda:x", "cpu,cpu", ","])
def test_names_that_mean_nothing_are_refused(devices: str) -> None:
    with pytest.raises(InvalidSetting, match="LOA_DEVICES"):
        device_names(settings(devices=devices))


def test_auto_means_what_torch_can_use() -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    assert device_names(settings(devices="auto")) == (tuple(f"cuda:{number}" for number in range(count)) or ("cpu",))


def test_slots_are_dealt_out_to_devices() -> None:
    names = ("cuda:0", "cuda:1")
    assert [device_of(index, names) for index in range(4)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]


def test_pinning_sets_threads_and_puts_tensors_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    before = torch.get_num_threads()
    try:
        device, uuid = pin("cpu", settings(threads=1), processes=1)
        assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (1, "1")
    finally:
        torch.set_num_threads(before)
    assert uuid == "cpu"
    assert torch.ones(1, device=device).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_pinning_to_cuda_makes_it_the_default() -> None:
    index = torch.cuda.device_count() - 1
    device, uuid = pin(f"cuda:{index}", settings(), processes=1)
    assert torch.ones(1, device="cuda").device == device
    assert uuid == str(torch.cuda.get_device_properties(index).uuid)


def test_a_device_that_is_not_there_fails_the_start() -> None:
    with pytest.raises(StartFailed, match="cuda:63"):
        pin("cuda:63", settings(threads=torch.get_num_threads()), processes=1)


def test_speak_stands_for_the_queues_of_the_engines_served() -> None:
    assert queue_names("speak,plan", settings(engines="sine")) == ("speak.sine", "plan")
    assert queue_names("plan,assemble", settings()) == ("plan", "assemble")
    with pytest.raises(InvalidSetting, match="sing"):
        queue_names("sing", settings())
    with pytest.raises(InvalidSetting, match="LOA_ENGINES"):
        queue_names("speak", settings(engines="kazoo"))


def test_the_parent_imports_no_torch() -> None:
    code = "import sys, worker.main, worker.tasks, worker.start, worker.station; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
