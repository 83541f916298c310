"""Why a job waits, and when it will have ended."""

from __future__ import annotations

from typing import Any

import pytest

from loa.jobs import Job, job_json
from loa.keys import ASSEMBLE, PLAN
from loa.standing import LONG_BATCH, USUAL_ASSEMBLY, QueueNow, Standing
from tests.redis.ledger import OTHER, SPEAK, SPEAK_OTHER, an_order

A, B = frozenset({"a/0"}), frozenset({"b/0"})
NOW = 1_000.0


def a_book(*, engines: bool = False, state: str = "speaking", **record: Any) -> Job:
    """200 s of audio by the estimate, of which 100 are left; what is done took 120 s of audio, 60 of them since 940."""
    facts = {
        "state": state,
        "created": "0",
        "total": "100",
        "done": "50",
        "estimate_ms": "200000",
        "waiting_ms": "100000",
        "audio_ms": "120000",
        "mark_before": "940000",
        "mark_before_audio": "60000",
        "plan": "p",
    }
    if engines:
        facts |= {f"left_ms:{SPEAK}": "60000", f"left_ms:{SPEAK_OTHER}": "40000"}
    return Job.from_record(an_order(long=True, engines=engines).fields() | facts | record)


def standing(**queues: QueueNow) -> Standing:
    """With assemblies that take no time, unless it says otherwise."""
    queues.setdefault("assemble", QueueNow(slots=A, pace=0.0))
    names = {"speak": SPEAK, "other": SPEAK_OTHER, "assemble": ASSEMBLE, "plan": PLAN}
    return Standing(now=NOW, queues={names[name]: queue for name, queue in queues.items()})


def test_the_end_follows_the_jobs_own_pace_and_its_voice() -> None:
    # 100 s by the estimate are 120 s of this voice, and 60 s of audio took 60 s.
    assert standing(speak=QueueNow(slots=A, pace=0.1)).eta(a_book()) == pytest.approx(120.0)


def test_a_batch_under_way_is_neither_lost_nor_a_delay() -> None:
    """60 s of audio took 57 s until 997, and three seconds have been spent on the next."""
    speaking = standing(speak=QueueNow(slots=A, pace=0.1))
    assert speaking.eta(a_book(recorded="997000")) == pytest.approx(120.0 * 57 / 60 - 3.0)
    assert speaking.eta(a_book(recorded="960000")) == pytest.approx(120.0 * 50 / 60 - LONG_BATCH)  # nothing for forty seconds: a delay


def test_the_assembly_counts() -> None:
    both = standing(speak=QueueNow(slots=A, pace=0.1), assemble=QueueNow(slots=A, pace=0.05))
    assert both.eta(a_book()) == pytest.approx(120.0 + 240.0 * 0.05)
    first_of_all = standing(speak=QueueNow(slots=A, pace=0.1), assemble=QueueNow(slots=A))
    assert first_of_all.eta(a_book()) == pytest.approx(120.0 + 240.0 * USUAL_ASSEMBLY)


def test_at_first_the_pace_of_the_queue_tells() -> None:
    book = a_book(mark_before="999000", done="0", audio_ms="0", mark_before_audio="0", waiting_ms="200000")
    assert standing(speak=QueueNow(slots=A, pace=0.1)).eta(book) == pytest.approx(20.0)
    assert standing(speak=QueueNow(slots=A | B, pace=0.1)).eta(book) == pytest.approx(10.0)


def test_a_wait_says_nothing_of_the_jobs_own_pace() -> None:
    assert standing(speak=QueueNow(slots=A, pace=0.1)).eta(a_book(mark_before="0")) == pytest.approx(12.0)


def test_engines_of_different_processes_work_side_by_side() -> None:
    # 60 s × 1.2 at 0.5 are 36 s, 40 s × 1.2 at 1.0 are 48 s.
    mixed = standing(speak=QueueNow(slots=A, pace=0.5), other=QueueNow(slots=B, pace=1.0))
    assert mixed.eta(a_book(engines=True)) == pytest.approx(48.0)


def test_engines_of_one_process_wait_for_each_other() -> None:
    mixed = standing(speak=QueueNow(slots=A, pace=0.5), other=QueueNow(slots=A, pace=1.0))
    assert mixed.eta(a_book(engines=True)) == pytest.approx(36.0 + 48.0)


def test_nobody_knows_the_end_of_what_nobody_does() -> None:
    assert standing(speak=QueueNow(slots=frozenset(), pace=0.1)).eta(a_book()) is None
    assert standing(speak=QueueNow(slots=A)).eta(a_book(mark_before="")) is None
    assert standing(plan=QueueNow(slots=A)).eta(a_book(state="planning", total="0")) is None


def test_an_assembly_goes_on_for_as_long_as_it_takes_of_late() -> None:
    book = a_book(state="assembling", waiting_ms="0", spoken="998000")
    assert standing(assemble=QueueNow(slots=A, pace=0.1)).eta(book) == pytest.approx(12.0 - 2.0)


def test_the_engine_that_nobody_serves_is_named() -> None:
    mixed = standing(speak=QueueNow(slots=A), other=QueueNow(slots=frozenset()))
    assert f"no hot worker for the engine {OTHER}" in str(mixed.waiting_reason(a_book(engines=True)))
    assert mixed.waiting_reason(a_book(engines=True, **{f"left_ms:{SPEAK_OTHER}": "0"})) is None
    assert standing(speak=QueueNow(slots=A)).waiting_reason(a_book()) is None


def test_the_json_tells_of_chapters_and_voices() -> None:
    book = a_book(engines=True, chapters="3", chapters_done="1", chapter="1", chapters_wanted="2-4", allow_partial="1")
    shown = job_json(book, Standing(now=NOW, chapter="Loomings"))
    progress = shown["progress"]
    assert (progress["chapters_done"], progress["chapters_total"], progress["chapter"]) == (1, 3, "Loomings")
    assert (shown["voices"], shown["chapters"], shown["allow_partial"]) == ({"vi": "hummer"}, "2-4", True)
