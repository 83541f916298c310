"""The heartbeat of a worker process: one thread that says "I live, and I work on these claims", and acts on the answers.

The store answers which claims are lost and whether the worker drains. A process that cannot go on well is ended here, because its main
thread may be inside a kernel that never returns.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from loa.errors import LoaError, SchemaMismatch, StoreUnavailable
from loa.settings import Settings
from loa.store import Slot, Store
from worker.leases import Drain, Leases

log = logging.getLogger(__name__)

OUTDATED_EXIT = 73  # the data is that of a newer version
HUNG_EXIT = 72  # a batch took longer than anything can
FASTEST_TICK = 0.25  # seconds between looks at the drain's deadline, which may be closer than a beat


class Heartbeat(threading.Thread):
    """Beats for a slot from the first step of its start to its end."""

    def __init__(self, store: Store, slot: Slot, settings: Settings, *, exit_process: Callable[[int], None] = os._exit) -> None:
        """`store` is this thread's own (`Store.for_thread`); `exit_process` ends the process at once."""
        super().__init__(name="heartbeat", daemon=True)
        self.leases, self.drain = Leases(), Drain(settings.drain_seconds)
        self._store, self._slot, self._settings, self._exit = store, slot, settings, exit_process
        self._device_leased = False
        self._signalled = False
        self._working = False  # a task is running
        self._announcing = threading.Lock()
        self._stopped = threading.Event()
        self._away = False
        self._unsaid = False

    @property
    def slot(self) -> Slot:
        return self._slot

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around a task: a drained process does not leave in the middle of one."""
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def announce(self, **changes: object) -> None:
        """Change what this process says of itself. While Redis is away the next beat says it, and again where Redis has lost it."""
        with self._announcing:
            self._slot = replace(self._slot, **changes)  # type: ignore[arg-type]
            try:
                self._store.slots.announce(self._slot)
            except StoreUnavailable as error:
                log.warning("not announced yet: %s", error.message)
                self._unsaid = True
            else:
                self._unsaid = False

    @contextmanager
    def step(self, name: str, message: str) -> Iterator[None]:
        """Announce a step of the start as it begins, and its seconds when it is done."""
        log.info("%s", message)
        self.announce(message=message)
        began = time.perf_counter()
        yield
        self.announce(steps={**self._slot.steps, name: round(time.perf_counter() - began, 3)})

    def lease_device(self) -> str | None:
        """Take the slot's device for its worker and keep it; returns the name of another worker that holds it."""
        holder = self._store.slots.lease_device(self._slot.host, self._slot.device_uuid, self._slot.worker)
        self._device_leased = holder is None
        return holder

    def heed_sigterm(self) -> None:
        """Drain on SIGTERM, hand everything back on a second one.

        A thread waits for the signal, which the parent has blocked for all of this process: the main thread may be inside a kernel that
        takes long.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=self._await_sigterm, name="sigterm", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self.is_alive():
            self.join(5.0)

    def run(self) -> None:
        following = 0.0
        while not self._stopped.wait(min(FASTEST_TICK, self._settings.beat)):
            self._end_if_drained()
            if time.monotonic() < following:
                continue
            following = time.monotonic() + self._settings.beat
            try:
                self._beat()
            except StoreUnavailable as error:
                if not self._away:
                    log.warning("the heartbeat pauses: %s", error.message)
                self._away = True
            except SchemaMismatch as error:
                log.critical("%s", error.message)
                self._exit(OUTDATED_EXIT)
            except Exception:
                log.exception("a heartbeat failed; the next one follows")
            else:
                self._away = False

    def _beat(self) -> None:
        leases = self.leases.held()
        pulse = self._store.slots.beat(self._slot.id, [lease.claim for lease in leases])
        for lease, held in zip(leases, pulse.held, strict=True):
            lease.lost = not held
        if self._unsaid or not pulse.known:
            self.announce()
        if self._device_leased and (holder := self.lease_device()):
            log.error("worker %s has taken %s of this process; only one may use a device", holder, self._slot.device)
        if pulse.draining:
            self.drain.begin()
        if any(lease.hangs for lease in leases):
            log.error("a batch has hung for longer than any batch may take; this process is replaced")
            self._hand_back(all_but_hung=True)
            self._exit(HUNG_EXIT)

    def _end_if_drained(self) -> None:
        if self.drain.over and self.leases.held():
            log.warning("shutting down: unfinished work is handed back")
            self._hand_back()
            self._exit(0)
        if self._signalled and not self._working and not self.leases.held():
            self._exit(0)

    def _hand_back(self, *, all_but_hung: bool = False) -> None:
        for lease in self.leases.held():
            if all_but_hung and lease.hangs:
                continue
            try:
                self._store.claims.hand_back(lease.claim, lease.items)
            except LoaError as error:
                log.warning("claim %s was not handed back (%s); its lease will end", lease.claim, error.message)

    def _await_sigterm(self) -> None:
        while True:
            signal.sigwait({signal.SIGTERM})
            if self._signalled:
                self.drain.hurry()
            self._signalled = True
            self.drain.begin()
