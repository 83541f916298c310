"""The finishing thread: what was spoken is stored, recorded and, for jobs of one segment, published."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from loa.audio import pack_segment
from loa.errors import StorageFull
from loa.states import State
from loa.store import Batch
from tests.worker.bench import RATE, Bench
from worker import paths
from worker.engines.base import Speech
from worker.finishing import Finisher, Utterance, Uttered
from worker.leases import Leases

Finish = Callable[[Batch, list[Speech | None]], None]


@pytest.fixture
def finish(bench: Bench) -> Iterator[Finish]:
    """Hand a batch to a finisher and wait until it is finished."""
    leases = Leases()
    finisher = Finisher(bench.store, bench.artifacts, bench.assembler, leases)
    finisher.start()

    def hand_over(batch: Batch, speeches: list[Speech | None]) -> None:
        utterances = []
        for item, speech in zip(batch.items, speeches, strict=True):
            job = batch.jobs[item.job_id]
            segment = bench.plans.segments(job)[item.index]
            utterances.append(Utterance(item=item, job=job, segment=segment, speech=speech, setup_seconds=0.0, synthesis_seconds=0.1))
        finisher.put(Uttered(lease=leases.hold(batch), utterances=utterances))
        finisher.flush()
        assert leases.held() == []

    yield hand_over
    finisher.close(5.0)
    assert not finisher.is_alive()


def tone(value: float = 0.5) -> Speech:
    return Speech(pcm=np.full(RATE, value, dtype=np.float32), sample_rate=RATE, words=())


def test_jobs_of_one_segment_are_published(bench: Bench, finish: Finish) -> None:
    job_ids = [bench.submit("One."), bench.submit("Two.")]
    finish(bench.claim("speak.sine"), [tone(), tone()])
    jobs = [bench.job(job_id) for job_id in job_ids]
    assert [job.state for job in jobs] == [State.SUCCEEDED] * 2
    assert all(bench.artifacts.exists(job.result["path"]) for job in jobs)
    assert bench.store.database.client.zcard(bench.store.database.keys.claims()) == 0


def test_the_first_writer_of_a_segment_is_the_one_that_is_heard(bench: Bench, finish: Finish) -> None:
    first = bench.submit("One.")
    finish(bench.claim("speak.sine"), [tone(0.5)])
    second = bench.submit("One.")
    finish(bench.claim("speak.sine"), [tone(0.1)])  # another process was faster with the very same words
    assert bench.job(second).result["sha256"] == bench.job(first).result["sha256"]


def test_a_full_disk_fails_the_job(bench: Bench, finish: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    write = bench.artifacts.write

    def full(path: str, data: object) -> bool:
        if path.startswith(f"jobs/{job_ids[0]}/"):
            raise StorageFull("no space left")
        return write(path, data)

    job_ids = [bench.submit("One."), bench.submit("Two.")]
    batch = bench.claim("speak.sine")
    monkeypatch.setattr(bench.artifacts, "write", full)
    finish(batch, [tone(), tone()])
    failed, succeeded = (bench.job(job_id) for job_id in job_ids)
    assert failed.error["code"] == "storage_full"
    assert succeeded.state is State.SUCCEEDED


def test_a_disk_that_is_full_after_the_audio_was_written_spoils_no_job(
    bench: Bench, finish: Finish, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = bench.artifacts.write

    def full(path: str, data: object) -> bool:
        if path.startswith("segments/"):
            raise StorageFull("no space left")
        return write(path, data)

    job_id = bench.submit("One.")
    monkeypatch.setattr(bench.artifacts, "write", full)
    finish(bench.claim("speak.sine"), [tone()])
    assert bench.job(job_id).state is State.SUCCEEDED
    assert "was not kept for later jobs: no space left" in caplog.text


def test_a_full_disk_fails_a_long_job_whose_segment_it_cannot_hold(bench: Bench, finish: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = bench.submit("A long text has many sentences. " * 20)
    bench.planner.plan(bench.claim("plan"))

    def full(path: str, data: object) -> bool:
        raise StorageFull("no space left")

    batch = bench.claim("speak.sine")
    monkeypatch.setattr(bench.artifacts, "write", full)
    finish(batch, [tone() for _ in batch.items])
    assert bench.job(job_id).error["code"] == "storage_full"


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "the samples are not numbers"), (0.0, "silence"), (1.0, "100.0% of it is clipped")])
def test_what_is_no_speech_is_spoken_again_and_then_fails_the_job(bench: Bench, finish: Finish, value: float, reason: str) -> None:
    job_id = bench.submit("One.")
    for take in range(3):
        assert not bench.job(job_id).ended
        batch = bench.claim("speak.sine")
        assert sum(batch.takes.values()) == take
        finish(batch, [tone(value)])
    error = bench.job(job_id).error
    assert (error["code"], error["details"]["count"]) == ("incomplete", 1)
    (missing,) = error["details"]["missing"]
    assert (missing["index"], missing["text"]) == (0, "One.")
    assert reason in missing["reason"]
    assert list(bench.artifacts.walk("segments")) == []


def test_a_good_take_after_a_bad_one_is_the_segment(bench: Bench, finish: Finish) -> None:
    job_id = bench.submit("One.")
    finish(bench.claim("speak.sine"), [tone(0.0)])
    finish(bench.claim("speak.sine"), [tone(0.5)])
    assert bench.job(job_id).state is State.SUCCEEDED
    assert len(list(bench.artifacts.walk("segments"))) == 1


def test_a_bad_segment_keeps_nothing_of_its_batch_back(bench: Bench, finish: Finish) -> None:
    bad, good = bench.submit("One."), bench.submit("Two.")
    finish(bench.claim("speak.sine"), [tone(np.nan), tone()])
    assert (bench.job(bad).state, bench.job(good).state) == (State.SPEAKING, State.SUCCEEDED)
    finish(bench.claim("speak.sine"), [tone()])
    assert bench.job(bad).state is State.SUCCEEDED


def test_what_lies_in_the_artifact_store_was_judged_before(bench: Bench, finish: Finish) -> None:
    job_id = bench.submit("One.")
    segment = bench.job(job_id).segment
    assert segment is not None
    bench.artifacts.write(paths.segment(segment.address), pack_segment(np.zeros(RATE, dtype=np.float32), RATE, []))
    finish(bench.claim("speak.sine"), [None])
    assert bench.job(job_id).state is State.SUCCEEDED


def test_a_superseded_batch_publishes_nothing(bench: Bench, finish: Finish) -> None:
    job_id = bench.submit("One.")
    batch = bench.claim("speak.sine")
    bench.store.claims.hand_back(batch.claim, batch.items)
    finish(batch, [tone()])
    assert bench.job(job_id).segments_done == 0
    assert list(bench.artifacts.walk("jobs")) == []
    finish(bench.claim("speak.sine"), [None])  # the next holder finds the segment that the late one stored
    assert bench.job(job_id).state is State.SUCCEEDED


def test_a_segment_that_vanished_after_the_look_goes_back(bench: Bench, finish: Finish) -> None:
    job_id = bench.submit("One.")
    finish(bench.claim("speak.sine"), [None])
    assert not bench.job(job_id).ended
    finish(bench.claim("speak.sine"), [tone()])
    assert bench.job(job_id).state is State.SUCCEEDED
