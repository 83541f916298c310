"""The claims that this process holds, and how it is told to stop: what the heartbeat reports, and what it finds out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from loa.store import Batch, Item


@dataclass(kw_only=True)
class Lease:
    """A claim while this process works on it."""

    claim: str
    items: list[Item]  # still to be done
    lost: bool = False  # a beat found that the store has given its items to others
    _deadline: float | None = None  # monotonic; while the device works on it: when it must be through
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def compute(self, limit: float) -> None:
        """The device begins; it may take `limit` seconds."""
        self._deadline = time.monotonic() + limit

    def computed(self) -> None:
        self._deadline = None

    def done(self, items: Iterable[Item]) -> None:
        gone = set(items)
        with self._lock:
            self.items = [item for item in self.items if item not in gone]

    @property
    def hangs(self) -> bool:
        deadline = self._deadline
        return self.lost and deadline is not None and time.monotonic() > deadline


class Leases:
    """Every lease of the process. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, Lease] = {}

    def hold(self, batch: Batch) -> Lease:
        """Keep a claim alive from now on."""
        lease = Lease(claim=batch.claim, items=list(batch.items))
        with self._lock:
            self._held[batch.claim] = lease
        return lease

    def drop(self, lease: Lease) -> None:
        with self._lock:
            self._held.pop(lease.claim, None)

    def held(self) -> list[Lease]:
        with self._lock:
            return list(self._held.values())


class Drain:
    """Whether this process is to stop: no new work, and after `seconds` even the running batch is handed back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self._lock = threading.Lock()
        self.begun = threading.Event()

    def begin(self) -> None:
        with self._lock:
            if self._until is None:
                self._until = time.monotonic() + self._seconds
        self.begun.set()

    def hurry(self) -> None:
        """Hand back now."""
        with self._lock:
            self._until = time.monotonic()
        self.begun.set()

    @property
    def over(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until
