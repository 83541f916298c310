"""The command line as a person uses it: real processes against a real service."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import av
import pytest
import soundfile

from loa.client import Client
from loa.formats import FORMATS
from tests.babble import recording
from tests.e2e.conftest import VOICES

Run = Callable[..., "CompletedProcess[str]"]
SENTENCES = " ".join(f"This is sentence number {number} of a text that is long enough to be planned." for number in range(40))


@pytest.mark.parametrize("form", FORMATS)
def test_say_writes_every_format(loa: Run, tmp_path: Path, form: str) -> None:
    done = loa("say", "Good morning.", "-o", f"out.{form}", "--voice", "sine")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"out\.{form}: .* of speech, .* in .*\n", done.stdout)
    assert 0.5 < heard_seconds(tmp_path / f"out.{form}") < 10
    assert {path.name for path in tmp_path.iterdir()} - {"unpacked"} == {f"out.{form}"}


def heard_seconds(file: Path) -> float:
    """What a decoder finds in a file, or in the first file of an archive, whose container has to be what its name says."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            member = archive.extract(archive.namelist()[0], file.parent / "unpacked")
        return heard_seconds(Path(member))
    containers = {".wav": "wav", ".flac": "flac", ".mp3": "mp3", ".ogg": "ogg", ".opus": "ogg", ".m4a": "mp4", ".m4b": "mp4"}
    with av.open(str(file)) as audio:
        assert containers[file.suffix] in audio.format.name.split(",")
        return sum(frame.samples / frame.sample_rate for frame in audio.decode(audio=0))


def test_say_takes_speed_and_standard_input(loa: Run, tmp_path: Path) -> None:
    for speed in ("1.0", "2.0"):
        done = loa("say", "-", "-o", f"{speed}.wav", "--voice", "sine", "--speed", speed, stdin="Xin chào các bạn.")
        assert done.returncode == 0, done.stderr
    slow, fast = (soundfile.info(tmp_path / name).duration for name in ("1.0.wav", "2.0.wav"))
    assert slow / fast == pytest.approx(2, rel=0.1)


def test_submit_and_wait(loa: Run, tmp_path: Path) -> None:
    submitted = loa("submit", SENTENCES, "--voice", "sine", "--title", "Forty sentences")
    assert submitted.returncode == 0, submitted.stderr
    job_id = submitted.stdout.strip()
    waited = loa("wait", job_id, "-o", "forty.wav", "--json")
    assert waited.returncode == 0, waited.stderr
    job = json.loads(waited.stdout)
    assert (job["id"], job["state"], job["title"]) == (job_id, "succeeded", "Forty sentences")
    assert job["progress"]["segments_done"] == job["progress"]["segments_total"] > 1
    assert hashlib.sha256((tmp_path / "forty.wav").read_bytes()).hexdigest() == job["result"]["sha256"]
    assert "succeeded" in loa("wait", job_id).stdout
    assert "Forty sentences" in loa("status", job_id).stdout
    assert job_id in loa("jobs", "--state", "succeeded").stdout


def test_a_document_is_submitted_once_a_key(loa: Run, tmp_path: Path, client: Client) -> None:
    (tmp_path / "book.md").write_text(f"# Chapter one\n\n{SENTENCES}\n\n# Chapter two\n\nXin chào.", encoding="utf-8")
    first, second = (loa("submit", "--file", "book.md", "--voice", "sine", "--key", "book-1") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout
    job = client.wait(first.stdout.strip(), timeout=60)
    assert (job["kind"], job["lane"], job["state"]) == ("file", "bulk", "succeeded")
    other = loa("submit", "Another text.", "--voice", "sine", "--key", "book-1")
    assert other.returncode == 1
    assert "Use a new Idempotency-Key" in other.stderr


def test_cancel(loa: Run, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("\n\n".join(f"Paragraph {number}. {SENTENCES}" for number in range(300)))
    job_id = loa("submit", "--file", "long.txt", "--voice", "sine").stdout.strip()
    assert loa("cancel", job_id).stdout == f"{job_id} is canceled\n"
    waited = loa("wait", job_id)
    assert waited.returncode == 1
    assert f"job {job_id} was canceled" in waited.stderr
    assert job_id in loa("jobs", "--state", "canceled").stdout


def test_a_job_that_fails_leaves_no_file(loa: Run, tmp_path: Path) -> None:
    done = loa("say", "This one cannot be spoken. [[raise]]", "-o", "out.wav", "--voice", "sine")
    assert done.returncode == 1
    *_, message, remedy = done.stderr.splitlines()
    assert message.startswith("error: ")
    assert remedy.endswith((".", "kept."))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("say", " \n ", "-o", "out.wav", "--voice", "sine"), "at least one letter or digit"),
        (("say", "Hello.", "-o", "out.wav", "--voice", "sin"), "close names: sine"),
        (("say", "Hello.", "-o", "out.wav", "--voice", "vi_VN-vais1000-medium"), "loa voices pull vi_VN-vais1000-medium"),
        (("status", "job_000000000000000000000000"), "Check the job's id"),
        (("wait", "nonsense"), "Check the job's id"),
        (("cancel", "../voices"), "Check the job's id"),
        (("voices", "show", "Joey"), "there is no voice 'Joey'"),
    ],
)
def test_refusals_say_what_to_do(loa: Run, arguments: tuple[str, ...], message: str) -> None:
    done = loa(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_waiting_times_out(loa: Run, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("\n\n".join(f"Paragraph {number}. {SENTENCES}" for number in range(300)))
    job_id = loa("submit", "--file", "long.txt", "--voice", "sine").stdout.strip()
    done = loa("wait", job_id, "--timeout", "0.01")
    loa("cancel", job_id)
    assert done.returncode == 4
    assert job_id in done.stderr


def test_workers(loa: Run) -> None:
    answer = json.loads(loa("workers", "--json").stdout)
    speaking = [slot for slot in answer["workers"] if "speak.sine" in slot["queues"]]
    assert [slot["state"] for slot in speaking] == ["hot"]
    assert speaking[0]["id"] in loa("workers").stdout


def test_voices(loa: Run) -> None:
    asked, local = (json.loads(loa("voices", "list", "--json", *more).stdout) for more in ((), ("--local",)))
    assert asked == local  # the server runs on this machine, with the same folders
    assert {"joe", "sine", "vi_VN-vais1000-medium"} <= {voice["name"] for voice in asked}
    assert loa("voices", "show", "joe").stdout == loa("voices", "show", "joe", "--local").stdout


def test_a_voice_is_added_spoken_with_and_removed(loa: Run, tmp_path: Path) -> None:
    (tmp_path / "anna.flac").write_bytes(recording(form="FLAC", seed=3))
    said = ("--language", "vi-VN", "--licence", "CC BY 4.0", "--consent", "I am Anna, and I agree.", "--engine", "sine")
    added = loa("voices", "add", "anna", "anna.flac", *said, "--json")
    assert added.returncode == 0, added.stderr
    assert loa("voices", "add", "anna", "anna.flac", *said).returncode == 0  # the very same one
    assert json.loads(loa("voices", "show", "anna", "--json").stdout) == json.loads(added.stdout)
    try:
        for voice in ("anna", "sine"):
            assert loa("say", "Xin chào.", "-o", f"{voice}.wav", "--voice", voice).returncode == 0
        assert (tmp_path / "anna.wav").read_bytes() != (tmp_path / "sine.wav").read_bytes()  # the recording was heard
    finally:
        assert loa("voices", "remove", "anna").returncode == 0
    gone = loa("say", "Xin chào.", "-o", "gone.wav", "--voice", "anna")
    assert gone.returncode == 1
    assert "there is no voice 'anna'" in gone.stderr


def test_a_recording_that_makes_no_good_voice_is_refused_in_words(loa: Run, tmp_path: Path) -> None:
    (tmp_path / "short.wav").write_bytes(recording(seconds=2))
    said = ("--language", "vi-VN", "--licence", "CC BY 4.0", "--consent", "I agree.", "--engine", "sine")
    done = loa("voices", "add", "anna", "short.wav", *said)
    assert done.returncode == 1
    assert "the recording lasts 2.0 s; a voice takes at least 3 s" in done.stderr


def test_doctor_finds_the_service_ready(loa: Run, client: Client) -> None:
    done = loa("doctor")
    assert done.returncode == 0, done.stdout
    assert f"server: {client.url} is ready" in done.stdout
    assert "Redis: " in done.stdout
    assert str(VOICES) not in done.stderr
