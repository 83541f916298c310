"""Shutting down: what runs is finished or handed back, never left to its lease."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

SLOW = {"LOA_SINE_SECONDS": "0.5", "LOA_BATCH_MAX": "2"}


def test_a_drained_worker_finishes_its_batch_and_another_does_the_rest(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(lease=20.0, drain_seconds=10.0)  # whatever is left to its lease fails this test's times
    first, second = fleet.worker("speak", **SLOW), fleet.worker("speak", LOA_SINE_LOAD_SECONDS="1", **SLOW)
    (slot,) = first.hot()
    second.hot()
    job_ids = [fleet.submit(f"This is job number {number}.") for number in range(12)]
    wait_until(lambda: fleet.claimed_by(slot.id), what="work for the first worker")
    began = time.monotonic()
    assert first.end() == 0
    assert time.monotonic() - began < 6.0  # the batch, not the lease
    assert fleet.claimed_by(slot.id) == []
    jobs = fleet.all_ended(job_ids, 15.0)
    assert {job.state for job in jobs} == {State.SUCCEEDED}
    assert [one.id for one in fleet.store.slots.all()] == [one.id for one in second.slots]
    assert fleet.redis.zcard(fleet.keys.draining()) == 0


def test_a_second_signal_hands_back_at_once(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(lease=60.0, drain_seconds=60.0)
    worker = fleet.worker()
    worker.hot()
    job_id = fleet.submit("This will [[hang]] for ever.")
    wait_until(lambda: (record := fleet.item(job_id, "0")) and record["state"] == "s")
    worker.process.send_signal(signal.SIGINT)
    wait_until(lambda: all(slot.state == "draining" for slot in worker.slots))
    assert fleet.item(job_id, "0")["state"] == "s"
    worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(10.0) == 0
    assert fleet.item(job_id, "0")["state"] == "r"


def test_a_worker_that_still_loads_leaves_at_once(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(drain_seconds=60.0)
    worker = fleet.worker("speak", LOA_SINE_LOAD_SECONDS="60")
    wait_until(lambda: any(slot.message == "loading engine sine" for slot in worker.slots), START)
    assert worker.end(10.0) == 0
    assert fleet.store.slots.all() == []
