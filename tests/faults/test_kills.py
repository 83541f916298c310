"""Processes that are killed while they work: nothing is lost, nothing is published or told twice, little is done twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import psutil

from loa.store import Slot
from tests.faults.history import Answer, History
from tests.faults.orphans import Orphans, frozen, texts
from tests.faults.rows import Row, sized
from tests.faults.witness import endings, records
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet, WorkerProcess

AS_SHIPPED = {"lease": 10.0, "beat": 3.0, "reconcile": 1.0}
LEASES = sized({"lease": 1.8}, AS_SHIPPED)
SENTENCE = "This is sentence number {}, which is long enough to be a segment of its own in any plan."
CHILDREN_GONE = 2.0  # seconds after their parent was killed


def judge(fleet: Fleet, row: Row, job_ids: list[str], history: History) -> None:
    """Everything succeeded, once, and was told once."""
    history.records = records(fleet.store, fleet.artifacts)
    states = Counter(record.state for record in history.records)
    row.lost = len(job_ids) - states["succeeded"]
    violations = history.check()
    row.duplicated += len(violations)
    assert not violations, violations[:5]
    assert {record.job_id for record in history.records} == set(job_ids)


def test_children(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    kills, jobs, processes = sized((4, 40, 2), (50, 1000, 4))
    row = fault_row(
        f"{kills} SIGKILLs of busy children over {jobs:,} jobs",
        f"0 lost; 1 artifact and 1 event a job; starts ≤ {jobs:,} + held by the killed; all ≤ 120 s",
    )
    fleet = make_fleet(**LEASES)
    worker = fleet.worker("speak", LOA_PROCESSES=str(processes), LOA_BATCH_MAX="4", LOA_SINE_SECONDS="0.1")
    first = {slot.id: slot for slot in worker.hot(processes)}
    orphans, job_ids, dead = Orphans(fleet, row), list[str](), set[int]()

    def hot() -> list[Slot]:
        """At least two: kills that outrun the starts would show how long a start takes, and nothing else."""
        orphans.look()
        found = [slot for slot in worker.slots if slot.state == "hot" and slot.pid not in dead]
        return found if len(found) > 1 else []

    with endings(fleet.settings) as heard:
        began = time.monotonic()
        for kill in range(kills):
            there = wait_until(hot, START, "two processes")
            job_ids += [fleet.submit(f"This is job number {number} of round {kill}.") for number in range(jobs // kills)]
            slot, held, begun = wait_until(lambda there=there: frozen(fleet, there), START, "a busy process")
            worker.kill_child(slot)
            dead.add(slot.pid)
            orphans.killed(held, begun)
            row.injected += 1
        wait_until(orphans.look, START, "the orphans to be claimed again")
        fleet.all_ended(job_ids, 2 * START)
        seconds = time.monotonic() - began
        wait_until(lambda: len(heard.events) >= len(job_ids))
        judge(fleet, row, job_ids, History(events=heard.events, answers=accepted(job_ids)))
    starts = len(texts(fleet))
    row.mark += f"; saw {starts - jobs} more starts for {orphans.begun} held, {seconds:.0f} s"
    assert starts <= jobs + orphans.begun
    assert seconds <= 120.0
    # Those that came in their place have their names and their devices.
    now = {slot.id: slot for slot in worker.hot(processes)}
    assert {slot_id: slot.device for slot_id, slot in now.items()} == {slot_id: slot.device for slot_id, slot in first.items()}
    row.check()


def test_parents(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    kills, jobs = sized((2, 20), (20, 500))
    row = fault_row(
        f"{kills} SIGKILLs of the parent over {jobs} jobs", "0 lost; no child alive after 2 s; orphan restarted ≤ lease + 5 s + start"
    )
    fleet = make_fleet(**LEASES)

    def join() -> WorkerProcess:
        return fleet.worker("speak", LOA_BATCH_MAX="4", LOA_SINE_SECONDS="0.1")

    began = time.monotonic()
    workers = [join(), join()]
    for worker in workers:
        worker.hot()
    row.within = fleet.settings.lease + 5.0 + time.monotonic() - began
    orphans, job_ids = Orphans(fleet, row), list[str]()

    def hot() -> list[tuple[WorkerProcess, list[Slot]]]:
        """Both: kills that outrun the starts would show how long a start takes, and nothing else."""
        orphans.look()
        found = [(worker, [slot for slot in worker.slots if slot.state == "hot"]) for worker in workers]
        return found if all(slots for _, slots in found) else []

    def prey(there: list[tuple[WorkerProcess, list[Slot]]]) -> object:
        orphans.look()
        return next(((worker, held) for worker, slots in there if (held := frozen(fleet, slots))), None)

    with endings(fleet.settings) as heard:
        for kill in range(kills):
            there = wait_until(hot, START, "two workers")
            job_ids += [fleet.submit(f"This is job number {number} of round {kill}.") for number in range(jobs // kills)]
            worker, (_, held, begun) = wait_until(lambda there=there: prey(there), START, "a busy worker")
            children = psutil.Process(worker.process.pid).children(recursive=True)
            worker.process.kill()
            orphans.killed(held, begun)
            row.injected += 1
            wait_until(lambda children=children: not any(map(lives, children)), CHILDREN_GONE, "the children to end with their parent")
            worker.process.wait()
            workers.remove(worker)
            workers.append(join())
        wait_until(orphans.look, START, "the orphans to be claimed again")
        fleet.all_ended(job_ids, 2 * START)
        wait_until(lambda: len(heard.events) >= len(job_ids))
        judge(fleet, row, job_ids, History(events=heard.events, answers=accepted(job_ids)))
    row.check()


def test_a_long_text(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    """The same text once with kills and, when all its segments are forgotten, once in peace."""
    segments, kills = sized((40, 2), (300, 5))
    row = fault_row(f"{segments} segments, {kills} kills", "segments redone ≤ those that the killed held; sha256 equal")
    fleet = make_fleet(**LEASES)
    worker = fleet.worker("speak", LOA_PROCESSES="2", LOA_BATCH_MAX="8", LOA_SINE_SECONDS=sized("0.05", "0.03"))
    fleet.worker("plan,assemble")
    worker.hot(2)
    book = " ".join(SENTENCE.format(number) for number in range(segments))
    orphans, dead = Orphans(fleet, row), set[int]()

    def prey() -> object:
        return frozen(fleet, [slot for slot in worker.slots if slot.state == "hot" and slot.pid not in dead])

    disturbed = fleet.submit(book)
    for kill in range(kills):
        done = kill * segments // (kills + 1)
        wait_until(lambda done=done: fleet.job(disturbed).segments_done > done, START, f"{done} segments")
        slot, held, begun = wait_until(prey, START, "a busy process")
        worker.kill_child(slot)
        dead.add(slot.pid)
        orphans.killed(held, begun)
        row.injected += 1
        wait_until(orphans.look, START, "the orphans to be claimed again")
    first = fleet.ended(disturbed, 2 * START)
    assert first.segments_total == segments
    redone = len(texts(fleet)) - segments
    row.mark += f"; saw {redone} of {orphans.begun} redone"
    assert redone <= orphans.begun
    for stored in list(fleet.artifacts.walk("segments")):
        fleet.artifacts.delete(stored.path)
    second = fleet.ended(fleet.submit(book), 2 * START)
    row.duplicated = sum(count - 1 for count in Counter(texts(fleet)).values()) - segments - redone
    assert first.result is not None
    assert second.result is not None
    assert first.result["sha256"] == second.result["sha256"]
    row.check()


def accepted(job_ids: list[str]) -> list[Answer]:
    """What a client would have been told of them."""
    return [Answer(key=job_id, status=202, job_id=job_id) for job_id in job_ids]


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
