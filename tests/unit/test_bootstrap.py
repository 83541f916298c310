"""The choices of `make`'s set-up, without installing anything: which Python, which torch, and one sentence where something is missing."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
GIGABYTES = 2733  # what the lock of the CUDA build says


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", TOOLS / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap: Any = load()


def facts(version: tuple[int, int, int] = (3, 12, 1), **more: Any) -> dict[str, Any]:
    return {"version": list(version), "missing": [], "system": "Linux", "machine": "x86_64", "libc": "glibc", "bits": 64, **more}


def machine_with(**pythons: Any) -> Callable[[str], Any]:
    """A machine on which only these run, by name without the `python`: `machine_with(**{"3.12": facts(...)})`."""
    return lambda name: pythons.get(name.removeprefix("python") or "plain")


# --- Python ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 6), (3, 7)])
def test_the_file_can_be_read_by_an_old_python(version: tuple[int, int]) -> None:
    ast.parse((TOOLS / "bootstrap.py").read_text(), feature_version=version)


def test_the_newest_supported_python_is_chosen() -> None:
    machine = machine_with(**{"3.13": facts((3, 13, 0)), "3.11": facts((3, 11, 7)), "3": facts((3, 9, 2))})
    assert bootstrap.choose_python("", machine)[0] == "python3.13"


def test_a_name_that_does_not_run_is_passed_over() -> None:  # such as the stand-ins that version managers put on the PATH
    assert bootstrap.choose_python("", machine_with(**{"3.11": facts((3, 11, 7))}))[0] == "python3.11"


def test_a_python_without_venv_is_passed_over_for_one_with_it() -> None:
    machine = machine_with(**{"3.13": facts((3, 13, 0), missing=["ensurepip"]), "3.12": facts((3, 12, 1))})
    assert bootstrap.choose_python("", machine)[0] == "python3.12"


@pytest.mark.parametrize(
    ("machine", "wish", "says"),
    [
        (machine_with(), "", "none was found"),
        (machine_with(**{"3": facts((3, 9, 2))}), "", r"python3 is Python 3\.9\.2"),
        (machine_with(**{"3": facts((3, 14, 0))}), "", r"python3 is Python 3\.14\.0"),
        (machine_with(**{"3.11": facts((3, 11, 2), missing=["ensurepip"])}), "", r"apt install python3\.11-venv"),
        (machine_with(**{"3.12": facts(missing=["ssl"])}), "", "python3.12 was built without ssl"),
        (machine_with(**{"3.12": facts()}), "/opt/python", "/opt/python does not run"),
    ],
)
def test_a_missing_python_is_one_sentence_with_the_remedy(machine: Callable[[str], Any], wish: str, says: str) -> None:
    with pytest.raises(bootstrap.SetupError, match=says) as caught:
        bootstrap.choose_python(wish, machine)
    assert "make demo PYTHON=" in str(caught.value)


def test_a_python_that_was_asked_for_is_the_only_one_considered() -> None:
    machine = machine_with(**{"3.13": facts((3, 13, 0)), "3.11": facts((3, 11, 7))})
    assert bootstrap.choose_python("python3.11", machine)[0] == "python3.11"


def test_this_python_is_fit() -> None:
    found = bootstrap.probe(sys.executable)
    assert (tuple(found["version"]), found["missing"]) == (sys.version_info[:3], [])


def test_no_python_at_all_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    ended = subprocess.run(
        ["/bin/sh", TOOLS / "bootstrap.sh", "run"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1
    assert re.fullmatch(r"Loa needs Python .* no Python was found: install one .*\n", ended.stderr)


# --- the machine ----------------------------------------------------------------------------------------------------


def test_linux_on_x86_64_needs_nothing_more() -> None:
    bootstrap.check_machine(facts(), which=lambda name: None)


@pytest.mark.parametrize("other", [{"system": "Darwin", "machine": "arm64", "libc": ""}, {"machine": "aarch64"}])
def test_elsewhere_a_server_on_the_path_or_a_redis_url_is_needed(other: dict[str, str]) -> None:
    with pytest.raises(bootstrap.SetupError, match=r"install valkey-server or redis-server, 6\.2 or newer"):
        bootstrap.check_machine(facts(**other), which=lambda name: None)
    bootstrap.check_machine(facts(**other), which={"redis-server": "/usr/bin/redis-server"}.get)
    bootstrap.check_machine(facts(**other), which=lambda name: None, redis_url="redis://redis.example/0")


@pytest.mark.parametrize(
    "other", [{"libc": ""}, {"machine": "riscv64"}, {"bits": 32}, {"system": "Darwin"}, {"system": "Windows", "machine": "AMD64"}]
)
def test_a_machine_without_a_build_of_torch_is_told_so(other: dict[str, Any]) -> None:
    with pytest.raises(bootstrap.SetupError, match="PyTorch has no build for this machine"):
        bootstrap.check_machine(facts(**other), which=lambda name: "/usr/bin/" + name)


# --- torch ----------------------------------------------------------------------------------------------------------


def choose(wish: str = "", *, system: str = "Linux", driver: bool = False, reachable: bool = False, offers: str = "2.13.0") -> Any:
    return bootstrap.choose_torch(wish, system, driver, lambda: reachable, lambda requirement: offers, GIGABYTES)


def test_a_driver_means_cuda_from_the_lock() -> None:
    torch = choose(driver=True, reachable=True)
    assert (torch.build, torch.megabytes) == ("cuda", GIGABYTES)
    assert torch.arguments[:2] == ["--require-hashes", "-r"]


def test_no_driver_means_cpu_from_pytorchs_own_index() -> None:
    torch = choose(reachable=True)
    assert (torch.build, torch.megabytes) == ("cpu", bootstrap.CPU_TORCH_MB)
    assert torch.arguments == ["--extra-index-url", bootstrap.CPU_INDEX, "torch==2.13.0+cpu", "torchaudio==2.11.0"]


def test_an_unreachable_index_means_what_pip_is_configured_to_find() -> None:
    torch = choose(offers="2.13.0+cpu")
    assert (torch.build, torch.arguments) == ("cpu", ["torch==2.13.0+cpu", "torchaudio==2.11.0"])
    assert "CPU index cannot be reached" in torch.because


def test_where_pip_finds_only_the_cuda_build_it_is_taken_and_its_size_said() -> None:
    torch = choose(offers="2.13.0")
    assert (torch.build, torch.megabytes) == ("cuda", GIGABYTES)
    assert "works without a GPU" in torch.because


def test_loa_torch_overrides_the_machine() -> None:
    assert choose("cpu", driver=True, reachable=True).build == "cpu"
    assert choose("cuda", driver=False, reachable=True).build == "cuda"


def test_a_wish_for_cpu_never_ends_in_gigabytes() -> None:
    with pytest.raises(bootstrap.SetupError, match=r"only the CUDA build, 2\.7 GB.*PIP_FIND_LINKS"):
        choose("cpu", offers="2.13.0")


def test_the_mac_has_one_build() -> None:
    assert choose(system="Darwin").build == "cpu"
    with pytest.raises(bootstrap.SetupError, match="macOS has no CUDA"):
        choose("cuda", system="Darwin")


def test_another_wish_is_refused() -> None:
    with pytest.raises(bootstrap.SetupError, match="it takes cpu or cuda"):
        choose("rocm")


@pytest.fixture
def index() -> Iterator[tuple[str, threading.Event]]:
    """An index on this machine that answers once the event is set."""
    answer = threading.Event()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.wait(30)
            self.send_response(404 if "gone" in self.path else 200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answer
        answer.set()
        server.shutdown()


def test_an_index_that_answers_is_reachable(index: tuple[str, threading.Event]) -> None:
    url, answer = index
    answer.set()
    assert bootstrap.index_reachable(url + "/torch/", 20)
    assert not bootstrap.index_reachable(url + "/gone/", 20)


def test_an_index_that_is_silent_or_away_counts_as_unreachable(index: tuple[str, threading.Event]) -> None:
    assert not bootstrap.index_reachable(index[0], 0.2)
    assert not bootstrap.index_reachable("http://127.0.0.1:1/", 20)
    assert not bootstrap.index_reachable("http://nowhere.invalid/", 20)


def test_a_driver_is_seen_through_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)  # no /proc/driver/nvidia, as on WSL2
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    smi = tmp_path / "nvidia-smi"
    for words, present in [("GPU 0: NVIDIA L4 (UUID: GPU-1)", True), ("No devices were found", False)]:
        smi.write_text(f"#!/bin/sh\necho '{words}'\n")
        smi.chmod(0o755)
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name, path: str(smi))
        assert bootstrap.driver_present() is present


# --- sizes ----------------------------------------------------------------------------------------------------------


def test_download_and_disk_are_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.check_disk({"cpu": 195, "packages": 189}, free=10_000)
    assert re.fullmatch(r"Installing into \.venv: up to 384 MB to download, about 1\.\d GB on disk\.\n", capsys.readouterr().out)


def test_a_disk_that_is_too_small_is_told_before_the_download() -> None:
    with pytest.raises(bootstrap.SetupError, match=r"Only 1\.0 GB are free"):
        bootstrap.check_disk({"cuda": GIGABYTES}, free=1000)


@pytest.mark.parametrize("name", ["loa.lock", "dev.lock", "torch.lock", "pip.lock"])
def test_every_lock_tells_its_download(name: str) -> None:
    assert bootstrap.lock_megabytes(f"requirements/{name}") > 0
