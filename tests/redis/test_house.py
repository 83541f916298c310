"""Keeping house: what a sweep removes, what it leaves alone, and whose turn it is."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.artifacts import USED_EVERY, Artifacts
from loa.errors import StorageUnavailable, StoreUnavailable
from loa.house import Sweep, Sweeper, SweepLost
from loa.house.sweep import DAY, SKEW, WRITER_AGE
from loa.settings import Settings
from loa.store import House, Turn
from tests.redis.ledger import ASSEMBLE, PLAN, RESULT, Bench, a_plan, an_order
from tests.waiting import wait_until

HOUR = 3600.0


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "artifacts"))


class Keeper:
    """Sweeps with settings of its own, and makes files old."""

    def __init__(self, bench: Bench, artifacts: Artifacts) -> None:
        self.bench, self.artifacts, self.house = bench, artifacts, bench.store.house
        self.settings = dataclasses.replace(bench.store.database.settings, sweep_seconds=0.05)

    def sweep(self, **changes: object) -> dict[str, dict[str, int]]:
        """What was found, by kind."""
        settings = dataclasses.replace(self.settings, **changes)  # type: ignore[arg-type]
        sweeper = Sweeper(self.house, self.artifacts, settings)
        wait_until(sweeper.sweep)  # a moment after the one before
        report = self.house.report()
        assert report is not None
        return report["kinds"]

    def write(self, path: str, age: float = 0.0, size: int = 100) -> str:
        self.artifacts.write(path, os.urandom(size))
        self.age(path, age)
        return path

    def age(self, path: str, age: float) -> None:
        place = self.artifacts.local_path(path)
        assert place is not None
        os.utime(place, (time.time() - age,) * 2)

    @property
    def paths(self) -> set[str]:
        return {stored.path for stored in self.artifacts.walk()}

    def finished_job(self, age: float = 0.0) -> tuple[str, set[str]]:
        """A job that succeeded so many seconds ago, and its files."""
        job_id = self.bench.submit()
        self.bench.speak(self.bench.claim())
        batch = self.bench.claim(queue=ASSEMBLE)
        folder = f"jobs/{job_id}/{batch.claim}"
        files = {self.write(f"{folder}/audio.wav", age), self.write(f"{folder}/timings.json", age)}
        assert self.bench.store.claims.finish(
            batch.claim, job_id, RESULT | {"path": f"{folder}/audio.wav", "timings": f"{folder}/timings.json"}
        )
        keys, client = self.bench.store.database.keys, self.bench.store.database.client
        client.hincrby(keys.job(job_id), "finished", -round(age * 1000))
        return job_id, files


@pytest.fixture
def keeper(bench: Bench, artifacts: Artifacts) -> Keeper:
    bench.hot()
    return Keeper(bench, artifacts)


# --- audio


def test_audio_goes_so_many_days_after_the_end_of_its_job(keeper: Keeper) -> None:
    _, old = keeper.finished_job(age=7 * DAY + 60)
    _, young = keeper.finished_job(age=7 * DAY - 60)
    kinds = keeper.sweep()
    assert keeper.paths == young
    assert kinds["audio"] == {"files": 2, "bytes": 200, "removed_files": 2, "removed_bytes": 200}
    assert not old & keeper.paths
    keeper.sweep(audio_days=1)
    assert keeper.paths == set()


def test_what_a_superseded_claim_wrote_goes_when_its_writer_must_be_gone(keeper: Keeper) -> None:
    job_id, files = keeper.finished_job()
    late = keeper.write(f"jobs/{job_id}/1-abc/audio.wav", WRITER_AGE - 60)
    keeper.write(f"jobs/{job_id}/2-abc/audio.wav", WRITER_AGE + 60)
    keeper.sweep()
    assert keeper.paths == files | {late}


def test_what_a_living_claim_writes_stays_however_long_it_takes(keeper: Keeper) -> None:
    job_id = keeper.bench.submit()
    keeper.bench.speak(keeper.bench.claim())
    batch = keeper.bench.claim(queue=ASSEMBLE)
    written = keeper.write(f"jobs/{job_id}/{batch.claim}/audio.wav", 5 * HOUR)
    keeper.sweep()
    assert keeper.paths == {written}
    keeper.bench.store.claims.hand_back(batch.claim, batch.items)
    keeper.sweep()
    assert keeper.paths == set()


def test_files_of_jobs_that_redis_has_lost_live_as_long_as_audio_does(keeper: Keeper) -> None:
    unknown = keeper.write("jobs/job_0/1-a/audio.wav", 7 * DAY - 60), keeper.write("plans/job_0/1-a.json", 7 * DAY - 60)
    keeper.write("jobs/job_1/1-a/audio.wav", 7 * DAY + 60)
    keeper.write("plans/job_1/1-a.json", 7 * DAY + 60)
    keeper.sweep()
    assert keeper.paths == set(unknown)
    keeper.sweep(job_retention_days=3)  # their records would be gone by now
    assert keeper.paths == set()


def test_what_loa_did_not_put_there_is_counted_and_nothing_else(keeper: Keeper) -> None:
    found = {keeper.write(path, 5 * DAY) for path in ("jobs/readme.txt", "voices/prompts/a.wav", "other/x", "segments/x", "token")}
    kinds = keeper.sweep()
    assert keeper.paths == found
    assert {kind: tally["files"] for kind, tally in kinds.items() if tally["files"]} == {"audio": 1, "voices": 1, "segments": 1}


# --- plans and documents


def test_a_plan_and_its_document_live_as_long_as_their_job(keeper: Keeper) -> None:
    document = keeper.write("documents/aa.txt", 3 * HOUR)
    job_id = keeper.bench.submit(an_order(long=True, document=document))
    shared = keeper.bench.submit(an_order(long=True, document=document))
    batch = keeper.bench.claim(queue=PLAN, most=1)
    assert batch.items[0].job_id == job_id
    plan = keeper.write(f"plans/{job_id}/{batch.claim}.json", 3 * HOUR)
    lost = keeper.write(f"plans/{job_id}/7-abc.json", 3 * HOUR)
    keeper.sweep()
    assert keeper.paths == {document, plan}  # the plan is not current yet, but its planner lives
    assert keeper.bench.store.claims.plan(batch.claim, job_id, a_plan([1.0]), plan)
    keeper.sweep()
    assert keeper.paths == {document, plan}
    keeper.bench.store.jobs.cancel(job_id)
    keeper.sweep()
    assert keeper.paths == {document}  # another job has it
    keeper.bench.store.jobs.cancel(shared)
    kinds = keeper.sweep()
    assert keeper.paths == set()
    assert kinds["documents"]["removed_files"] == 1
    assert lost not in keeper.paths


def test_a_document_that_was_just_sent_waits_for_its_job(keeper: Keeper) -> None:
    """It is stored, or found and used, before the store knows of the job."""
    keeper.write("documents/aa.txt", USED_EVERY + WRITER_AGE + 60)
    keeper.artifacts.write("documents/aa.txt", b"the same document again")
    keeper.write("documents/bb.txt", USED_EVERY + WRITER_AGE - 60)
    keeper.sweep()
    assert keeper.paths == {"documents/aa.txt", "documents/bb.txt"}


def test_a_document_that_comes_into_use_while_it_is_swept_stays(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keeper.write("documents/aa.txt", DAY)
    seen = keeper.artifacts.walk

    def walk(prefix: str) -> Iterator[object]:
        for stored in list(seen(prefix)):
            assert keeper.artifacts.use(stored.path)  # after it was listed, before it is looked at
            yield stored

    monkeypatch.setattr(keeper.artifacts, "walk", walk)
    keeper.sweep()
    assert keeper.artifacts.exists(path)


# --- segments


def segment(number: int) -> str:
    return f"segments/{number % 256:02x}/{number:064x}.zip"


def test_the_segments_that_were_used_least_go_first_and_no_more_than_needed(keeper: Keeper) -> None:
    paths = [keeper.write(segment(number), age=(20 - number) * 2 * HOUR) for number in range(10)]
    kinds = keeper.sweep(segment_cache_bytes=700)
    assert keeper.paths == set(paths[3:])
    assert kinds["segments"] == {"files": 7, "bytes": 700, "removed_files": 3, "removed_bytes": 300}
    assert keeper.artifacts.use(paths[3])
    keeper.sweep(segment_cache_bytes=600)
    assert keeper.paths == {paths[3], *paths[5:]}


def test_parts_of_books_go_with_the_segments(keeper: Keeper) -> None:
    spoken = [keeper.write(segment(number), age=(20 - 2 * number) * 2 * HOUR) for number in range(3)]
    parts = [keeper.write(f"parts/aa/{number}.packets", age=(19 - 2 * number) * 2 * HOUR) for number in range(3)]
    kinds = keeper.sweep(segment_cache_bytes=300)
    assert keeper.paths == {spoken[2], *parts[1:]}
    assert (kinds["segments"]["removed_files"], kinds["parts"]["removed_files"]) == (2, 1)
    job_id = keeper.bench.submit()
    client, keys = keeper.bench.store.database.client, keeper.bench.store.database.keys
    client.zincrby(keys.unfinished(), -round(DAY * 1000), job_id)  # since before they were used
    keeper.age(parts[2], HOUR)
    keeper.sweep(segment_cache_bytes=0)
    assert parts[2] in keeper.paths, "a job that is not done may need it"


def test_of_one_hour_only_as_many_go_as_are_too_many(keeper: Keeper) -> None:
    for number in range(10):
        keeper.write(segment(number), age=DAY)
    keeper.sweep(segment_cache_bytes=650)
    assert len(keeper.paths) == 6


def test_a_cache_within_its_bound_is_left_alone(keeper: Keeper) -> None:
    keeper.write(segment(1), age=400 * DAY)
    keeper.sweep(segment_cache_bytes=100)
    assert keeper.paths == {segment(1)}


def test_no_segment_goes_that_was_used_since_the_oldest_unfinished_job_began(keeper: Keeper) -> None:
    job_id = keeper.bench.submit()
    client, keys = keeper.bench.store.database.client, keeper.bench.store.database.keys
    client.zincrby(keys.unfinished(), -round(DAY * 1000), job_id)  # a day ago
    needed = keeper.write(segment(1), age=DAY + USED_EVERY)  # used then, as far as is known
    keeper.write(segment(2), age=DAY + USED_EVERY + SKEW + 60)
    keeper.sweep(segment_cache_bytes=0)
    assert keeper.paths == {needed}
    keeper.bench.store.jobs.cancel(job_id)
    keeper.sweep(segment_cache_bytes=0)
    assert keeper.paths == set()


def test_what_was_used_a_moment_ago_stays_even_without_jobs(keeper: Keeper) -> None:
    keeper.write(segment(1), age=60)
    keeper.sweep(segment_cache_bytes=0)
    assert keeper.paths == {segment(1)}


def test_a_job_whose_end_the_list_did_not_hear_of_holds_nothing_back(keeper: Keeper) -> None:
    """A worker of an older version ended it."""
    job_id, _ = keeper.finished_job()
    client, keys = keeper.bench.store.database.client, keeper.bench.store.database.keys
    client.zadd(keys.unfinished(), {job_id: 1.0, "job_forgotten": 2.0})
    keeper.write(segment(1), age=DAY)
    keeper.sweep(segment_cache_bytes=0)
    assert segment(1) not in keeper.paths
    assert client.zcard(keys.unfinished()) == 0


def test_a_reader_reads_to_the_end_what_is_removed_meanwhile(keeper: Keeper) -> None:
    path = keeper.write(segment(1), age=DAY, size=1_000_000)
    with keeper.artifacts.open(path) as stream:
        head = stream.read(10)
        keeper.sweep(segment_cache_bytes=0)
        assert not keeper.artifacts.exists(path)
        assert len(head + stream.read()) == 1_000_000


def test_many_files_are_walked_and_never_listed(keeper: Keeper, tmp_path: Path) -> None:
    """20,000 files in some seconds; every path is seen once and forgotten."""
    folder = tmp_path / "artifacts" / "segments"
    for number in range(20_000):
        place = folder / f"{number % 256:02x}"
        if number < 256:
            place.mkdir(parents=True)
        (place / f"{number:064x}.zip").touch()
    began = time.monotonic()
    assert keeper.sweep()["segments"]["files"] == 20_000
    assert time.monotonic() - began < 15


# --- turns


def test_one_sweeps_at_a_time_and_not_too_often(bench: Bench) -> None:
    house = bench.store.house
    first = house.begin("a", interval=0, lease=60)
    assert first is not None
    assert first.oldest is None
    assert house.begin("b", interval=0, lease=60) is None
    assert house.go_on("a", lease=60)
    assert not house.go_on("b", lease=60)
    assert not house.end("b", {})
    assert house.end("a", {"at": 1})
    assert house.report() == {"at": 1}
    assert house.begin("b", interval=60, lease=60) is None
    assert house.begin("b", interval=0, lease=60) is not None


def test_the_turn_of_one_that_died_passes_on(bench: Bench) -> None:
    house = bench.store.house
    assert house.begin("a", interval=0, lease=0.05)
    assert wait_until(lambda: house.begin("b", interval=0, lease=60))
    assert not house.go_on("a", lease=60)
    assert not house.end("a", {})


def test_who_lost_its_turn_stops(keeper: Keeper) -> None:
    keeper.write(segment(1), age=DAY)

    def lost() -> None:
        raise SweepLost

    turn = Turn(now=time.time(), oldest=None)
    with pytest.raises(SweepLost):
        Sweep(keeper.artifacts, keeper.house, keeper.settings, turn, lost).run()
    assert keeper.paths == {segment(1)}


class Unwell(House):
    """A house whose turns end as the test says."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def begin(self, holder: str, interval: float, lease: float) -> Turn | None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return None


def test_the_thread_goes_on_whatever_a_sweep_meets(artifacts: Artifacts, caplog: pytest.LogCaptureFixture) -> None:
    house = Unwell(StoreUnavailable("away"), StorageUnavailable("the bucket is away"), RuntimeError("a defect"), SweepLost())
    sweeper = Sweeper(house, artifacts, Settings.load({}, sweep_seconds=0.05))
    sweeper.start()
    wait_until(lambda: house.asked > 5)
    sweeper.stop()
    assert not sweeper.is_alive()
    assert "the bucket is away" in caplog.text
    assert "a defect" in caplog.text


def test_a_sweep_stops_with_its_process(keeper: Keeper) -> None:
    """In the middle of a long walk."""
    walking, go = threading.Event(), threading.Event()

    def walk(prefix: str) -> Iterator[object]:
        while True:
            walking.set()
            go.wait(5)
            yield from keeper.artifacts.walk("segments")

    keeper.write(segment(1))
    slow = Artifacts(keeper.artifacts.url)
    slow.walk = walk  # type: ignore[method-assign]
    sweeper = Sweeper(keeper.house, slow, keeper.settings)
    sweeper.start()
    assert walking.wait(10)
    threading.Timer(0.05, go.set).start()
    sweeper.stop()
    assert not sweeper.is_alive()


def test_the_unfinished_are_known_page_by_page(bench: Bench) -> None:
    documents = {f"documents/{number}.txt" for number in range(30)}
    for document in documents:
        bench.submit(an_order(long=True, document=document))
    bench.submit()
    assert bench.store.house.documents() == documents
