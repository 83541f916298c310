"""A book, and everything that works on it killed in turn: planner, speaker, its parent, Redis, assembler."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

import pytest

from loa.keys import ASSEMBLE, PLAN
from loa.states import State
from loa.store import Slot
from tests.faults.orphans import Held, Orphans, frozen, texts
from tests.faults.rows import Row, sized
from tests.faults.witness import endings
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet, WorkerProcess
from worker.engines.sine import FALTER, SECONDS_A_CHARACTER
from worker.plans import Plans

SEGMENTS, BOOKS = sized((60, 1), (300, 5))
LEASES = sized({"lease": 1.8}, {"lease": 10.0, "beat": 3.0, "reconcile": 1.0})
SPEAKERS = {"LOA_PROCESSES": "1", "LOA_BATCH_MAX": "8", "LOA_SINE_SECONDS": "0.1"}
SENTENCE = "This is sentence number {} of the book, {}which is long enough to be a segment of its own."
FALTERING = 20  # one sentence in so many needs a second take


class Killer:
    """Kills what works on one book, whatever that is at the moment, and counts what it cost."""

    def __init__(self, fleet: Fleet, row: Row) -> None:
        """Two workers speak, with a process each; a third one plans and assembles, with two."""
        self._fleet, self._row = fleet, row
        self._speakers = [fleet.worker("speak", **SPEAKERS) for _ in range(2)]
        clerk = fleet.worker("plan,assemble", LOA_PROCESSES="2")
        for worker in self._speakers:
            worker.hot()
        clerk.hot(2)
        self._dead: set[int] = set()
        self.orphans = Orphans(fleet, row)
        self.rolled_back = 0  # segments that were on a device while Redis forgot its last second

    def plan(self, job_id: str) -> None:
        self._clerk_at(job_id, PLAN)

    def assembly(self, job_id: str) -> None:
        self._clerk_at(job_id, ASSEMBLE)

    def child(self) -> None:
        worker, (slot, held, begun) = wait_until(self._frozen, START, "a busy process")
        worker.kill_child(slot)
        self._died(slot.pid, held, begun)

    def parent(self) -> None:
        worker, (slot, held, begun) = wait_until(self._frozen, START, "a busy process")
        worker.process.kill()
        self._died(slot.pid, held, begun)
        worker.process.wait()
        self._speakers.remove(worker)
        self._speakers.append(self._fleet.worker("speak", **SPEAKERS))

    def redis(self) -> None:
        _, (slot, _, _) = wait_until(self._frozen, START, "a busy process")
        os.kill(slot.pid, signal.SIGCONT)
        self._fleet.kill_redis()
        self._fleet.broker.restart()
        self.rolled_back += len(self._speakers) * int(SPEAKERS["LOA_BATCH_MAX"]) + SEGMENTS // FALTERING
        self._row.injected += 1

    def _clerk_at(self, job_id: str, item: str) -> None:
        """The clerk's process that holds this item. It looks without a pause: that work takes milliseconds, and may be over."""
        while not (held := [slot.pid for slot in self._fleet.store.slots.all() if (job_id, item) in self._holds(slot)]):
            job = self._fleet.job(job_id)
            if job.ended or (item == PLAN and job.plan):
                return
        os.kill(held[0], signal.SIGKILL)
        self._died(held[0], [], 0)

    def _died(self, pid: int, held: Held, begun: int) -> None:
        self._dead.add(pid)
        self.orphans.killed(held, begun)
        self._row.injected += 1

    def _frozen(self) -> tuple[WorkerProcess, tuple[Slot, Held, int]] | None:
        self.orphans.look()
        for worker in self._speakers:
            slots = [slot for slot in worker.slots if slot.state == "hot" and slot.pid not in self._dead]
            if found := frozen(self._fleet, slots):
                return worker, found
        return None

    def _holds(self, slot: Slot) -> list[tuple[str, str]]:
        return [(job_id, item) for _, job_id, item in self._fleet.claimed_by(slot.id)]


def book(number: int) -> str:
    falter = dict.fromkeys(range(FALTERING // 2, SEGMENTS, FALTERING), f"may it {FALTER} or not, ")
    return " ".join(SENTENCE.format(f"{number}-{index}", falter.get(index, "")) for index in range(SEGMENTS))


@pytest.mark.parametrize("number", range(BOOKS))
def test_book(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row], number: int) -> None:
    """One book with kills at moments that its number draws and, when all its segments are forgotten, once more in peace."""
    chance = random.Random(number)
    row = fault_row(
        f"book {number + 1}: {SEGMENTS} segments, anything killed 5 times",
        "nothing lost or told twice; as long as its plan; sha256 equal to an undisturbed one; segments redone ≤ those that the killed held",
    )
    fleet = make_fleet(**LEASES)
    killer = Killer(fleet, row)
    kills = [killer.child, killer.parent, killer.redis]
    chance.shuffle(kills)
    with endings(fleet.settings) as heard:
        job_id = fleet.submit(book(number))
        killer.plan(job_id)
        if not row.injected:  # the planner was faster
            kills.append(killer.child)
        for kill, done in zip(kills, sorted(chance.sample(range(1, SEGMENTS // 2), len(kills))), strict=True):
            wait_until(lambda done=done: fleet.job(job_id).segments_done >= done, 2 * START, f"{done} segments")
            kill()
        killer.assembly(job_id)
        first = fleet.ended(job_id, 2 * START)
        assert killer.orphans.look()
        wait_until(lambda: heard.events)
        told = [event for event in heard.events if event.job_id == job_id]
    row.lost = int(first.state is not State.SUCCEEDED or first.segments_done != SEGMENTS)
    row.duplicated = len(told) - 1
    segments = Plans(fleet.artifacts).segments(first)
    assert [segment.index for segment in segments] == list(range(SEGMENTS))
    seconds = sum(SECONDS_A_CHARACTER * len(segment.spoken) + segment.pause for segment in segments) - segments[-1].pause
    assert first.result is not None
    assert first.result["duration_seconds"] == pytest.approx(seconds, abs=0.001 + SEGMENTS / 2 / first.result["sample_rate"])
    faltered = sum(FALTER in segment.text for segment in segments)
    redone = len(texts(fleet)) - SEGMENTS - faltered
    row.mark += f"; saw {redone} redone of {killer.orphans.begun} held"
    assert redone <= killer.orphans.begun + killer.rolled_back
    for stored in list(fleet.artifacts.walk("segments")):
        fleet.artifacts.delete(stored.path)
    second = fleet.ended(fleet.submit(book(number)), 2 * START)
    assert second.result is not None
    assert first.result["sha256"] == second.result["sha256"]
    row.check()
