"""The thread that keeps house. One runs in every API process and every worker process; the store lets one of them sweep at a time."""

from __future__ import annotations

import logging
import secrets
import threading
import time

from loa.artifacts import Artifacts
from loa.errors import LoaError, SchemaMismatch, StoreUnavailable
from loa.house.sweep import Sweep, SweepLost
from loa.settings import Settings
from loa.store import House

log = logging.getLogger(__name__)

ASK_SECONDS = 30.0  # at most between questions whose turn it is, so that a process that lives for minutes sweeps as well
LEASE = 300.0  # seconds: a sweeper that was silent for this long has lost its turn
RENEW = 5.0  # seconds between two words that it goes on


class Sweeper(threading.Thread):
    """Asks for a turn until `stop()`. Start it after any fork, with a store and artifacts of its own."""

    def __init__(self, house: House, artifacts: Artifacts, settings: Settings) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._house, self._artifacts, self._settings = house, artifacts, settings
        self._holder = secrets.token_hex(8)
        self._stopped = threading.Event()
        self._renewed = 0.0

    def run(self) -> None:
        while not self._stopped.wait(min(self._settings.sweep_seconds, ASK_SECONDS)):
            try:
                self.sweep()
            except SweepLost:
                log.info("a sweep was given up in the middle; the next one goes on")
            except StoreUnavailable:
                continue  # the reconciler of this process says so
            except SchemaMismatch:
                return  # and what ends this process as well
            except LoaError as error:
                log.warning("a sweep failed (%s); the next one tries again", error.message)
            except Exception:
                log.exception("a sweep failed; the next one tries again")

    def sweep(self) -> bool:
        """Sweep now, if it is anybody's turn and this one's. Raises SweepLost, LoaError."""
        turn = self._house.begin(self._holder, self._settings.sweep_seconds, LEASE)
        if turn is None:
            return False
        self._renewed = time.monotonic()
        report = Sweep(self._artifacts, self._house, self._settings, turn, self._go_on).run()
        if not self._house.end(self._holder, report):
            raise SweepLost
        return True

    def stop(self, seconds: float = 5.0) -> None:
        """End the thread; a sweep under way stops at its next file or so."""
        self._stopped.set()
        if self.is_alive():
            self.join(seconds)

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise SweepLost
        if time.monotonic() - self._renewed > RENEW:
            if not self._house.go_on(self._holder, LEASE):
                raise SweepLost
            self._renewed = time.monotonic()
