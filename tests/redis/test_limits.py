"""How much audio may wait, of one owner and in all, and how much an owner may submit in an hour."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from loa.broker import Broker
from loa.errors import IdempotencyConflict, LimitExceeded, LoaError, Overloaded
from loa.keys import ALL
from loa.settings import Settings
from loa.states import State
from loa.store import Idempotency, Store
from tests.leaks import leaks, pass_time
from tests.redis.ledger import Bench, an_order, audit, forget

Make = Callable[..., Bench]


@pytest.fixture
def limited(broker: Broker) -> Iterator[Make]:
    """A bench whose store has limits."""
    client = redis.Redis.from_url(broker.url, decode_responses=True)
    made: list[Bench] = []

    def make(**settings: float) -> Bench:
        store = Store(client, Settings.load({}, redis_url=broker.url, **settings), prefix=f"test-{secrets.token_hex(4)}:")
        made.append(Bench(store=store))
        return made[-1]

    yield make
    for bench in made:
        audit(bench.store)
        forget(bench.store)
    client.close()


def waiting(bench: Bench, owner: str = ALL) -> float:
    return int(bench.store.database.client.hget(bench.store.database.keys.waiting(), owner) or 0) / 1000


def refused(bench: Bench, **order: object) -> LoaError:
    with pytest.raises((LimitExceeded, Overloaded)) as caught:
        bench.submit(**order)
    return caught.value


# --- counting ---------------------------------------------------------------------------------------------------------


def test_audio_waits_from_the_submission_until_it_is_spoken(bench: Bench) -> None:
    bench.hot()
    bench.submit(owner="ann", seconds=3.0)
    book = bench.submit(owner="bob", seconds=10.0, long=True)
    assert (waiting(bench, "ann"), waiting(bench, "bob"), waiting(bench)) == (3.0, 15.0, 18.0), "a document's length is guessed"
    bench.plan([2.0, 2.0, 3.0, 5.0])
    assert (waiting(bench, "bob"), waiting(bench)) == (12.0, 15.0), "its plan knows better"
    seen = [waiting(bench)]
    while seen[-1]:
        bench.speak(bench.claim(most=1))
        seen.append(waiting(bench))
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 6, "segment by segment"
    assert bench.state(book) == "assembling"
    assert not bench.store.database.client.exists(bench.store.database.keys.waiting())


def test_segments_that_return_wait_again(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit(long=True)
    bench.plan([2.0, 3.0])
    bench.speak(bench.claim())
    bench.store.claims.missing(bench.claim(queue="assemble").claim, job_id, [1])
    assert waiting(bench) == 3.0
    bench.store.jobs.cancel(job_id)
    assert waiting(bench) == 0.0


def test_a_job_of_a_store_that_did_not_count_yet_is_never_taken_away(bench: Bench) -> None:
    bench.hot()
    client, keys = bench.store.database.client, bench.store.database.keys
    old = bench.submit(seconds=4.0)
    client.hdel(keys.job(old), "waiting_ms")
    client.delete(keys.waiting())
    bench.submit(owner="ann", seconds=3.0)
    bench.speak(bench.claim())
    assert bench.state(old) == "assembling"
    client.hset(keys.job(old), "waiting_ms", 0)  # for the audit
    assert waiting(bench) == 0.0


# --- the limits -------------------------------------------------------------------------------------------------------


def test_beyond_the_backlog_of_all_nobody_may_submit(limited: Make) -> None:
    bench = limited(backlog=60.0, backlog_key=0.0)
    bench.submit(owner="ann", seconds=40.0)
    bench.submit(owner="bob", seconds=20.0)
    error = refused(bench, owner="carl", seconds=1.0)
    assert isinstance(error, Overloaded)
    assert error.status == 503
    assert error.details["limit"] == "LOA_BACKLOG"
    assert error.details["retry_after"] == 30, "nobody is hot: nobody knows"


def test_beyond_the_backlog_of_a_key_the_others_may_submit(limited: Make) -> None:
    bench = limited(backlog_key=30.0)
    first = bench.submit(owner="ann", seconds=30.0)
    error = refused(bench, owner="ann", seconds=0.5)
    assert (type(error), error.status, error.details["limit"]) == (LimitExceeded, 429, "LOA_BACKLOG_KEY")
    bench.submit(owner="bob", seconds=30.0)
    bench.store.jobs.cancel(first, "ann")
    bench.submit(owner="ann", seconds=0.5)


def test_a_job_above_the_limit_passes_where_nothing_waits(limited: Make) -> None:
    """It would wait for ever otherwise, and every Retry-After would be a lie."""
    bench = limited(backlog=10.0, backlog_key=5.0)
    bench.submit(owner="ann", seconds=100.0)
    assert isinstance(refused(bench, owner="bob", seconds=1.0), Overloaded)


def test_retry_after_is_what_the_processes_need_at_the_pace_of_late(limited: Make) -> None:
    bench = limited(backlog=600.0, backlog_key=0.0)
    for slot in ("w/0", "w/1"):
        bench.hot(slot)
    client, keys = bench.store.database.client, bench.store.database.keys
    client.hset(keys.backlog("speak.sine"), mapping={"audio_ms": 100_000, "compute_ms": 50_000})
    bench.submit(owner="ann", seconds=600.0)
    assert refused(bench, owner="bob", seconds=20.0).details["retry_after"] == 5, "20 s × 0.5, by two"
    bench = limited(backlog_key=600.0)
    bench.hot()
    client.hset(bench.store.database.keys.backlog("speak.sine"), mapping={"audio_ms": 100_000, "compute_ms": 50_000})
    for owner in ("ann", "bob", "carl"):
        bench.submit(owner=owner, seconds=600.0)
    assert refused(bench, owner="ann", seconds=20.0).details["retry_after"] == 30, "the three take turns"
    assert refused(bench, owner="ann", seconds=1e6).details["retry_after"] == 900, "no more can go than waits"


def test_an_hour_has_so_much_audio(limited: Make) -> None:
    bench = limited(audio_per_hour=360.0)
    client, keys = bench.store.database.client, bench.store.database.keys
    for _ in range(3):
        bench.submit(owner="ann", seconds=120.0)
    error = refused(bench, owner="ann", seconds=30.0)
    assert (type(error), error.details["limit"]) == (LimitExceeded, "LOA_AUDIO_PER_HOUR")
    assert 299 <= error.details["retry_after"] <= 300, "30 s come back in 300"
    assert 3_590_000 < client.pttl(keys.spent("ann")) <= 3_600_000
    bench.submit(owner="bob", seconds=30.0)
    pass_time(bench.store, 300)
    bench.submit(owner="ann", seconds=30.0)
    assert refused(bench, owner="ann", seconds=30.0)
    assert not leaks(bench.store).keys() & {"spent:ann"}, "it is forgotten by itself"


def test_a_job_above_the_hourly_allowance_takes_the_whole_of_it_and_more(limited: Make) -> None:
    bench = limited(audio_per_hour=360.0)
    bench.submit(owner="ann", seconds=720.0)
    assert 3590 <= refused(bench, owner="ann", seconds=0.1).details["retry_after"] <= 3600
    pass_time(bench.store, 3_602)
    bench.submit(owner="ann", seconds=0.1)


@pytest.mark.parametrize(("planned", "spent"), [([60.0], 1_200), ([200.0, 200.0], 4_600), ([0.1], 601)])
def test_a_plan_corrects_what_an_hour_was_charged(limited: Make, planned: list[float], spent: int) -> None:
    bench = limited(audio_per_hour=360.0)
    bench.hot()
    client, keys = bench.store.database.client, bench.store.database.keys
    bench.submit(owner="ann", seconds=60.0)
    bench.submit(owner="ann", seconds=120.0, long=True)  # guessed: 180
    bench.plan(planned)
    assert client.pttl(keys.spent("ann")) == pytest.approx(1000 * spent, abs=2_000)


def test_what_has_come_back_already_is_not_given_back_again(limited: Make) -> None:
    bench = limited(audio_per_hour=360.0)
    bench.hot()
    bench.submit(owner="ann", seconds=120.0, long=True)
    pass_time(bench.store, 3_600)
    bench.hot()
    bench.plan([60.0])
    assert not bench.store.database.client.exists(bench.store.database.keys.spent("ann"))


def test_0_is_no_limit(limited: Make) -> None:
    bench = limited(backlog=0.0, backlog_key=0.0, audio_per_hour=0.0)
    for _ in range(3):
        bench.submit(seconds=1e6)


def test_a_repetition_is_never_refused(limited: Make) -> None:
    bench = limited(backlog=10.0, audio_per_hour=10.0)
    jobs = bench.store.jobs
    key = Idempotency(key_hash="k", request_hash="r")
    first = jobs.submit(an_order(seconds=10.0), deadline=jobs.deadline(), idempotency=key)
    again = jobs.submit(an_order(seconds=10.0), deadline=jobs.deadline(), idempotency=key)
    assert (again.job_id, again.created) == (first.job_id, None)
    with pytest.raises(IdempotencyConflict):
        jobs.submit(an_order(), deadline=jobs.deadline(), idempotency=Idempotency(key_hash="k", request_hash="other"))
    assert waiting(bench) == 10.0


def test_a_refused_submission_leaves_nothing(limited: Make) -> None:
    bench = limited(backlog=10.0)
    bench.submit(seconds=10.0)
    jobs, key = bench.store.jobs, Idempotency(key_hash="k", request_hash="r")
    with pytest.raises(Overloaded):
        jobs.submit(an_order(), deadline=jobs.deadline(), idempotency=key)
    assert len(jobs.list()[0]) == 1
    jobs.cancel(jobs.list(state=State.QUEUED)[0][0].id)
    assert jobs.submit(an_order(), deadline=jobs.deadline(), idempotency=key).created, "its Idempotency-Key is still free"


def test_many_at_once_never_pass_the_limit_together(limited: Make) -> None:
    bench = limited(backlog=50.0, backlog_key=0.0)
    ready = threading.Barrier(8)
    accepted: list[str] = []

    def submit(owner: str) -> None:
        ready.wait(10)
        for _ in range(10):
            try:
                accepted.append(bench.submit(owner=owner, seconds=2.0))
            except Overloaded:
                return

    threads = [threading.Thread(target=submit, args=(f"owner-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(accepted) == 25
    assert waiting(bench) == 50.0
