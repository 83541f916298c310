"""Faults for a whole service (loa.stack): processes killed or frozen, Redis killed or frozen, a full disk, a receiver that is down."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.receiver import Receiver

SPACING = 33.0  # seconds between kills of one part: the supervisor gives up on one that ends again and again within 30 s
FULL_DISK = 2_000  # bytes that any file of a worker may have while its disk is full
FROZEN = (1.0, 6.0)  # seconds: a short stop, and one that is longer than most time-outs
LONG_FROZEN = (11.0, 15.0)  # longer than a lease


@dataclass
class Tally:
    """What became of one kind of fault."""

    injected: int = 0
    recoveries: list[float] = field(default_factory=list)  # seconds from the end of the fault to the next end of a job


class Chaos:
    """Injects one fault after another, drawn by a seed, until it is told to stop."""

    def __init__(self, data_dir: Path, receiver: Receiver, ends: Callable[[], int], seed: int) -> None:
        """`ends`: how many ends of jobs were heard of so far."""
        self._data_dir, self._receiver, self._ends = data_dir, receiver, ends
        self._random = random.Random(seed)
        self._killed: dict[str, float] = {}  # part → when
        self.tallies: dict[str, Tally] = {}
        self.stopped = threading.Event()
        self._faults: dict[str, tuple[int, Callable[[], bool]]] = {  # weight, and what injects it (False: not now)
            "child killed": (8, lambda: self._kill(self._child())),
            "parent killed": (2, lambda: self._kill_part("speak")),
            "assembler killed": (2, lambda: self._kill_part("plan,assemble")),
            "API killed": (2, lambda: self._kill_part("api")),
            "deliverer killed": (2, lambda: self._kill_part("deliver")),
            "Redis killed": (2, self._kill_redis),
            "Redis frozen": (2, lambda: self._freeze(self._redis(), FROZEN)),
            "child frozen": (3, lambda: self._freeze(self._child(), FROZEN)),
            "child frozen for longer than its lease": (2, lambda: self._freeze(self._child(), LONG_FROZEN)),
            "parent frozen": (2, lambda: self._freeze(self._part("speak"), FROZEN)),
            "API frozen": (1, lambda: self._freeze(self._part("api"), FROZEN)),
            "disk full": (2, self._fill_disk),
            "receiver down": (2, self._take_receiver_down),
        }

    def run(self, seconds: float, pause: tuple[float, float]) -> None:
        """Faults for so long, with a pause drawn between two."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.stopped.wait(self._random.uniform(*pause)):
            names = list(self._faults)
            name = self._random.choices(names, [self._faults[one][0] for one in names])[0]
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                if self._faults[name][1]():
                    self._note(name)

    def _note(self, name: str) -> None:
        tally = self.tallies.setdefault(name, Tally())
        tally.injected += 1
        began, before = time.monotonic(), self._ends()

        def watch() -> None:
            while self._ends() == before and not self.stopped.wait(0.05):
                pass
            tally.recoveries.append(time.monotonic() - began)

        threading.Thread(target=watch, daemon=True).start()

    # --- who is there

    def _part(self, name: str) -> psutil.Process | None:
        """A part of the service by the last word of its command."""
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[-1:] == [name]:
                    return process
        return None

    def _child(self) -> psutil.Process | None:
        """A process that speaks."""
        parent = self._part("speak")
        children = [one for one in parent.children() if "spawn_main" in " ".join(one.cmdline())] if parent else []
        return self._random.choice(children) if children else None

    def _redis(self) -> psutil.Process | None:
        try:
            return psutil.Process(json.loads((self._data_dir / "redis" / "redis.lock").read_text())["pid"])
        except (ValueError, KeyError, psutil.NoSuchProcess):  # it is being started
            return None

    # --- what is done to them

    def _kill(self, process: psutil.Process | None) -> bool:
        if process is None:
            return False
        process.kill()
        return True

    def _rested(self, name: str) -> bool:
        return time.monotonic() - self._killed.get(name, -SPACING) >= SPACING

    def _kill_part(self, name: str) -> bool:
        if not self._rested(name) or not self._kill(self._part(name)):
            return False
        self._killed[name] = time.monotonic()
        return True

    def _kill_redis(self) -> bool:
        if not self._rested("redis") or not self._kill(self._redis()):
            return False
        self._killed["redis"] = time.monotonic()
        return True

    def _freeze(self, process: psutil.Process | None, seconds: tuple[float, float]) -> bool:
        if process is None:
            return False
        process.suspend()
        try:
            self.stopped.wait(self._random.uniform(*seconds))
        finally:
            process.resume()
        return True

    def _fill_disk(self) -> bool:
        with full_disk([self._part("speak"), self._part("plan,assemble")]):
            self.stopped.wait(self._random.uniform(*FROZEN))
        return True

    def _take_receiver_down(self) -> bool:
        self._receiver.down = True
        self.stopped.wait(self._random.uniform(*LONG_FROZEN))
        self._receiver.down = False
        return True


@contextmanager
def full_disk(parts: list[psutil.Process | None]) -> Iterator[None]:
    """Every file that these processes and their children write ends after a few bytes, as on a disk that is full."""
    limited: list[psutil.Process] = []
    for part in parts:
        with contextlib.suppress(psutil.NoSuchProcess):
            limited += [part, *part.children()] if part is not None else []
    _limit_files(limited, FULL_DISK)
    try:
        yield
    finally:
        _limit_files(limited, resource.RLIM_INFINITY)


def _limit_files(processes: list[psutil.Process], size: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def wake_everything() -> None:
    """Nothing stays frozen."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
