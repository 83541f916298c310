"""Jobs with chapters, and with voices of several engines: what is counted of them, and who works on them."""

from __future__ import annotations

from loa.store import Refusal
from tests.redis.ledger import ASSEMBLE, OTHER, PLAN, SPEAK, SPEAK_OTHER, Bench, a_plan, an_order


def begin(bench: Bench, lengths: list[float], *, engines: bool = False, chapter: int = 0) -> str:
    job_id = bench.submit(long=True, engines=engines)
    batch = bench.claim(queue=PLAN)
    assert bench.store.claims.plan(batch.claim, job_id, a_plan(lengths, engines=engines, chapter=chapter), "plans/x.json")
    return job_id


def test_each_engine_gets_its_own_segments(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 6, engines=True)
    assert [item.name for item in bench.claim(queue=SPEAK).items] == ["0", "2", "4"]
    assert [item.name for item in bench.claim(queue=SPEAK_OTHER).items] == ["1", "3", "5"]
    assert bench.store.jobs.get(job_id).segments_total == 6


def test_both_engines_are_woken(bench: Bench) -> None:
    bench.hot("w/0", (PLAN,))
    bench.hot("w/1", (SPEAK,))
    bench.hot("w/2", (SPEAK_OTHER,))
    bench.wakes.clear()
    begin(bench, [2.0] * 4, engines=True)
    assert [queue for queue, _ in bench.wakes] == [PLAN, SPEAK, SPEAK_OTHER]


def test_a_job_is_assembled_when_the_last_of_its_engines_is_done(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 4, engines=True)
    assert bench.speak(bench.claim(queue=SPEAK_OTHER)) == ()
    assert bench.speak(bench.claim(queue=SPEAK)) == (job_id,)
    assert bench.assemble(job_id)


def test_an_engine_without_a_worker_is_what_the_job_waits_for(bench: Bench) -> None:
    bench.hot("w/0", (PLAN, SPEAK))
    job_id = begin(bench, [2.0] * 4, engines=True)
    bench.speak(bench.claim())
    job = bench.store.jobs.get(job_id)
    reason = bench.store.jobs.standing(job).waiting_reason(job)
    assert reason is not None
    assert reason.startswith(f"no hot worker for the engine {OTHER}")
    assert job.left_by_engine == {"sine": 0.0, OTHER: 4.0}


def test_what_a_canceled_job_leaves_is_nobodys(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 4, engines=True, chapter=2)
    bench.store.jobs.cancel(job_id)
    assert bench.refused(queue=SPEAK) is Refusal.EMPTY
    assert bench.refused(queue=SPEAK_OTHER) is Refusal.EMPTY


def test_a_short_text_in_the_other_language_waits_for_the_other_engine(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(an_order(engines=True))
    assert bench.refused(queue=SPEAK) is Refusal.EMPTY
    assert bench.claim(queue=SPEAK_OTHER).items[0].job_id == job_id


def test_chapters_are_counted_as_they_are_spoken(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 5, chapter=2)
    shown = []
    for _ in range(5):
        job = bench.store.jobs.get(job_id)
        shown.append((job.chapters_done, job.chapters_total, bench.store.jobs.standing(job).chapter))
        bench.speak(bench.claim(most=1))
    assert shown == [(0, 3, "Chapter 1"), (0, 3, "Chapter 1"), (1, 3, "Chapter 2"), (1, 3, "Chapter 2"), (2, 3, "Chapter 3")]
    job = bench.store.jobs.get(job_id)
    assert (job.chapters_done, bench.store.jobs.standing(job).chapter) == (3, None)


def test_a_chapter_whose_audio_vanished_is_not_done(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 4, chapter=2)
    bench.speak(bench.claim())
    batch = bench.claim(queue="assemble")
    bench.store.claims.missing(batch.claim, job_id, [1])
    job = bench.store.jobs.get(job_id)
    assert (job.chapters_done, bench.store.jobs.standing(job).chapter) == (1, "Chapter 1")
    bench.speak(bench.claim())
    assert bench.store.jobs.get(job_id).chapters_done == 2


def test_titles_are_kept_short(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    batch = bench.claim(queue=PLAN)
    plan = a_plan([2.0], chapter=1)
    object.__setattr__(plan.chapters[0], "title", "x" * 10_000)
    assert bench.store.claims.plan(batch.claim, job_id, plan, "plans/x.json")
    assert len(bench.store.jobs.standing(bench.store.jobs.get(job_id)).chapter or "") == 200


def test_a_jobs_own_pace_begins_with_its_work_and_anew_after_a_wait(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 4)
    client, record = bench.store.database.client, bench.store.database.keys.job(job_id)

    def marked(age: float) -> float:
        """Speaks a segment `age` seconds after the marks; returns of how much audio done the next pace will not tell."""
        for name in ("mark", "mark_before"):
            if client.hexists(record, name):
                client.hincrby(record, name, round(-1000 * age))
        bench.speak(bench.claim(most=1))
        job = bench.store.jobs.get(job_id)
        assert job.since is not None
        assert job.recorded is not None
        records.append(job.recorded)
        return job.audio_then

    records: list[float] = []
    assert bench.store.jobs.get(job_id).since is None, "it waits for its turn"
    assert [marked(0), marked(61), marked(121)] == [1.0, 1.0, 3.0]
    assert bench.store.jobs.get(job_id).recorded == max(records), "the last one tells"


def test_the_pace_of_assemblies_is_known_after_one(bench: Bench) -> None:
    bench.hot()
    job_id = begin(bench, [2.0] * 4)
    bench.speak(bench.claim())
    assert bench.assemble(job_id)
    other = bench.store.jobs.get(begin(bench, [2.0] * 4))
    assert bench.store.jobs.standing(other).queues["assemble"].pace is not None


def assembling(bench: Bench) -> str:
    job_id = begin(bench, [2.0] * 2)
    bench.speak(bench.claim())
    return job_id


def test_assemblies_that_are_handed_back_take_turns(bench: Bench) -> None:
    bench.hot()
    jobs = [assembling(bench) for _ in range(3)]
    turns = []
    for _ in range(6):
        batch = bench.claim(queue=ASSEMBLE, most=1)
        turns += batch.jobs
        bench.store.claims.hand_back(batch.claim, batch.items)
    assert turns == jobs * 2


def test_a_lost_assembly_keeps_its_turn(bench: Bench) -> None:
    bench.hot()
    first, second = assembling(bench), assembling(bench)
    batch = bench.claim(queue=ASSEMBLE, most=1)
    bench.store.claims.hand_back(batch.claim, batch.items, charged=True)
    assert [item.job_id for _ in range(2) for item in bench.claim(queue=ASSEMBLE, most=1).items] == [first, second]


def test_losses_of_an_assembly_count_from_its_last_progress(bench: Bench) -> None:
    bench.hot()
    job_id = assembling(bench)
    for _ in range(4):  # killed twice, and each time it got on afterwards
        for _ in range(2):
            batch = bench.claim(queue=ASSEMBLE, most=1)
            bench.store.claims.hand_back(batch.claim, batch.items, charged=True)
        batch = bench.claim(queue=ASSEMBLE, most=1)
        bench.store.claims.hand_back(batch.claim, batch.items)
    for _ in range(3):
        assert bench.state(job_id) == "assembling"
        batch = bench.claim(queue=ASSEMBLE, most=1)
        bench.store.claims.hand_back(batch.claim, batch.items, charged=True)
    job = bench.store.jobs.get(job_id)
    assert (job.state, (job.error or {}).get("code")) == ("failed", "worker_lost")
