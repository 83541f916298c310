"""Claims: who holds what, for how long, and who is charged when a worker dies."""

from __future__ import annotations

import threading

from loa.errors import SynthesisFailed
from loa.states import State
from loa.store import Item, Refusal, Spoken
from tests.leaks import pass_time, tick
from tests.redis.ledger import ASSEMBLE, RESULT, SPEAK, Bench


def test_a_lost_worker_is_charged_only_for_what_it_started(bench: Bench) -> None:
    bench.hot()
    started, waiting = bench.submit(), bench.submit()
    batch = bench.claim()
    bench.store.claims.start(batch.claim, [Item(started, "0")])
    pass_time(bench.store, 11)
    tick(bench.store)
    bench.hot("w/1")
    bench.submit()
    claims = [bench.claim("w/1").items for _ in range(2)]
    assert (Item(started, "0"),) in claims, "the one with a loss is claimed alone"
    assert any(Item(waiting, "0") in items and len(items) == 2 for items in claims), "the other is claimed with its neighbours"


def test_what_a_dead_process_held_is_given_back_as_soon_as_its_parent_says_so(bench: Bench) -> None:
    bench.hot("w/0")
    bench.hot("w/1")
    lone = bench.submit()
    held = bench.claim("w/0")
    bench.submit()
    others = bench.claim("w/1")
    assert bench.store.slots.lost("w/0") == 1
    assert bench.refused("w/0") is Refusal.COLD
    again = bench.claim("w/1")
    assert (again.items, again.alone) == ((Item(lone, "0"),), True)
    assert not bench.store.claims.start(held.claim, held.items)
    assert bench.store.claims.start(others.claim, others.items), "another process keeps its own"
    assert {slot.id: slot.state for slot in bench.store.slots.all()} == {"w/0": "loading", "w/1": "hot"}
    bench.speak(again)
    bench.speak(others)


def test_poison_fails_its_own_job_and_no_other(bench: Bench) -> None:
    bench.hot()
    jobs = [bench.submit() for _ in range(32)]
    batch = bench.claim()
    bench.store.claims.start(batch.claim, [Item(jobs[7], "0")])
    alone = 0
    for _ in range(3):
        pass_time(bench.store, 11)
        tick(bench.store)
        bench.hot()
        while isinstance(batch := bench.store.claims.claim(SPEAK, "w/0", most=64, seconds=2, rate=0.01), object) and not isinstance(
            batch, Refusal
        ):
            if Item(jobs[7], "0") in batch.items:
                assert len(batch.items) == 1
                alone += 1
                bench.store.claims.start(batch.claim, batch.items)
                break
            bench.speak(batch)
    assert alone == 2
    job = bench.store.jobs.get(jobs[7])
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["code"] == "worker_lost"
    assert {bench.state(other) for other in jobs if other != jobs[7]} == {"assembling"}


def test_handing_back_is_never_charged(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    for _ in range(5):
        batch = bench.claim()
        bench.store.claims.start(batch.claim, batch.items)
        bench.store.claims.hand_back(batch.claim, batch.items)
    assert bench.speak(bench.claim()) == (job_id,)


def test_a_superseded_claim_changes_nothing(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    old = bench.claim()
    bench.store.claims.start(old.claim, old.items)
    pass_time(bench.store, 11)
    tick(bench.store)
    bench.hot()
    new = bench.claim()
    item = old.items[0]
    assert bench.store.claims.start(old.claim, old.items) == []
    assert bench.store.claims.record(old.claim, [Spoken(item=item, audio_seconds=9)]).accepted == (False,)
    assert not bench.store.claims.fail(old.claim, item, SynthesisFailed("late"))
    bench.store.claims.hand_back(old.claim, [item])
    assert bench.store.slots.beat("w/0", [old.claim, new.claim]).held == (False, True)
    assert bench.speak(new) == (job_id,)
    assert bench.store.jobs.get(job_id).audio_seconds == 1.0


def test_a_finish_whose_answer_was_lost_may_be_repeated(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    bench.speak(bench.claim())
    batch = bench.claim(queue=ASSEMBLE)
    assert bench.store.claims.finish(batch.claim, job_id, RESULT)
    assert bench.store.claims.finish(batch.claim, job_id, RESULT), "the same claim gets the same answer"
    assert not bench.store.claims.finish("7-other", job_id, RESULT)


def test_a_job_of_one_segment_ends_with_its_record(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    old = bench.claim()
    bench.store.claims.start(old.claim, old.items)
    spoken = [Spoken(item=old.items[0], audio_seconds=1.0, result=RESULT)]
    bench.store.claims.hand_back(old.claim, old.items)
    assert bench.store.claims.record(old.claim, spoken).accepted == (False,)
    new = bench.claim()
    for _ in range(2):  # the answer to the first call was lost
        recorded = bench.store.claims.record(new.claim, spoken)
        assert (recorded.accepted, recorded.complete) == ((True,), ())
    job = bench.store.jobs.get(job_id)
    assert (job.state, job.result, job.segments_done) == (State.SUCCEEDED, RESULT, 1)
    assert bench.refused(queue=ASSEMBLE) is Refusal.EMPTY


def test_a_beat_keeps_a_lease_but_not_beyond_its_limit(bench: Bench) -> None:
    bench.hot()
    bench.submit()
    batch = bench.claim()
    for _ in range(4):
        pass_time(bench.store, 7)
        tick(bench.store)
        assert bench.store.slots.beat("w/0", [batch.claim]).held == (True,)
    pass_time(bench.store, 7)  # 35 s: a batch of 2 s of audio may take 30
    assert bench.store.slots.beat("w/0", [batch.claim]).held == (False,)


def test_after_a_pause_every_lease_gets_one_more_length(bench: Bench) -> None:
    bench.hot()
    bench.submit()
    tick(bench.store)
    batch = bench.claim()
    pass_time(bench.store, 30)  # the whole service was frozen
    assert bench.store.slots.reconcile().expired == 0
    assert bench.store.slots.beat("w/0", [batch.claim]).held == (False,)  # its limit is over by now
    bench.submit()
    bench.hot()
    second = bench.claim()
    pass_time(bench.store, 12)
    assert bench.store.slots.reconcile().expired == 0
    assert bench.store.slots.beat("w/0", [second.claim]).held == (True,)


def test_missing_segments_return_to_ready_and_not_for_ever(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([1.0] * 3)
    for _ in range(3):
        assert bench.speak(bench.claim()) == (job_id,)
        batch = bench.claim(queue=ASSEMBLE)
        bench.store.claims.missing(batch.claim, job_id, [1])
        assert bench.state(job_id) == "speaking"
        assert bench.store.jobs.get(job_id).segments_done == 2
    bench.speak(bench.claim())
    bench.store.claims.missing(bench.claim(queue=ASSEMBLE).claim, job_id, [1])
    job = bench.store.jobs.get(job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["code"] == "artifact_missing"


def test_a_batch_is_bounded_by_compute_and_holds_one_bucket_and_its_neighbours(bench: Bench) -> None:
    bench.hot()
    for seconds in (2.0, 2.2, 12.0, 30.0, 2.1, 3.0):
        bench.submit(seconds=seconds)
    batch = bench.claim(seconds=10.0, rate=1.0)
    assert sorted(batch.jobs[item.job_id].estimate for item in batch.items) == [2.0, 2.1, 2.2, 3.0]
    batch = bench.claim(seconds=0.001, rate=1.0)
    assert len(batch.items) == 1, "one item is always let through"


def test_concurrent_claims_never_share_an_item(bench: Bench) -> None:
    for index in range(4):
        bench.hot(f"w/{index}")
    jobs = {bench.submit() for _ in range(400)}
    seen: list[str] = []

    def work(slot: str) -> None:
        while not isinstance(batch := bench.store.claims.claim(SPEAK, slot, most=7, seconds=10, rate=0.001), Refusal):
            seen.extend(item.job_id for item in batch.items)

    threads = [threading.Thread(target=work, args=(f"w/{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(jobs)


def test_a_claim_touches_no_more_entries_however_long_the_queue(bench: Bench) -> None:
    """The work of one claim is counted by the server, not timed."""

    def commands_of_one_claim() -> int:
        bench.hot()  # so many submissions may take longer than a heartbeat lasts
        client = bench.store.database.client
        client.config_resetstat()
        bench.claim(most=8)
        stats = client.info("commandstats")
        return sum(facts["calls"] for name, facts in stats.items() if name != "cmdstat_info")

    for _ in range(200):
        bench.submit()
    few = commands_of_one_claim()
    for _ in range(3000):
        bench.submit()
    assert commands_of_one_claim() <= few + 2


def test_a_lone_item_is_charged_from_its_claim_on(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    batch = bench.claim()
    assert batch.started
    pass_time(bench.store, 11)  # the worker died before it said anything more
    tick(bench.store)
    bench.hot()
    again = bench.claim()
    assert again.alone
    assert again.items == batch.items
    assert bench.speak(again) == (job_id,)


def test_a_claim_says_how_much_it_left(bench: Bench) -> None:
    bench.hot()
    for _ in range(3):
        bench.submit()
    first = bench.claim(most=2)
    assert (first.left, first.started) == (1, False)
    assert bench.claim().left == 0
