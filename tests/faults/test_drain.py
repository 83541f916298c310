"""SIGTERM in the middle of a job: the worker leaves in time, and what it has not finished is done elsewhere at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from loa.states import State
from tests.faults.rows import Row, sized
from tests.waiting import wait_until
from tests.worker.fleet import Fleet


def test_sigterm(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    job_seconds, grace = sized((4.0, 1.0), (60.0, 30.0))
    row = fault_row(
        f"SIGTERM during a {job_seconds:g} s job, {grace:g} s grace",
        f"exit ≤ {grace + 5:g} s; finished elsewhere; hand-back by draining, not by lease expiry",
        within=grace + 5.0,
    )
    fleet = make_fleet(lease=300.0, drain_seconds=grace, batch_limit=4 * job_seconds)  # the lease outlives the test
    slow = fleet.worker("speak", LOA_SINE_SLOW=str(job_seconds))
    (slot,) = slow.hot()
    job_id = fleet.submit("This is [[slow]] where it begins.")
    wait_until(lambda: (record := fleet.item(job_id, "0")) and record["state"] == "s")
    quick = fleet.worker()
    quick.hot()
    row.injected = 1
    began = time.monotonic()
    assert slow.end(grace + 20.0) == 0
    row.recovered(time.monotonic() - began)
    job = fleet.ended(job_id, 10.0)
    row.lost = int(job.state is not State.SUCCEEDED)
    assert fleet.claimed_by(slot.id) == []
    assert [one.id for one in fleet.store.slots.all()] == [one.id for one in quick.slots]
    row.check()
