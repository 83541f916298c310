"""Work whose process was killed: whose it was, whether it had been begun, and how long it waited until somebody else took it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from loa.store import Slot
from tests.faults.rows import Row
from tests.worker.fleet import Fleet

Held = list[tuple[str, str, str]]  # (claim, job, item)


@dataclass(frozen=True)
class _Orphan:
    claim: str
    job_id: str
    item: str
    since: float  # monotonic


class Orphans:
    """Call `look()` often; the row gets the recovery of each orphan."""

    def __init__(self, fleet: Fleet, row: Row) -> None:
        self._fleet, self._row = fleet, row
        self._waiting: list[_Orphan] = []
        self.begun = 0  # of all orphans: those whose synthesis had begun, maybe

    def killed(self, held: Held, begun: int) -> None:
        """A process that held this was killed just now."""
        self._waiting += [_Orphan(*one, time.monotonic()) for one in held]
        self.begun += begun

    def look(self) -> bool:
        """Whether none waits any more."""
        for orphan in list(self._waiting):
            record = self._fleet.item(orphan.job_id, orphan.item)
            if record is None or record["state"] == "d" or record["claim"] not in (orphan.claim, ""):
                self._row.recovered(time.monotonic() - orphan.since)
                self._waiting.remove(orphan)
        return not self._waiting


def frozen(fleet: Fleet, slots: list[Slot]) -> tuple[Slot, Held, int] | None:
    """A process that speaks, stopped in the middle of it; what it holds, and how much of that it had begun.

    It is stopped first and looked at then, so that what is killed later is what was seen here. Not one that holds a segment which lost two
    processes: a third loss would rightly fail its job.
    """
    for slot in slots:
        try:
            os.kill(slot.pid, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        held = fleet.claimed_by(slot.id)
        records = [fleet.item(job_id, item) for _, job_id, item in held]
        if held and all(record and record["losses"] < 2 for record in records):
            begun = sum(record["state"] == "s" for record in records if record)
            if begun:
                return slot, held, begun
        os.kill(slot.pid, signal.SIGCONT)
    return None


def texts(fleet: Fleet) -> list[str]:
    """Every text whose synthesis began, as often as it did."""
    return [text for batch in fleet.begun() for text in batch]
