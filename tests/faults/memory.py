"""How much memory a process takes at its worst."""

from __future__ import annotations

import gc
import threading
from types import TracebackType
from typing import Self

import psutil

PAUSE = 0.005  # seconds between looks


class PeakMemory:
    """While the block runs: `growth`, the most bytes of resident memory above what the process had before."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before = self.peak = 0

    @property
    def growth(self) -> int:
        return self.peak - self.before

    def __enter__(self) -> Self:
        gc.collect()
        self.before = self.peak = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._look()
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, self._process.memory_info().rss)
