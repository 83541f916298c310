"""What goes wrong inside a batch: a poisonous segment, a device that hangs, runs out of memory, breaks, or does not even start."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from loa.states import State
from tests.api.stage import serve
from tests.faults.rows import Row, sized
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

AS_SHIPPED = {"lease": 10.0, "beat": 3.0, "reconcile": 1.0}


def test_poison(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    jobs = sized(12, 32)
    row = fault_row(
        f"poison segment in a batch of {jobs} from {jobs} jobs",
        f"it fails worker_lost after 3 losses (1 in the batch, 2 alone) ≤ 60 s; the {jobs - 1} others succeed",
        within=60.0,
    )
    fleet = make_fleet(**sized({"lease": 2.0}, AS_SHIPPED))
    harmless = [fleet.submit(f"This one is harmless, number {number}.") for number in range(jobs - 1)]
    poison = "This one is the [[die]] poison."
    poisonous = fleet.submit(poison)
    fleet.worker().hot()
    hot = time.monotonic()
    ended = fleet.ended(poisonous, 60.0)
    row.recovered(time.monotonic() - hot)
    row.lost = sum(job.state is not State.SUCCEEDED for job in fleet.all_ended(harmless, START))
    deaths = [len(batch) for batch in fleet.begun() if poison in batch]
    row.injected = len(deaths)
    assert deaths == [jobs, 1, 1]
    assert ended.error is not None
    assert ended.error["code"] == "worker_lost"
    row.check()


def test_hanging(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row], tmp_path: Path) -> None:
    """The process beats while its batch hangs; another worker, where nothing hangs, does the work."""
    limit = sized(1.0, 30.0)
    row = fault_row(
        "a batch that hangs but whose process lives",
        "its lease ends, the segments are done elsewhere, the process is replaced",
        within=limit + 10.0 + 5.0,
    )
    fleet = make_fleet(batch_limit=limit, **sized({"lease": 2.0}, AS_SHIPPED))
    faults = tmp_path / "faults"
    faults.touch()
    hanging = fleet.worker("speak", LOA_SINE_FAULTS=str(faults))
    (slot,) = hanging.hot()
    job_ids = [fleet.submit(f"This one will [[hang]] for ever, number {number}.") for number in range(4)]
    wait_until(fleet.begun, what="the batch to hang")
    faults.unlink()  # what hangs goes on hanging
    row.injected = 1
    fleet.worker("speak", LOA_SINE_FAULTS="0").hot()
    began = time.monotonic()
    jobs = fleet.all_ended(job_ids, row.within + START)
    row.recovered(time.monotonic() - began)
    row.lost = sum(job.state is not State.SUCCEEDED for job in jobs)
    wait_until(lambda: any(one.state == "hot" and one.pid != slot.pid for one in hanging.slots), START, "another process")
    assert "this process is replaced" in hanging.log
    row.check()


def test_memory(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    jobs, memory = sized((16, 4), (64, 5))
    row = fault_row(f"the device runs out of memory above {memory} of {jobs} segments", "the batch is halved until it fits; nothing lost")
    fleet = make_fleet()
    job_ids = [fleet.submit(f"This is job number {number:02}.") for number in range(jobs)]
    worker = fleet.worker("speak", LOA_SINE_MEMORY=str(memory))
    (slot,) = worker.hot()
    row.lost = sum(job.state is not State.SUCCEEDED for job in fleet.all_ended(job_ids))
    sizes = [len(batch) for batch in fleet.begun()]
    row.injected = sum(size > memory for size in sizes)
    assert sizes[0] == jobs
    assert sum(size for size in sizes if size <= memory) == jobs
    assert [one.pid for one in worker.hot()] == [slot.pid]
    row.check()


def test_broken_device(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row], tmp_path: Path) -> None:
    jobs = sized(8, 32)
    row = fault_row("a CUDA error that stays (injected)", "the process is replaced, with nothing lost", within=10.0 + 5.0)
    fleet = make_fleet(lease=60.0, beat=1.0)  # whatever is left to its lease misses the mark
    faults = tmp_path / "faults"
    faults.touch()
    worker = fleet.worker("speak", LOA_SINE_FAULTS=str(faults))
    (slot,) = worker.hot()
    job_ids = [fleet.submit(f"Job number {number} meets a [[break]] in the device.") for number in range(jobs)]
    wait_until(lambda: any(one.pid != slot.pid for one in worker.slots) or slot.pid not in pids(worker.slots), START, "the process to go")
    faults.unlink()
    began = time.monotonic()
    row.injected = 1
    ended = fleet.all_ended(job_ids, START)
    row.recovered(time.monotonic() - began)
    row.lost = sum(job.state is not State.SUCCEEDED for job in ended)
    assert "the device is lost: CUDA error: an illegal memory access was encountered" in worker.log
    assert slot.pid not in pids(worker.hot())
    row.check()


def test_device_that_does_not_start(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    row = fault_row("a device that does not start", "quarantined after 3 failed starts, and shown; the other device does the work")
    fleet = make_fleet(devices="cpu,cuda:63")
    worker = fleet.worker()
    wait_until(lambda: any(slot.message.startswith("quarantined") for slot in worker.slots), 3 * START, "the quarantine")
    row.injected = 3
    hot, failed = sorted(worker.hot(), key=lambda slot: slot.id) + [slot for slot in worker.slots if slot.state == "failed"]
    assert (hot.state, hot.device) == ("hot", "cpu")
    assert failed.id.endswith("/1")
    assert failed.message.startswith("quarantined after 3 failed starts; the last one: there is no device cuda:63 here")
    with serve(fleet.settings) as served:
        shown = {slot["id"]: slot for slot in served.call("GET", "/v1/workers").json()["workers"]}
        assert (shown[failed.id]["state"], shown[failed.id]["message"]) == ("failed", failed.message)
        assert served.call("GET", "/readyz").status == 200, "the other device is enough"
    wait_until(lambda: any(slot.pid != failed.pid for slot in worker.slots if slot.id == failed.id), START, "the next process")
    assert [slot.message for slot in worker.slots if slot.id == failed.id] == [failed.message]  # it is left alone
    row.lost = int(fleet.ended(fleet.submit("The other one speaks.")).state is not State.SUCCEEDED)
    assert worker.end() == 0
    row.check()


def pids(slots: list) -> set[int]:
    return {slot.pid for slot in slots}
