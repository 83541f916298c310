"""The thread that finds lost work. One runs in every API process and every worker process; the store lets one of them do it at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from loa.errors import LoaError, SchemaMismatch, StoreUnavailable
from loa.store import Slots

log = logging.getLogger(__name__)


class Reconciler(threading.Thread):
    """Calls `slots.reconcile()` every `interval` seconds until `stop()`. Start it after any fork, on a store of its own."""

    def __init__(self, slots: Slots, interval: float, refuse: Callable[[LoaError], None] | None = None) -> None:
        """`refuse` is told once when the data has become that of a newer version: this process cannot go on."""
        super().__init__(name="reconciler", daemon=True)
        self._slots, self._interval, self._refuse = slots, interval, refuse
        self._stopped = threading.Event()
        self._away = False  # whether Redis was away at the last tick

    def run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._tick()

    def stop(self, seconds: float = 5.0) -> None:
        """End the thread; waits for a tick that is under way."""
        self._stopped.set()
        if self.is_alive():
            self.join(seconds)

    def _tick(self) -> None:
        try:
            done = self._slots.reconcile()
        except StoreUnavailable as error:
            if not self._away:
                log.warning("reconciling pauses: %s", error.message)
            self._away = True
        except SchemaMismatch as error:
            log.critical("%s", error.message)
            self._stopped.set()
            if self._refuse is not None:
                self._refuse(error)
        except Exception:
            log.exception("reconciling failed; the next tick tries again")
        else:
            if self._away:
                log.info("reconciling goes on")
            self._away = False
            if done.expired or done.failed:
                log.warning("%d leases ended: %d items ready again, %d jobs failed", done.expired, done.ready, done.failed)
