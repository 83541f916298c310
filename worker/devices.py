"""Which devices a worker uses, and how a process is pinned to one.

The parent only names devices (it must not import torch); each child pins itself to `device_of(slot index)`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from loa.errors import InvalidSetting, StartFailed
from loa.settings import Settings

if TYPE_CHECKING:
    import torch

ASK_TORCH = "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)"
ASK_SECONDS = 120.0  # a cold file cache reads torch for half a minute


def device_names(settings: Settings) -> tuple[str, ...]:
    """The devices of LOA_DEVICES: `cpu`, or `cuda:0`, `cuda:1`, … Raises InvalidSetting, or StartFailed when torch does not import."""
    if settings.devices == "auto":
        return tuple(f"cuda:{index}" for index in range(_cuda_devices())) or ("cpu",)
    names = tuple(name.strip() for name in settings.devices.split(",") if name.strip())
    for name in names:
        kind, _, index = name.partition(":")
        if name != "cpu" and not (kind == "cuda" and index.isdecimal()):
            raise InvalidSetting(f"LOA_DEVICES names {name!r}; it takes auto, cpu, or cuda:0,cuda:1")
    if not names:
        raise InvalidSetting(f"LOA_DEVICES is {settings.devices!r}; it takes auto, cpu, or cuda:0,cuda:1")
    if len(set(names)) != len(names):
        raise InvalidSetting(f"LOA_DEVICES names a device twice ({settings.devices}); LOA_PROCESSES sets how many processes share one")
    return names


def device_of(index: int, names: tuple[str, ...]) -> str:
    """The device of a slot: the first N slots have the N devices, the next N the same again."""
    return names[index % len(names)]


def pin(name: str, settings: Settings, processes: int) -> tuple[torch.device, str]:
    """Make `name` this process's device, before torch does anything else; returns it with its UUID. Raises StartFailed."""
    threads = settings.threads or max(1, _cores() // processes)
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)
    device = torch.device(name)
    if device.type == "cpu":
        return device, "cpu"
    if not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count():
        raise StartFailed(f"there is no device {name} here (CUDA devices: {torch.cuda.device_count()})")
    torch.cuda.set_device(device)
    return device, str(torch.cuda.get_device_properties(device).uuid)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cuda_devices() -> int:
    """CUDA devices that torch can use. A process of its own asks torch, and only where an NVIDIA driver is loaded."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()):
        return 0
    answer = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    if answer.returncode:
        raise StartFailed(f"torch does not start: {answer.stderr.strip().splitlines()[-1:] or answer.returncode}")
    return int(answer.stdout)
