"""Workers that start: those that cannot, and those that join while others work."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from loa.states import State
from tests.api.stage import serve
from tests.faults.rows import Row, sized
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

NOT_READY = 5.0  # seconds until /readyz says that nobody is hot any more


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raise", "the start failed: RuntimeError: asked for by LOA_SINE_START_FAULT"),
        ("hang", "the start took longer than 4 s"),
        ("exit", "ended before it was hot (3 in a row)"),
    ],
)
def test_three_failed_starts(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row], fault: str, words: str) -> None:
    what = {"raise": "raises", "hang": "is too slow", "exit": "exits"}[fault]
    row = fault_row(f"start {what}", "no job on an unready model; exit code ≠ 0")
    fleet = make_fleet(start_limit=8.0 if fault != "hang" else 4.0)
    job_id = fleet.submit("Nobody is there to say this.")
    worker = fleet.worker("speak", LOA_SINE_START_FAULT=fault)
    states = set()

    def look() -> bool:
        states.update(slot.state for slot in worker.slots)
        return worker.process.poll() is not None

    wait_until(look, 3 * START, "the worker to give up")
    row.injected = 3
    assert worker.process.returncode != 0
    assert words in worker.log
    assert "3 processes in a row ended before they were hot" in worker.log
    assert "hot" not in states
    job = fleet.job(job_id)
    assert (job.state, job.started) == (State.QUEUED, None)
    assert fleet.item(job_id, "0")["losses"] == 0
    row.check()


def test_readiness_ends_with_the_last_process(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    kills = sized(1, 5)
    row = fault_row("the only process is killed", "not ready ≤ 5 s, with the leases as shipped; ready again by itself", within=NOT_READY)
    fleet = make_fleet(lease=10.0, beat=3.0, reconcile=1.0)
    worker = fleet.worker("speak", LOA_SINE_LOAD_SECONDS="1")
    with serve(fleet.settings) as served:

        def ready() -> bool:
            return served.call("GET", "/readyz").status == 200

        for _ in range(kills):
            (slot,) = worker.hot()
            wait_until(ready)
            worker.kill_child(slot)
            row.injected += 1
            killed = time.monotonic()
            wait_until(lambda: not ready())
            row.recovered(time.monotonic() - killed)
        wait_until(ready, START)
    row.check()


def test_joining_cold(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    """A worker that loads takes no message, so the hot one serves every job as if it were alone."""
    jobs = sized(30, 200)
    row = fault_row(f"a worker joins cold, {jobs} jobs queued", "no job waits more than 2 s longer than without it", within=2.0)
    fleet = make_fleet()
    environment = {"LOA_BATCH_MAX": "2", "LOA_SINE_SECONDS": "0.1"}
    fleet.worker("speak", **environment).hot()
    alone = waits(fleet, jobs, "alone")
    joining = fleet.worker("speak", LOA_SINE_LOAD_SECONDS="1.5", **environment)
    wait_until(lambda: any(slot.message == "loading engine sine" for slot in joining.slots), START)
    assisted = waits(fleet, jobs, "assisted")
    row.injected = 1
    row.recovered(max(0.0, *(second - first for first, second in zip(alone, assisted, strict=True))))
    joining.hot()
    row.check()


def waits(fleet: Fleet, jobs: int, name: str) -> list[float]:
    """Seconds from each job's submission to its end."""
    job_ids = [fleet.submit(f"This is number {number}, spoken {name}.") for number in range(jobs)]
    ended = fleet.all_ended(job_ids, 2 * START)
    assert {job.state for job in ended} == {State.SUCCEEDED}
    return [job.finished - job.created for job in ended if job.finished is not None]
