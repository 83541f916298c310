"""Files and records: a process that dies or falls behind between the two leaves neither a wrong file nor two."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable

from loa.jobs import Job
from loa.states import State
from tests.faults.orphans import texts
from tests.faults.rows import Row, sized
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

TEXT = "This is the {} try, which somebody begins and somebody else may have to end."
TRIES = ("first", "second", "third", "fourth", "fifth")
ROUNDS = sized(1, 5)


def test_crash_before_the_record(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    """Redis is away when the audio is written, so that the process dies with its file there and its record not."""
    row = fault_row("crash between file write and FINISH", "published sha256 stays true; one artifact is published", within=30.0)
    fleet = make_fleet(lease=2.0)
    worker = fleet.worker("speak", LOA_SINE_SECONDS="0.7")
    for which in TRIES[:ROUNDS]:
        (slot,) = worker.hot()
        job_id = fleet.submit(TEXT.format(which))
        wait_until(lambda which=which: texts(fleet).count(TEXT.format(which)), what="the synthesis to begin")
        fleet.kill_redis()
        wait_until(lambda job_id=job_id: audios(fleet, job_id), what="the audio")
        worker.kill_child(slot)
        row.injected += 1
        fleet.broker.restart()
        up = time.monotonic()
        job = fleet.ended(job_id, START)
        row.recovered(time.monotonic() - up)
        assert_published(fleet, job)
        assert len(audios(fleet, job_id)) == 2, "the dead process's, which no record names, and the published one"
    row.check()


def test_late_writer(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    row = fault_row("a superseded worker writes late", "published sha256 stays true; one artifact, the late one's is removed")
    fleet = make_fleet(lease=2.0)
    late = fleet.worker("speak", LOA_SINE_SECONDS="0.7")
    for which in TRIES[:ROUNDS]:
        (slot,) = late.hot()
        job_id = fleet.submit(TEXT.format(which))
        wait_until(lambda which=which: texts(fleet).count(TEXT.format(which)), what="the synthesis to begin")
        os.kill(slot.pid, signal.SIGSTOP)
        row.injected += 1
        other = fleet.worker()
        other.hot()
        published = fleet.ended(job_id, START)
        assert_published(fleet, published)
        os.kill(slot.pid, signal.SIGCONT)
        wait_until(lambda: "was superseded, or is no longer wanted" in late.log, what="the late one to be told")
        wait_until(lambda job_id=job_id: len(audios(fleet, job_id)) == 1, what="the late one's file to go")
        again = fleet.job(job_id)
        assert again.result == published.result
        assert_published(fleet, again)
        assert other.end() == 0
        late.log_file.write_bytes(b"")
    row.check()


def audios(fleet: Fleet, job_id: str) -> list[str]:
    return [stored.path for stored in fleet.artifacts.walk(f"jobs/{job_id}") if stored.path.endswith("/audio.wav")]


def assert_published(fleet: Fleet, job: Job) -> None:
    assert job.state is State.SUCCEEDED
    assert job.result is not None
    audio = fleet.artifacts.read(job.result["path"])
    assert (len(audio), hashlib.sha256(audio).hexdigest()) == (job.result["bytes"], job.result["sha256"])
