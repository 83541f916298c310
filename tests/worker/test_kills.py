"""Processes that are killed while they work: nothing is lost, nothing is done twice, and slots keep their names."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import redis

from loa.states import State
from loa.store import Slot
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

KILLS = 10
JOBS = 100


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet(lease=1.8)


@pytest.fixture
def endings(fleet: Fleet) -> Iterator[Counter[str]]:
    """How often each job's end was told."""
    told: Counter[str] = Counter()
    listener = redis.Redis.from_url(fleet.settings.redis_url, decode_responses=True).pubsub(ignore_subscribe_messages=True)
    listener.subscribe(fleet.keys.events())
    stopped = threading.Event()

    def listen() -> None:
        while not stopped.is_set():
            if message := listener.get_message(timeout=0.1):
                told[json.loads(message["data"])["job"]] += 1

    thread = threading.Thread(target=listen)
    thread.start()
    yield told
    stopped.set()
    thread.join()
    listener.close()


def test_ten_kills_over_a_hundred_jobs(fleet: Fleet, endings: Counter[str]) -> None:
    worker = fleet.worker("speak", LOA_PROCESSES="2", LOA_BATCH_MAX="4", LOA_SINE_SECONDS="0.3")
    first = {slot.id: slot for slot in worker.hot(2)}
    assert sorted(slot_id.rpartition("/")[2] for slot_id in first) == ["0", "1"]
    job_ids: list[str] = []
    restarts = []
    for kill in range(KILLS):
        job_ids += [fleet.submit(f"This is job number {number} of round {kill}.") for number in range(JOBS // KILLS)]
        slot, orphans = wait_until(lambda: busy_unharmed(fleet, worker.hot(1)), START, "a busy process")
        worker.kill_child(slot)
        killed = time.monotonic()
        wait_until(lambda orphans=orphans: all(moved_on(fleet, *orphan) for orphan in orphans), START, "the orphans to be claimed again")
        restarts.append(time.monotonic() - killed)

    jobs = fleet.all_ended(job_ids, 3 * START)
    assert Counter(job.state for job in jobs) == {State.SUCCEEDED: len(job_ids)}
    wait_until(lambda: endings.total() >= len(job_ids))
    assert set(endings.values()) == {1}
    for job in jobs:
        assert job.segments_done == 1
        audio = fleet.artifacts.read(job.result["path"])
        assert (len(audio), hashlib.sha256(audio).hexdigest()) == (job.result["bytes"], job.result["sha256"])
    starts = max(sum(slot.steps.values()) for slot in worker.hot(2))
    assert max(restarts) <= fleet.settings.lease + 5 + starts

    # The replacements have the slots of the killed, and their devices.
    now = {slot.id: slot for slot in worker.hot(2)}
    assert now.keys() == first.keys()
    assert all(now[slot_id].device == first[slot_id].device for slot_id in now)
    assert {slot.pid for slot in now.values()} != {slot.pid for slot in first.values()}


def busy_unharmed(fleet: Fleet, slots: list[Slot]) -> tuple[Slot, list[tuple[str, str, str]]] | None:
    """A process that speaks, and what it holds; no segment that was orphaned twice before, for the third time would fail its job."""
    for slot in slots:
        orphans = fleet.claimed_by(slot.id)
        records = [fleet.item(job_id, item) for _, job_id, item in orphans]
        if orphans and all(record and record["state"] == "s" and record["losses"] < 2 for record in records):
            return slot, orphans
    return None


def moved_on(fleet: Fleet, claim: str, job_id: str, item: str) -> bool:
    record = fleet.item(job_id, item)
    return record is None or record["state"] == "d" or record["claim"] not in (claim, "")


def test_a_poisonous_passage_fails_alone(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(lease=2.0)
    job_ids = [fleet.submit(f"This is harmless, number {number}.") for number in range(12)]
    job_ids.insert(5, fleet.submit("This one is [[die]] poisonous."))
    fleet.worker().hot()
    jobs = fleet.all_ended(job_ids, 2 * START)
    assert [job.error["code"] if job.error else None for job in jobs] == [None] * 5 + ["worker_lost"] + [None] * 7


def test_a_batch_that_hangs_gets_another_process(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(lease=2.0, batch_limit=1.0)
    worker = fleet.worker()
    (slot,) = worker.hot()
    hung = fleet.submit("This one will [[hang]] for ever.")
    wait_until(lambda: fleet.item(hung, "0")["losses"] == 1, START, "the lease to end while the process lives")
    wait_until(lambda: "this process is replaced" in worker.log)
    wait_until(lambda: any(one.state == "hot" and one.pid != slot.pid for one in worker.slots), START, "another process")
    fleet.store.jobs.cancel(hung)
    assert fleet.ended(fleet.submit("Life goes on.")).state is State.SUCCEEDED


def test_an_exception_fails_its_own_job_only(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    job_ids = [fleet.submit("One."), fleet.submit("Two [[raise]] two."), fleet.submit("?! 3"), fleet.submit("Four.")]
    fleet.worker().hot()
    jobs = fleet.all_ended(job_ids)
    assert [job.error["code"] if job.error else None for job in jobs] == [None, "synthesis_failed", None, None]
    assert "[[raise]]" in jobs[1].error["message"]
