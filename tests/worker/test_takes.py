"""Segments of which no speech comes, with real workers: spoken again with another seed, then named, and left out where that is allowed."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
import soundfile

from loa.broker import Broker
from loa.jobs import Job
from loa.states import State
from loa.submission import Submission
from tests.worker.fleet import Fleet
from worker.engines.sine import SECONDS_A_CHARACTER
from worker.plans import Plans
from worker.speak import seed_of

BEFORE = " ".join(f"This is sentence number {number}, which is long enough to be a segment." for number in range(6))
AFTER = " ".join(f"And here is number {number}, which comes after it and is as long as that." for number in range(6))
MUTE = "Of this one, [[mute]] as it is, nobody will ever hear anything."


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("takes")
    with Broker(folder / "redis") as broker:
        fleet = Fleet(folder, broker.url)
        fleet.worker("speak")
        fleet.worker("plan,assemble")
        for worker in fleet.workers:
            worker.hot()
        yield fleet
        fleet.close()


def partial(fleet: Fleet, text: str) -> Job:
    """A job that may be partial, at its end."""
    order = replace(fleet.desk.order(Submission(text=text, voice="sine")), allow_partial=True)
    fleet.store.jobs.submit(order, deadline=fleet.store.jobs.deadline())
    return fleet.ended(order.id)


def takes(fleet: Fleet, text: str) -> int:
    return sum(Counter(texts)[text] for texts in fleet.begun())


def test_a_second_take_is_as_good_as_a_first(fleet: Fleet) -> None:
    text = "This one may [[falter]] and is heard all the same."
    job = fleet.ended(fleet.submit(text))
    assert (job.state, job.segments_missing) == (State.SUCCEEDED, 0)
    assert takes(fleet, text) == 2
    assert "take 1 is no speech: it is silence" in fleet.workers[0].log
    again = fleet.ended(fleet.submit(text))
    assert takes(fleet, text) == 2, "the good take was kept"
    assert again.result["sha256"] == job.result["sha256"]


def test_a_job_fails_with_all_that_cannot_be_spoken_and_the_rest_is_kept(fleet: Fleet) -> None:
    other = MUTE.replace("this one", "that one")
    job = fleet.ended(fleet.submit(f"{BEFORE} {MUTE} {other} {AFTER}"))
    assert (job.state, job.error["code"], job.segments_done) == (State.FAILED, "incomplete", 12)
    assert job.error["message"] == "2 of 14 segments could not be spoken"
    assert [(one["index"], one["text"]) for one in job.error["details"]["missing"]] == [(6, MUTE), (7, other)]
    assert all(one["reason"].startswith("it is silence") for one in job.error["details"]["missing"])
    assert (takes(fleet, MUTE), takes(fleet, other)) == (3, 3)
    before = len(fleet.begun())
    mended = fleet.ended(fleet.submit(f"{BEFORE} {AFTER}"))
    assert mended.state is State.SUCCEEDED
    assert len(fleet.begun()) == before, "what could be spoken is not spoken again"


def test_a_job_that_may_be_partial_says_what_is_missing(fleet: Fleet) -> None:
    job = partial(fleet, f"{BEFORE} {MUTE} {AFTER}")
    assert (job.state, job.segments_done, job.segments_missing) == (State.SUCCEEDED, 12, 1)
    assert job.result["missing_count"] == 1
    assert [(one["index"], one["text"]) for one in job.result["missing"]] == [(6, MUTE)]
    there = [segment for segment in Plans(fleet.artifacts).segments(job) if segment.index != 6]
    seconds = sum(SECONDS_A_CHARACTER * len(segment.spoken) + segment.pause for segment in there) - there[-1].pause
    with soundfile.SoundFile(io.BytesIO(fleet.artifacts.read(job.result["path"]))) as audio:
        assert audio.frames / audio.samplerate == pytest.approx(seconds, abs=0.001)
    timings = json.loads(fleet.artifacts.read(job.result["timings"]))
    assert [segment["index"] for segment in timings["segments"]] == [segment.index for segment in there]


@pytest.mark.parametrize(("fault", "reason"), [("[[raise]]", "RuntimeError"), ("[[die]]", "3 worker processes died")])
def test_what_an_engine_cannot_speak_at_all_is_missing_too(fleet: Fleet, fault: str, reason: str) -> None:
    bad = f"This one will {fault} whatever is done about it."
    job = partial(fleet, f"{BEFORE} {bad} {AFTER}")
    assert job.state is State.SUCCEEDED, job.error
    (missing,) = job.result["missing"]
    assert (missing["index"], missing["text"]) == (6, bad)
    assert reason in missing["reason"]


def test_without_leave_to_be_partial_what_an_engine_cannot_speak_fails_the_job_at_once(fleet: Fleet) -> None:
    job = fleet.ended(fleet.submit(f"{BEFORE} This one will [[raise]] for ever and ever. {AFTER}"))
    assert (job.state, job.error["code"]) == (State.FAILED, "synthesis_failed")


def test_a_job_without_anything_to_hear_fails_even_so(fleet: Fleet) -> None:
    job = partial(fleet, MUTE)
    assert (job.state, job.error["code"]) == (State.FAILED, "incomplete")


def test_each_take_has_a_seed_of_its_own_and_always_the_same() -> None:
    address = "0123456789abcdef" * 4
    assert seed_of(address, 0) == 0x0123456789ABCDE
    assert len({seed_of(address, take) for take in range(3)}) == 3
    assert seed_of(address, 1) == seed_of(address, 1) != seed_of(address[::-1], 1)
    assert all(0 <= seed_of(address, take) < 2**60 for take in range(3))
