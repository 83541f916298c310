"""What a hot process works with, and the one place where tasks find it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loa.added_voices import AddedVoices
from loa.errors import LoaError, NotReady
from loa.house import Sweeper
from loa.keys import PLAN
from loa.reconciler import Reconciler
from loa.settings import Settings
from loa.store import Batch, Refusal, Store
from worker.app import LONG_LIMIT
from worker.assembly import Assembler
from worker.heartbeat import Heartbeat
from worker.planning import Planner

if TYPE_CHECKING:  # they need torch, which a process that only plans and assembles does not load
    from worker.finishing import Finisher
    from worker.speak import Speaker

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Station:
    """Everything that the tasks of one process share. Made by worker/start.py, once."""

    settings: Settings
    store: Store
    heartbeat: Heartbeat
    reconciler: Reconciler
    sweeper: Sweeper
    added: AddedVoices
    assembler: Assembler
    planner: Planner
    speaker: Speaker | None  # None: this process speaks nothing
    finisher: Finisher | None

    def speak(self, queue: str, token: str) -> None:
        """A wake-up for an engine's queue."""
        if self.speaker is None:
            raise NotReady(f"this process has no engine for the queue {queue}")
        with self.heartbeat.working():
            self.speaker.run(queue, token)

    def work(self, queue: str, token: str) -> None:
        """A wake-up for `plan` or `assemble`: one item after another, until there is none left or a task has taken long enough."""
        until = time.monotonic() + self.settings.task_seconds
        with self.heartbeat.working():
            while not self.heartbeat.drain.begun.is_set() and time.monotonic() < until:
                claims = self.store.claims
                batch = claims.claim(queue, self.heartbeat.slot.id, token=token, most=1, seconds=LONG_LIMIT, rate=1.0, limit=LONG_LIMIT)
                if isinstance(batch, Refusal):
                    return
                token = ""
                self._do(queue, batch)
            self.store.claims.idle(self.heartbeat.slot.id, queue)

    def _do(self, queue: str, batch: Batch) -> None:
        lease = self.heartbeat.leases.hold(batch)
        try:
            if queue == PLAN:
                self.planner.plan(batch)
            else:
                self.assembler.assemble(batch)
        except LoaError as error:
            log.error("claim %s of %s was not finished (%s); its lease will end", batch.claim, queue, error.message)
        finally:
            self.heartbeat.leases.drop(lease)

    def close(self) -> None:
        """The process ends in order: finish what was spoken, and be silent."""
        if self.finisher is not None:
            self.finisher.close(self.settings.drain_seconds)
        self.added.stop()
        self.reconciler.stop()
        self.sweeper.stop()
        self.heartbeat.stop()


_station: Station | None = None


def open_station(station: Station) -> None:
    """Tasks may come."""
    global _station  # noqa: PLW0603 - Celery's tasks are plain functions and must find it somewhere
    _station = station


def station() -> Station:
    """The hot process's. Raises NotReady: no task may run in a process whose start has not ended."""
    if _station is None:
        raise NotReady("this process was never started")
    return _station


def stop_process() -> None:
    if _station is not None:
        _station.close()
