"""The sweeper races a segment-cache hit: the job succeeds, whoever is faster."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from loa.artifacts import Artifacts
from loa.house import Sweeper
from loa.house.sweep import DAY
from loa.jobs import Job
from loa.states import State
from loa.store import Store
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

ROUNDS = 6
BOOK = " ".join(f"This is sentence number {number} of a book that everybody reads." for number in range(24))


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    fleet = make_fleet(batch_max=2, segment_cache_bytes=0, sweep_seconds=0.05)  # every process sweeps all that it may, all the time
    fleet.worker("speak").hot()
    fleet.worker("plan,assemble").hot()
    return fleet


def make_old(artifacts: Artifacts) -> int:
    """Let every segment be one that nobody has used for a day; how many there are."""
    count = 0
    for stored in artifacts.walk("segments"):
        place = artifacts.local_path(stored.path)
        assert place is not None
        os.utime(place, (time.time() - DAY,) * 2)
        count += 1
    return count


@contextmanager
def sweeping(fleet: Fleet) -> Iterator[list[int]]:
    """Sweep from here as well, without a pause; gives how many segments each sweep removed."""
    settings = dataclasses.replace(fleet.settings, sweep_seconds=0.0)
    sweeper = Sweeper(Store.for_thread(settings).house, Artifacts(settings.artifacts), settings)
    removed: list[int] = []
    stopped = threading.Event()

    def sweep() -> None:
        while not stopped.is_set():
            if sweeper.sweep():
                report = fleet.store.house.report()
                assert report is not None
                removed.append(report["kinds"]["segments"]["removed_files"])

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        yield removed
    finally:
        stopped.set()
        thread.join()


def check(fleet: Fleet, job: Job) -> None:
    assert job.state is State.SUCCEEDED, job.error
    assert job.segments_done == job.segments_total
    audio = fleet.artifacts.read(job.result["path"])
    assert (len(audio), hashlib.sha256(audio).hexdigest()) == (job.result["bytes"], job.result["sha256"])


def test_jobs_whose_segments_are_swept_while_they_are_found_succeed(fleet: Fleet) -> None:
    first = fleet.ended(fleet.submit(BOOK), START)
    check(fleet, first)
    with sweeping(fleet):
        for _ in range(ROUNDS):
            spoken = wait_until(lambda: make_old(fleet.artifacts) or fleet.redis.hget(fleet.keys.counts(), "speaking") == "0")
            assert spoken is not None
            # Half of it is there, or was a moment ago; a sentence of it as a job of its own as well.
            job_ids = [fleet.submit(BOOK), fleet.submit(BOOK.partition(". ")[0] + "."), fleet.submit(BOOK)]
            for job in fleet.all_ended(job_ids, START):
                check(fleet, job)
                if job.characters == first.characters:
                    assert job.result["sha256"] == first.result["sha256"]


def test_what_an_unfinished_job_has_found_stays_until_it_has_ended(fleet: Fleet) -> None:
    """However small the cache: no job is set back again and again by a sweeper that is faster."""
    fleet.ended(fleet.submit(BOOK), START)
    make_old(fleet.artifacts)
    job_id = fleet.submit(BOOK)
    with sweeping(fleet) as removed:
        job = fleet.ended(job_id, START)
        assert int(fleet.redis.hget(fleet.keys.job(job_id), "returns") or 0) <= 1
        check(fleet, job)
        make_old(fleet.artifacts)
        wait_until(lambda: not list(fleet.artifacts.walk("segments")))
    assert sum(removed) >= 0
