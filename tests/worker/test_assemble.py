"""Assembly and planning on a real store and a real artifact folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from loa.audio import Word
from loa.jobs import Job, Order, new_job_id
from loa.plan import Plan, Segment
from loa.states import State
from tests.worker.bench import RATE, Bench
from worker import paths
from worker.assembly import segments as shelf
from worker.assembly.segments import SegmentMissing, smooth_edges
from worker.assembly.workbench import own_folder
from worker.plans import Plans

LONG = "\n\n".join(" ".join(f"This is sentence {number} of paragraph {paragraph}." for number in range(8)) for paragraph in range(8))


def test_segments_are_joined_with_their_pauses_and_timed(bench: Bench) -> None:
    job_id = bench.submit(LONG)
    bench.planner.plan(bench.claim("plan"))
    pcm = bench.speak()
    bench.assembler.assemble(bench.claim("assemble"))
    job = bench.job(job_id)
    assert job.state is State.SUCCEEDED, job.error
    segments = bench.plans.segments(job)
    expected = []
    for segment in segments:
        pause = 0.0 if segment is segments[-1] else segment.pause
        expected += [smooth_edges(pcm[segment.index], RATE), np.zeros(round(pause * RATE), dtype=np.float32)]
    audio, rate = soundfile.read(bench.artifacts.local_path(job.result["path"]), dtype="float32")
    assert rate == job.result["sample_rate"] == RATE
    np.testing.assert_allclose(audio, np.concatenate(expected), atol=1e-4)
    timings = json.loads(bench.artifacts.read(job.result["timings"]))
    assert [entry["text"] for entry in timings["segments"]] == [segment.text for segment in segments]
    start = 0.0
    for entry, segment in zip(timings["segments"], segments, strict=True):
        assert entry["start"] == pytest.approx(start, abs=1e-3)
        assert entry["words"][0]["start"] == pytest.approx(start + 0.1, abs=1e-3)
        start += 0.5 + segment.pause
    assert job.result["duration_seconds"] == pytest.approx(len(audio) / rate, abs=1e-3)


def test_missing_and_damaged_segments_go_back_to_the_speakers(bench: Bench) -> None:
    job_id = bench.submit(LONG)
    bench.planner.plan(bench.claim("plan"))
    bench.speak()
    segments = bench.plans.segments(bench.job(job_id))
    damaged, gone = segments[1], segments[-1]
    bench.artifacts.delete(paths.segment(gone.address))
    bench.artifacts.delete(paths.segment(damaged.address))
    bench.artifacts.write(paths.segment(damaged.address), b"PK\x03\x04 and no more")
    bench.assembler.assemble(bench.claim("assemble"))
    assert bench.job(job_id).state is State.SPEAKING
    assert set(bench.speak()) == {damaged.index, gone.index}
    bench.assembler.assemble(bench.claim("assemble"))
    assert bench.job(job_id).state is State.SUCCEEDED


def test_all_missing_segments_go_back_at_once_whichever_is_missed_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are made side by side, so the end of a book may be looked for before its beginning."""
    job_id = bench.submit(LONG)
    bench.planner.plan(bench.claim("plan"))
    bench.speak()
    segments = bench.plans.segments(bench.job(job_id))
    for segment in (segments[0], segments[-1]):
        bench.artifacts.delete(paths.segment(segment.address))

    def miss_the_last(*_: object, **__: object) -> None:
        raise SegmentMissing(segments[-1].index)

    with monkeypatch.context() as patch:
        patch.setattr(bench.assembler, "make", miss_the_last)
        bench.assembler.assemble(bench.claim("assemble"))
    assert set(bench.speak()) == {segments[0].index, segments[-1].index}
    bench.assembler.assemble(bench.claim("assemble"))
    assert bench.job(job_id).state is State.SUCCEEDED


def test_a_superseded_assembly_removes_its_files(bench: Bench) -> None:
    job_id = bench.submit("Short.")
    bench.speak()
    batch = bench.claim("assemble")
    bench.store.claims.hand_back(batch.claim, batch.items)
    again = bench.claim("assemble")
    bench.assembler.assemble(again)
    published = bench.job(job_id).result
    bench.assembler.assemble(batch)  # late
    assert bench.job(job_id).result == published
    assert {entry.path for entry in bench.artifacts.walk("jobs")} == {published["path"], published["timings"]}
    assert list((bench.folder / "work").iterdir()) == []


def test_a_long_book_is_handed_back_and_gone_on_with(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task has time for one part; none of them is charged for coming back, however many there are."""
    monkeypatch.setattr("worker.assembly.parts.LEAST", 1.0)
    monkeypatch.setattr("worker.assembly.parts.ODDS", 1)
    monkeypatch.setattr("worker.assembly.assembler.TASK_SECONDS", 0.0)
    job_id = bench.submit(LONG, format="m4b")
    bench.planner.plan(bench.claim("plan"))
    bench.speak()
    tasks = 0
    while not bench.job(job_id).ended:
        assert bench.job(job_id).state is State.ASSEMBLING
        bench.assembler.assemble(bench.claim("assemble"))
        tasks += 1
    job = bench.job(job_id)
    assert job.state is State.SUCCEEDED, job.error
    assert tasks > 5
    assert job.result["bytes"] == bench.artifacts.size(job.result["path"])
    assert {stored.path for stored in bench.artifacts.walk("jobs")} == {
        job.result["path"],
        job.result["timings"],
        *job.result["subtitles"].values(),
    }


def test_an_assembly_that_cannot_succeed_fails_its_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = bench.submit("Short.")
    bench.speak()
    monkeypatch.setattr("worker.assembly.binding.encode_blocks", lambda *_, **__: 1 / 0)
    bench.assembler.assemble(bench.claim("assemble"))
    assert bench.job(job_id).error["code"] == "assembly_failed"


def test_a_long_job_needs_the_memory_of_a_segment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most two segments are in memory at once, however many there are."""
    job_id = bench.submit(LONG)
    bench.planner.plan(bench.claim("plan"))
    bench.speak()
    alive = most = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    original = shelf.unpack_segment

    def unpack(data: bytes) -> tuple[np.ndarray, int, tuple[Word, ...]]:
        nonlocal alive, most
        pcm, rate, words = original(data)
        alive += 1
        most = max(most, alive)
        return pcm.view(Counted), rate, words

    monkeypatch.setattr(shelf, "unpack_segment", unpack)
    bench.assembler.assemble(bench.claim("assemble"))
    assert bench.job(job_id).state is State.SUCCEEDED
    assert len(bench.plans.segments(bench.job(job_id))) > 4
    assert 1 <= most <= 3


def test_a_document_that_is_gone_fails_its_job(bench: Bench) -> None:
    job_id = bench.submit(LONG)
    bench.artifacts.delete(bench.job(job_id).document)
    bench.planner.plan(bench.claim("plan"))
    assert bench.job(job_id).error["code"] == "artifact_missing"


def test_a_voice_that_was_replaced_fails_the_plan(bench: Bench) -> None:
    order = Order(
        id=new_job_id(), voice="sine", fingerprint="0" * 64, engine="sine", characters=9, document="documents/" + "0" * 64 + ".txt"
    )
    bench.artifacts.write(order.document, b"Something to say.")
    bench.store.jobs.submit(order, deadline=bench.store.jobs.deadline())
    bench.planner.plan(bench.claim("plan"))
    assert bench.job(order.id).error["code"] == "voice_changed"


def test_a_superseded_plan_is_removed(bench: Bench) -> None:
    bench.submit(LONG)
    batch = bench.claim("plan")
    bench.store.claims.hand_back(batch.claim, batch.items)
    bench.planner.plan(batch)
    assert list(bench.artifacts.walk("plans")) == []


def test_few_plans_are_kept_in_memory(bench: Bench) -> None:
    plans = Plans(bench.artifacts, kept_segments=3)
    jobs = []
    for number in range(3):
        segments = [Segment(index=index, text=str(number), address="0" * 64, audio_seconds=1.0) for index in range(2)]
        path = f"plans/p{number}/c.json"
        bench.artifacts.write(path, Plan(segments=tuple(segments)).pack())
        record = Order(id=new_job_id(), voice="sine", fingerprint="f", engine="sine", characters=1, document="d").fields()
        jobs.append(Job.from_record({**record, "state": "speaking", "created": "0", "plan": path}))
        assert plans.segments(jobs[-1])[1].text == str(number)
    assert len(plans._kept) == 1
    bench.artifacts.delete("plans/p2/c.json")
    assert plans.segments(jobs[2])[0].text == "2"  # kept, so nothing is read


def test_what_killed_assemblies_left_is_removed_by_the_next(bench: Bench) -> None:
    """As soon as their process is dead; what a living one makes is left alone."""
    job_id = bench.submit("Short.")
    bench.speak()
    work = bench.folder / "work"
    killed = f"""
import os, signal
from pathlib import Path
from worker.assembly.workbench import own_folder
with own_folder(Path({str(work)!r}), "job_killed") as folder:
    (folder / "path.m4b").write_bytes(b"half a book")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -signal.SIGKILL
    assert [path.name for path in work.glob("job_killed-*/*")] == ["path.m4b"]
    with own_folder(work, "job_alive") as alive:
        (alive / "path.zip").write_bytes(b"half a book")
        bench.assembler.assemble(bench.claim("assemble"))
        assert list(work.rglob("*")) == [alive, alive / "path.zip"]
    assert bench.job(job_id).state is State.SUCCEEDED
    assert list(work.iterdir()) == []
