"""Each promise of the store, one by one, on a real server."""

from __future__ import annotations

import json

import pytest

from loa.errors import IdempotencyConflict, SchemaMismatch, StoreUnavailable, UnknownJob
from loa.jobs import job_json
from loa.states import MOVES, State
from loa.store import Idempotency, Item, Refusal, Slot, Spoken
from tests.leaks import leaks, pass_time, tick
from tests.redis.ledger import PLAN, QUEUES, RESULT, SPEAK, Bench, a_plan, an_order


def test_short_job_goes_through_every_state(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    assert bench.state(job_id) == "queued"
    batch = bench.claim()
    assert bench.state(job_id) == "speaking"
    assert batch.items == (Item(job_id, "0"),)
    assert batch.jobs[job_id].segment is not None
    assert bench.speak(batch) == (job_id,)
    assert bench.state(job_id) == "assembling"
    assert bench.assemble(job_id)
    job = bench.store.jobs.get(job_id)
    assert job.state is State.SUCCEEDED
    assert job.result == RESULT
    assert job.segments_done == job.segments_total == 1
    assert job.finished is not None


def test_long_job_is_planned_then_spoken_in_batches(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([2.0] * 1201)
    assert bench.store.jobs.get(job_id).segments_total == 1201
    seen: list[int] = []
    complete: tuple[str, ...] = ()
    while not complete:
        batch = bench.claim(seconds=10, rate=0.001)
        assert len(batch.items) <= 64
        seen += [item.index for item in batch.items]
        complete = bench.speak(batch)
    assert seen == list(range(1201))
    assert complete == (job_id,)
    assert bench.assemble(job_id)


def test_an_unfinished_plan_is_invisible_and_replaced(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    first = bench.claim(queue=PLAN)
    database = bench.store.database
    assert database.run("plan_insert", first.claim, job_id, 0, "0", 1000, "", -1, "1", 2000, "", -1) == 1
    assert bench.refused() is Refusal.EMPTY
    pass_time(bench.store, 11)
    tick(bench.store)
    assert bench.state(job_id) == "queued"
    bench.hot()
    assert bench.plan([1.0, 1.0, 1.0]) == job_id
    assert database.run("plan_insert", first.claim, job_id, 2, "0", 1000, "", -1) == 0
    assert not bench.store.claims.plan(first.claim, job_id, a_plan([]), "plans/late.json")
    assert bench.store.jobs.get(job_id).plan == "plans/x.json"
    assert [item.index for item in bench.claim().items] == [0, 1, 2]


def test_cancel_unlinks_at_once_however_long_the_job(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([1.0, 5.0, 20.0] * 400)
    running = bench.claim()
    assert bench.store.jobs.cancel(job_id).state is State.CANCELED
    assert bench.refused() is Refusal.EMPTY
    assert not any(bench.store.claims.record(running.claim, [Spoken(item=item, audio_seconds=1) for item in running.items]).accepted)
    assert bench.store.jobs.cancel(job_id).state is State.CANCELED
    assert bench.store.slots.backlog()[SPEAK]["ready_segments"] == 0
    with pytest.raises(UnknownJob):
        bench.store.jobs.cancel("job_" + "0" * 24)


def test_a_job_belongs_to_its_owner(bench: Bench) -> None:
    job_id = bench.submit(owner="ann")
    for call in (bench.store.jobs.get, bench.store.jobs.cancel):
        with pytest.raises(UnknownJob):
            call(job_id, "bob")
    assert bench.store.jobs.list("bob") == ([], None)
    assert bench.store.jobs.get(job_id, "ann").id == job_id


def test_idempotency(bench: Bench) -> None:
    deadline = bench.store.jobs.deadline()
    first = bench.store.jobs.submit(an_order(), deadline=deadline, idempotency=Idempotency(key_hash="k", request_hash="r"))
    again = bench.store.jobs.submit(an_order(), deadline=deadline, idempotency=Idempotency(key_hash="k", request_hash="r"))
    assert (again.job_id, again.created) == (first.job_id, None)
    with pytest.raises(IdempotencyConflict):
        bench.store.jobs.submit(an_order(), deadline=deadline, idempotency=Idempotency(key_hash="k", request_hash="other"))
    other = bench.store.jobs.submit(an_order(owner="ann"), deadline=deadline, idempotency=Idempotency(key_hash="k", request_hash="other"))
    assert other.created, "keys of different owners never meet"
    assert len(bench.store.jobs.list()[0]) == 1


def test_a_submit_that_comes_too_late_leaves_nothing(bench: Bench) -> None:
    order = an_order()
    with pytest.raises(StoreUnavailable):
        bench.store.jobs.submit(order, deadline=bench.store.jobs.deadline() - 10_000)
    with pytest.raises(UnknownJob):
        bench.store.jobs.get(order.id)


def test_a_resent_submit_is_the_same_job(bench: Bench) -> None:
    order = an_order()
    assert bench.store.jobs.submit(order, deadline=bench.store.jobs.deadline()).created
    assert not bench.store.jobs.submit(order, deadline=bench.store.jobs.deadline()).created
    assert bench.store.slots.backlog()[SPEAK]["ready_segments"] == 1


def test_wake_ups_never_exceed_batches_nor_free_slots(bench: Bench) -> None:
    for _ in range(3):
        bench.submit()
    assert bench.wakes == [], "nobody is hot"
    bench.hot("w/0")
    assert len(bench.wakes) == 1
    bench.hot("w/1")
    assert len(bench.wakes) == 1, "one batch is ready"
    bench.claim("w/0", token=bench.wakes[0][1])
    bench.submit()
    assert len(bench.wakes) == 2, "the second slot is free although the first is busy"
    bench.submit()
    assert len(bench.wakes) == 2


def test_a_wake_up_that_nobody_took_is_sent_again(bench: Bench) -> None:
    bench.hot()
    bench.submit()
    assert len(bench.wakes) == 1
    tick(bench.store)
    assert len(bench.wakes) == 1
    pass_time(bench.store, 2.1)
    bench.hot()
    tick(bench.store)
    assert len({token for _, token in bench.wakes}) == 2


def test_an_empty_claim_frees_the_slot_and_idle_wakes_a_successor(bench: Bench) -> None:
    bench.hot()
    bench.submit()
    bench.submit()
    first = bench.claim(most=1, token=bench.wakes[0][1])
    bench.speak(first)
    before = len(bench.wakes)
    bench.store.claims.idle("w/0", SPEAK)
    assert len(bench.wakes) == before + 1
    bench.claim(token=bench.wakes[-1][1])
    assert bench.refused() is Refusal.EMPTY
    bench.submit()
    assert len(bench.wakes) == before + 2


def test_only_hot_slots_get_work(bench: Bench) -> None:
    bench.submit()
    assert bench.refused("w/9") is Refusal.COLD
    bench.hot("w/0")
    pass_time(bench.store, 11)
    assert bench.refused("w/0") is Refusal.COLD, "its heartbeat has ended"
    bench.hot("w/0")
    bench.store.slots.drain("w")
    assert bench.refused("w/0") is Refusal.DRAIN
    assert bench.store.slots.beat("w/0").draining
    bench.store.slots.retire("w", 1)
    assert bench.store.slots.all() == []


def test_a_slot_is_shown_as_it_announced_itself(bench: Bench) -> None:
    slot = Slot(
        id="w/0",
        state="loading",
        queues=("speak.vits", "plan"),
        pid=7,
        host="here",
        device="cuda:0",
        device_uuid="GPU-1",
        engines=("vits",),
        voices=("joe",),
        skipped=("quynh",),
        unserved={"viettts": "llm.pt not found; loa engines pull viettts"},
        steps={"load vits": 0.5},
        message="warming",
    )
    bench.store.slots.announce(slot)
    assert bench.store.slots.all() == [slot]
    assert json.loads(json.dumps(slot.to_json()))["unserved"] == slot.unserved


def test_jobs_and_owners_take_turns(bench: Bench) -> None:
    bench.hot()
    book = bench.submit(long=True, lane="bulk")
    bench.plan([2.0] * 50)
    short = [bench.submit(lane="bulk") for _ in range(3)]
    other = bench.submit(lane="bulk", owner="ann")
    order = [bench.claim(most=1).items[0].job_id for _ in range(8)]
    assert order.index(other) <= 1, "another owner's turn comes at once"
    assert set(short) <= set(order), "short jobs pass between the segments of a book"
    assert order.count(book) >= 2


def test_interactive_first_but_bulk_always_moves(bench: Bench) -> None:
    bench.hot()
    bulk = {bench.submit(lane="bulk") for _ in range(10)}
    interactive = {bench.submit() for _ in range(30)}
    order = [bench.claim(most=1).items[0].job_id in bulk for _ in range(12)]
    assert order.count(True) == 3
    assert interactive


def test_standing_says_why_a_job_waits(bench: Bench) -> None:
    first, second = bench.submit(), bench.submit()
    job = bench.store.jobs.get(second)
    standing = bench.store.jobs.standing(job)
    assert "no hot worker for the engine sine" in (standing.waiting_reason(job) or "")
    assert standing.ahead == 1
    bench.hot()
    batch = bench.claim(most=1)
    assert batch.items[0].job_id == first
    bench.speak(batch)
    standing = bench.store.jobs.standing(job)
    assert standing.waiting_reason(job) is None
    assert standing.ahead == 0
    assert standing.eta(job) == pytest.approx(2.0 * 0.02, rel=0.2)
    document = job_json(job, standing)
    assert document["waiting_reason"] is None
    assert document["progress"]["eta_seconds"] == 0.0


def test_list_pages_through_everything_once(bench: Bench) -> None:
    jobs = [bench.submit() for _ in range(25)]
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = bench.store.jobs.list(limit=4, cursor=cursor)
        seen += [job.id for job in page]
        if cursor is None:
            break
    assert sorted(seen) == sorted(jobs)
    bench.store.jobs.cancel(jobs[3])
    assert [job.id for job in bench.store.jobs.list(state=State.CANCELED)[0]] == [jobs[3]]


def test_ended_jobs_are_forgotten_everywhere(bench: Bench) -> None:
    bench.hot()
    done, canceled = bench.submit(), bench.submit(owner="ann")
    bench.store.jobs.cancel(canceled, "ann")
    bench.speak(bench.claim())
    bench.assemble(done)
    bench.store.slots.retire("w", 1)
    pass_time(bench.store, 31 * 86400)
    for job_id in (done, canceled):  # what the server does by itself when the time has really passed
        bench.store.database.client.delete(bench.store.database.keys.job(job_id))
    bench.store.slots.reconcile()
    assert leaks(bench.store) == {}


def test_events_are_published_when_a_job_ends(bench: Bench) -> None:
    client, keys = bench.store.database.client, bench.store.database.keys
    with client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(keys.events())
        while channel.get_message(timeout=1) is not None:
            pass
        job_id = bench.submit()
        bench.store.jobs.cancel(job_id)
        message = channel.get_message(timeout=5)
        assert message is not None
        assert (
            message["data"] == f'{{"job":"{job_id}","state":"canceled"}}' or message["data"] == f'{{"state":"canceled","job":"{job_id}"}}'
        )


def test_a_device_has_one_worker(bench: Bench) -> None:
    assert bench.store.slots.lease_device("here", "GPU-1", "a") is None
    assert bench.store.slots.lease_device("here", "GPU-1", "a") is None
    assert bench.store.slots.lease_device("here", "GPU-1", "b") == "a"
    assert bench.store.slots.lease_device("there", "GPU-1", "b") is None


def test_data_of_another_version_is_refused(bench: Bench) -> None:
    database = bench.store.database
    database.check()
    database.client.set(database.keys.schema(), 999)
    with pytest.raises(SchemaMismatch):
        database.check()


def test_a_full_redis_is_said_and_takes_nothing(bench: Bench) -> None:
    client = bench.store.database.client
    order = an_order()
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="takes no more data"):
            bench.store.jobs.submit(order, deadline=2**53)
    finally:
        client.config_set("maxmemory", 0)
    with pytest.raises(UnknownJob):
        bench.store.jobs.get(order.id)
    assert bench.submit(order) == order.id


def test_a_reconciler_does_nothing_when_another_did_it(bench: Bench) -> None:
    assert bench.store.slots.reconcile().ran
    assert not bench.store.slots.reconcile().ran


def test_every_move_of_the_table_and_no_other() -> None:
    for state, moves in MOVES.items():
        assert moves, f"{state} is a dead end"
    assert set(State) - set(MOVES) == {State.SUCCEEDED, State.FAILED, State.CANCELED}


def test_queues_are_known_once_they_had_work(bench: Bench) -> None:
    bench.hot(queues=(SPEAK,))
    assert set(bench.store.slots.backlog()) == {SPEAK}
    assert set(QUEUES) > {SPEAK}
