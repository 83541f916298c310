"""What one speaking worker and one for plans and assemblies do together, on processes that many tests share."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
import soundfile

from loa.broker import Broker
from loa.plan import Plan
from loa.states import State
from loa.submission import Upload
from tests.waiting import wait_until
from tests.worker.fleet import Fleet, WorkerProcess


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("work")
    voices = folder / "voices"
    voices.mkdir()
    (voices / "changing.toml").write_text(manifest("changing"))
    with Broker(folder / "redis") as broker:
        fleet = Fleet(folder, broker.url, voices=f"tests/voices:{voices}")
        fleet.worker("speak")
        fleet.worker("plan,assemble")
        for worker in fleet.workers:
            worker.hot()
        yield fleet
        fleet.close()


@pytest.fixture
def speaker(fleet: Fleet) -> WorkerProcess:
    return fleet.workers[0]


def manifest(title: str) -> str:
    return f'title = "{title}"\nengine = "sine"\nlanguage = "en-US"\nsample_rate = 16000\nlicence = "Apache-2.0"\ncommercial_use = true\n'


LONG = " ".join(f"This is sentence number {number} of a rather long text." for number in range(30))


@pytest.mark.parametrize(("name", "rate"), [("wav", 22050), ("flac", 22050), ("mp3", 22050), ("ogg", 22050), ("opus", 24000)])
def test_a_sentence_in_every_format(fleet: Fleet, name: str, rate: int) -> None:
    job = fleet.ended(fleet.submit(f"A sentence as {name}.", format=name))
    assert job.state is State.SUCCEEDED, job.error
    audio, found = soundfile.read(io.BytesIO(fleet.artifacts.read(job.result["path"])))
    if name != "opus":  # torch is asked for another rate only there
        assert job.setup_seconds == 0
    assert (found, job.result["sample_rate"]) == (rate, rate)
    assert len(audio) / found == pytest.approx(job.result["duration_seconds"], abs=0.1)


def test_a_long_text_is_planned_spoken_and_joined(fleet: Fleet) -> None:
    job = fleet.ended(fleet.submit(LONG))
    assert job.state is State.SUCCEEDED, job.error
    assert job.segments_done == job.segments_total > 5
    timings = json.loads(fleet.artifacts.read(job.result["timings"]))
    assert " ".join(segment["text"] for segment in timings["segments"]) == LONG
    words = [word for segment in timings["segments"] for word in segment["words"]]
    spoken = [segment.spoken for segment in Plan.unpack(fleet.artifacts.read(job.plan)).segments]
    assert [word["text"] for word in words] == " ".join(spoken).split()
    assert "zero" in [word["text"] for word in words]  # what is written as 0, and there its offset points
    for segment in timings["segments"]:
        assert {segment["text"][word["offset"] :].split()[0] for word in segment["words"]} == set(segment["text"].split())
    assert all(one["start"] <= one["end"] <= two["start"] + 0.001 for one, two in pairwise(words))
    assert timings["words_timed"] is True
    assert timings["duration_seconds"] == job.result["duration_seconds"]
    with soundfile.SoundFile(io.BytesIO(fleet.artifacts.read(job.result["path"]))) as audio:
        assert audio.frames / audio.samplerate == pytest.approx(job.result["duration_seconds"], abs=0.001)


def test_what_was_spoken_before_is_not_spoken_again(fleet: Fleet) -> None:
    first = fleet.ended(fleet.submit("The very same words."))
    second = fleet.ended(fleet.submit("The very same words."))
    assert first.synthesis_seconds > 0
    assert second.synthesis_seconds == 0
    assert second.result["sha256"] == first.result["sha256"]
    assert second.result["path"] != first.result["path"]


def test_a_file_is_planned(fleet: Fleet) -> None:
    job = fleet.ended(fleet.submit(None, file=Upload(name="book.md", content=f"# Title\n\n{LONG}\n".encode())))
    assert job.state is State.SUCCEEDED, job.error
    assert (job.kind, job.lane) == ("file", "bulk")


def test_segments_that_vanish_are_spoken_again(fleet: Fleet, speaker: WorkerProcess) -> None:
    """The sweeper, or a person, removes segments between their recording and the assembly."""
    job_id = fleet.submit(LONG.replace("sentence", "phrase"))
    job = wait_until(lambda: (job := fleet.job(job_id)).segments_done > 3 and job)
    plan = json.loads(fleet.artifacts.read(job.plan))["segments"]
    for segment in plan[:3]:
        fleet.artifacts.delete(f"segments/{segment['address'][:2]}/{segment['address']}.zip")
    job = fleet.ended(job_id)
    assert job.state is State.SUCCEEDED, job.error


def test_a_lost_message_is_sent_again(fleet: Fleet) -> None:
    kept = fleet.store.database._wake
    fleet.store.database._wake = lambda queue, token: None  # the token is issued, and its message is lost
    try:
        job_id = fleet.submit("Nobody was told of this.")
    finally:
        fleet.store.database._wake = kept
    job = fleet.ended(job_id, 10.0)
    assert job.state is State.SUCCEEDED
    assert job.started - job.created >= fleet.settings.token * 0.5


def test_a_replaced_voice_is_picked_up_without_a_restart(fleet: Fleet, speaker: WorkerProcess) -> None:
    (slot,) = speaker.hot()
    cold = fleet.ended(fleet.submit("How do I sound?", voice="changing"))
    warm = fleet.ended(fleet.submit("And how do I sound now?", voice="changing"))
    assert cold.setup_seconds > 0  # it is not common, so this job waited for its load
    assert warm.setup_seconds == 0
    (fleet.folder / "voices" / "changing.toml").write_text(manifest("changing") + "\n[options]\nloudness = 0.1\n")
    changed = fleet.ended(fleet.submit("And after the change?", voice="changing"))
    assert changed.fingerprint != cold.fingerprint
    assert changed.setup_seconds > 0
    assert changed.state is State.SUCCEEDED
    assert speaker.hot()[0].pid == slot.pid


def test_a_job_of_a_voice_that_was_removed_fails(fleet: Fleet) -> None:
    path = fleet.folder / "voices" / "fleeting.toml"
    path.write_text(manifest("fleeting"))
    kept = fleet.store.database._wake
    fleet.store.database._wake = lambda queue, token: None
    try:
        job_id = fleet.submit("Too late.", voice="fleeting")
    finally:
        fleet.store.database._wake = kept
    path.unlink()
    job = fleet.ended(job_id)
    assert job.error["code"] == "voice_changed"


def test_a_book_in_two_languages_is_spoken_by_two_voices(fleet: Fleet) -> None:
    (fleet.folder / "voices" / "viet.toml").write_text(manifest("viet").replace("en-US", "vi-VN") + "\n[options]\nloudness = 0.2\n")
    book = "# One\n\nThe first chapter of all. Đây là một câu tiếng Việt rất dễ hiểu.\n\n# Hai\n\nProblem / Vấn đề của chúng ta\n"
    job = fleet.ended(fleet.submit(None, file=Upload(name="book.md", content=book.encode()), voice="viet", voices={"en": "sine"}))
    assert job.state is State.SUCCEEDED, job.error
    plan = Plan.unpack(fleet.artifacts.read(job.plan))
    assert [(segment.text, segment.voice) for segment in plan.segments] == [
        ("One", "sine"), ("The first chapter of all.", "sine"), ("Đây là một câu tiếng Việt rất dễ hiểu.", ""),
        ("Hai", ""), ("Problem", "sine"), ("Vấn đề của chúng ta", ""),
    ]  # fmt: skip
    assert (job.voice, job.chapters_total, job.chapters_done) == ("viet", 2, 2)
    texts = [text for batch in fleet.begun() for text in batch]
    assert "Vấn đề của chúng ta" in texts
