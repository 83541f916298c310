"""Segments of which no speech comes: spoken again, then left out of their job, which fails over them or goes on."""

from __future__ import annotations

import json

from loa.errors import Incomplete
from loa.keys import bucket
from loa.store import Item, LeftOut, Refusal, Spoilt, Spoken
from loa.store.scripts import MAX_TAKES, MOST_NAMED
from tests.leaks import pass_time, tick
from tests.redis.ledger import ASSEMBLE, PLAN, RESULT, Bench, a_plan, audit


def spoken_except(bench: Bench, *bad: str, final: bool = False) -> None:
    """Speak all that is ready and can be spoken, until nothing is ready."""
    while bench.store.database.client.hget(bench.store.database.keys.backlog("speak.sine"), "items") != "0":
        batch = bench.claim()
        held = bench.store.claims.start(batch.claim, batch.items)
        good = [Spoken(item=item, audio_seconds=1.0) for item in held if item.name not in bad]
        bench.store.claims.record(batch.claim, good)
        spoilt = [Spoilt(item=item, text=f"Text {item.name}.", reason="silence", final=final) for item in held if item.name in bad]
        bench.store.claims.spoil(batch.claim, spoilt)
        audit(bench.store)


def test_a_bad_take_is_spoken_again_and_charged_to_nobody(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([2.0, 2.0])
    first = bench.claim()
    assert not first.takes
    item = Item(job_id, "1")
    bench.store.claims.start(first.claim, first.items)
    bench.store.claims.record(first.claim, [Spoken(item=Item(job_id, "0"), audio_seconds=2.0)])
    bench.store.claims.spoil(first.claim, [Spoilt(item=item, text="Text.", reason="silence")])
    record = bench.item(item)
    assert record is not None
    assert (record["losses"], record["takes"]) == (0, 1)
    second = bench.claim()
    assert (second.items, second.takes, second.alone) == ((item,), {item: 1}, False)
    assert bench.speak(second) == (job_id,), "the second take was good"
    assert bench.store.jobs.get(job_id).segments_missing == 0


def test_a_bad_take_is_the_next_to_be_claimed(bench: Bench) -> None:
    bench.hot()
    first = bench.submit()
    bench.spoil(bench.claim())
    bench.submit()
    assert bench.claim(most=1).items == (Item(first, "0"),)


def test_a_job_fails_with_the_list_when_all_the_rest_is_spoken(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([2.0] * 12)
    spoken_except(bench, "10", "2")
    job = bench.store.jobs.get(job_id)
    assert (job.state, job.segments_done, job.segments_missing) == ("failed", 10, 2)
    assert (
        job.error
        == Incomplete(
            "2 of 12 segments could not be spoken",
            count=2,
            missing=[{"index": 2, "text": "Text 2.", "reason": "silence"}, {"index": 10, "text": "Text 10.", "reason": "silence"}],
        ).to_json()
    )
    assert bench.refused() is Refusal.EMPTY


def test_the_chapter_is_named_where_the_book_has_chapters(bench: Bench) -> None:
    bench.hot()
    book, partial = bench.submit(long=True), bench.submit(long=True, allow_partial=True)
    for _ in (book, partial):
        batch = bench.claim(queue=PLAN, most=1)
        (item,) = batch.items
        assert bench.store.claims.plan(batch.claim, item.job_id, a_plan([2.0] * 4, chapter=2), "plans/x.json")
    spoken_except(bench, "2")
    expected = LeftOut(index=2, text="Text 2.", reason="silence", chapter="Chapter 2")
    error = bench.store.jobs.get(book).error
    assert error is not None
    assert error["details"]["missing"] == [expected.to_json()]
    assert bench.store.claims.left_out(partial) == (expected,)
    assert bench.assemble(partial)


def test_a_job_that_may_be_partial_goes_on_without_it(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True, allow_partial=True)
    bench.plan([2.0] * 3)
    spoken_except(bench, "1")
    job = bench.store.jobs.get(job_id)
    assert (job.state, job.segments_done, job.segments_missing) == ("assembling", 2, 1)
    assert bench.store.claims.left_out(job_id) == (LeftOut(index=1, text="Text 1.", reason="silence"),)
    assert bench.assemble(job_id)
    assert bench.state(job_id) == "succeeded"
    assert bench.store.claims.left_out(job_id) == ()


def test_the_last_bad_take_may_come_after_the_last_good_one(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True, allow_partial=True)
    bench.plan([2.0] * 2)
    for _ in range(MAX_TAKES):
        batch = bench.claim(most=1)
        assert batch.items == (Item(job_id, "0"),)
        bench.spoil(batch)
    assert bench.speak(bench.claim()) == (job_id,), "the last record finds the job complete without it"


def test_a_job_of_nothing_but_missing_segments_fails_whatever_it_allows(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(allow_partial=True)
    bench.spoil(bench.claim(), final=True)
    job = bench.store.jobs.get(job_id)
    assert job.error is not None
    assert (job.state, job.error["code"]) == ("failed", "incomplete")


def test_a_final_defect_is_not_tried_again(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True, allow_partial=True)
    bench.plan([2.0] * 2)
    batch = bench.claim()
    bench.store.claims.start(batch.claim, batch.items)
    bench.store.claims.spoil(batch.claim, [Spoilt(item=Item(job_id, "0"), text="…", reason="nothing to say", final=True)])
    bench.store.claims.record(batch.claim, [Spoken(item=Item(job_id, "1"), audio_seconds=1.0)])
    assert bench.state(job_id) == "assembling"


def test_a_device_that_makes_nothing_but_noise_does_not_go_through_the_whole_book(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([2.0] * (3 * MOST_NAMED))
    while bench.state(job_id) == "speaking":
        bench.spoil(bench.claim(most=8))
    job = bench.store.jobs.get(job_id)
    assert job.error is not None
    assert MOST_NAMED < job.error["details"]["count"] <= MOST_NAMED + 8
    assert [one["index"] for one in job.error["details"]["missing"]] == list(range(MOST_NAMED))


def test_a_superseded_claim_spoils_nothing(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    late = bench.claim()
    bench.store.claims.hand_back(late.claim, late.items)
    again = bench.claim()
    bench.spoil(late)
    for _ in range(2):  # as often as it says so
        bench.store.claims.spoil(late.claim, [Spoilt(item=Item(job_id, "0"), text="", reason="late")])
    assert bench.speak(again) == (job_id,)


def test_an_answer_that_was_lost_counts_no_take_twice(bench: Bench) -> None:
    bench.hot()
    item = Item(bench.submit(), "0")
    batch = bench.claim()
    for _ in range(2):
        bench.store.claims.spoil(batch.claim, [Spoilt(item=item, text="", reason="silence")])
    record = bench.item(item)
    assert record is not None
    assert record["takes"] == 1
    assert bench.claim().takes == {item: 1}


def test_bad_takes_and_losses_are_counted_apart(bench: Bench) -> None:
    """A worker that dies over a bad take is charged for its death, and the take that nobody heard of is spoken as the same take again."""
    bench.hot()
    item = Item(bench.submit(), "0")
    bench.spoil(bench.claim())
    assert bench.claim().takes == {item: 1}
    pass_time(bench.store, 11)
    tick(bench.store)
    bench.hot()
    batch = bench.claim()
    assert (batch.alone, batch.takes) == (True, {item: 1})
    record = bench.item(item)
    assert record is not None
    assert (record["losses"], record["takes"]) == (1, 1)
    bench.spoil(batch)
    assert bench.claim().takes == {item: 2}, "it is still claimed alone, and as another take"


def test_what_kills_its_workers_is_left_out_of_a_partial_job(bench: Bench) -> None:
    job_id = bench.submit(long=True, allow_partial=True)
    bench.hot()
    bench.plan([2.0] * 2)
    for _ in range(3):
        bench.hot()
        batch = bench.claim(most=1)
        while batch.items != (Item(job_id, "0"),):
            bench.speak(batch)
            batch = bench.claim(most=1)
        pass_time(bench.store, 11)
        tick(bench.store)
        audit(bench.store)
    if bench.state(job_id) == "speaking":
        bench.hot()
        bench.speak(bench.claim())
    assert bench.state(job_id) == "assembling"
    assert bench.store.claims.left_out(job_id) == (LeftOut(index=0, text="", reason="3 worker processes died while they spoke it"),)


def test_segments_that_vanish_return_to_a_partial_job_without_those_that_are_left_out(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True, allow_partial=True)
    bench.plan([2.0] * 3)
    spoken_except(bench, "2")
    batch = bench.claim(queue=ASSEMBLE)
    bench.store.claims.missing(batch.claim, job_id, [1, 2])
    assert bench.claim().items == (Item(job_id, "1"),)
    audit(bench.store)


def test_items_of_an_older_version_have_no_bad_takes(bench: Bench) -> None:
    bench.hot()
    item = Item(bench.submit(seconds=2.0), "0")
    bench.store.database.client.hset(
        bench.store.database.keys.items(item.job_id), item.name, json.dumps([bucket(2.0), 2000, "r", "", 0, 0])
    )
    batch = bench.claim()
    assert not batch.takes
    bench.spoil(batch)
    assert bench.claim().takes == {item: 1}


def test_bad_takes_are_counted_for_operators(bench: Bench) -> None:
    bench.hot()
    bench.submit()
    for _ in range(2):
        bench.spoil(bench.claim())
    assert bench.store.database.client.hget(bench.store.database.keys.totals("speak.sine"), "bad_takes") == "2"


def test_a_good_take_of_a_short_job_ends_it(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    bench.spoil(bench.claim())
    batch = bench.claim()
    bench.store.claims.record(batch.claim, [Spoken(item=batch.items[0], audio_seconds=1.0, result=RESULT)])
    assert bench.state(job_id) == "succeeded"
