"""Each promise of the outbox, one by one, on a real server."""

from __future__ import annotations

import json

import pytest

from loa.errors import SynthesisFailed, UnknownDelivery
from loa.states import TERMINAL, State
from loa.store import Item, Spoken
from loa.store.scripts import ENDPOINT_CONCURRENCY, KEPT_ATTEMPTS
from loa.webhooks.endpoints import EVENTS, TEST_EVENT
from loa.webhooks.states import DELIVERY_MOVES, DeliveryState, Pace, Reason
from tests.leaks import leaks, pass_time, tick
from tests.redis.ledger import ASSEMBLE, RESULT, Bench
from tests.redis.post import COURIER, GONE, OK, OTHER_URL, REFUSED, URL, Answer, Webhook, attempt, claim, deliveries, end_job, room

DAY = 86400.0
SLOW = 4.0  # seconds that may really pass in a test on a busy machine

# --- written with the job's end -------------------------------------------------------------------------------------


def end_by_cancel(bench: Bench, job_id: str) -> None:
    bench.store.jobs.cancel(job_id)


def end_by_finish(bench: Bench, job_id: str) -> None:
    bench.speak(bench.claim())
    assert bench.assemble(job_id)


def end_by_record(bench: Bench, job_id: str) -> None:
    batch = bench.claim()
    bench.store.claims.record(batch.claim, [Spoken(item=batch.items[0], audio_seconds=1.0, result=RESULT)])


def end_by_fail(bench: Bench, job_id: str) -> None:
    batch = bench.claim()
    assert bench.store.claims.fail(batch.claim, batch.items[0], SynthesisFailed("broken"))


def end_by_lost_workers(bench: Bench, job_id: str) -> None:
    for _ in range(3):
        bench.hot()
        bench.store.claims.start((batch := bench.claim()).claim, batch.items)
        pass_time(bench.store, 11)
        tick(bench.store)


def end_by_missing_segments(bench: Bench, job_id: str) -> None:
    bench.speak(bench.claim())
    for _ in range(4):
        batch = bench.claim(queue=ASSEMBLE)
        bench.store.claims.missing(batch.claim, job_id, [0])
        if bench.state(job_id) == State.FAILED:
            return
        bench.speak(bench.claim())


ENDS = (end_by_cancel, end_by_finish, end_by_record, end_by_fail, end_by_lost_workers, end_by_missing_segments)


@pytest.mark.parametrize("end", ENDS)
def test_every_way_to_end_a_job_writes_its_delivery(bench: Bench, end: object) -> None:
    bench.hot()
    job_id = bench.submit(webhook=Webhook.of(URL))
    assert claim(bench) == []
    end(bench, job_id)  # type: ignore[operator]
    state = bench.state(job_id)
    assert state in ("succeeded", "failed", "canceled")
    (due,) = claim(bench)
    payload = json.loads(due.body)
    assert (due.url, due.event, payload["type"]) == (URL, f"job.{state}", f"job.{state}")
    assert (payload["data"]["id"], payload["data"]["state"], payload["cut"]) == (job_id, state, [])
    assert payload["timestamp"] == payload["data"]["finished_at"]
    (delivery,) = deliveries(bench, job=job_id)
    assert (delivery.state, delivery.job_id, delivery.event) == (DeliveryState.PENDING, job_id, f"job.{state}")


def test_nothing_is_written_when_nobody_wants_the_event(bench: Bench) -> None:
    end_job(bench, None)
    end_job(bench, events=["job.succeeded", "job.failed"])
    assert deliveries(bench) == claim(bench) == []
    names = bench.store.database.client.scan_iter(f"{bench.store.database.keys.prefix}*")
    assert not [name for name in names if "deliver" in name or "endpoint" in name or name.endswith(":due")]


def test_a_job_tells_its_own_endpoint_and_the_standing_ones_with_one_webhook_id(bench: Bench) -> None:
    bench.store.deliveries.set_standing([OTHER_URL, "https://third.example/"])
    end_job(bench)
    found = claim(bench)
    assert {due.url for due in found} == {URL, OTHER_URL, "https://third.example/"}
    assert len({due.message for due in found}) == 1
    assert len({due.id for due in found}) == 3
    assert len({due.body for due in found}) == 1


def test_an_endpoint_that_is_both_hears_it_once(bench: Bench) -> None:
    bench.store.deliveries.set_standing([URL])
    end_job(bench)
    assert len(claim(bench)) == 1


def test_standing_endpoints_belong_to_the_default_owner_whoever_submitted(bench: Bench) -> None:
    bench.store.deliveries.set_standing([OTHER_URL])
    job_id = end_job(bench, owner="ann")
    assert [delivery.endpoint.url for delivery in deliveries(bench, "ann")] == [URL]
    assert [delivery.endpoint.url for delivery in deliveries(bench, "ann", job=job_id)] == [URL]
    assert [delivery.endpoint.url for delivery in deliveries(bench)] == [OTHER_URL]
    bench.store.deliveries.set_standing([])
    end_job(bench, None)
    assert len(deliveries(bench)) == 1


def test_one_job_told_twice_has_one_delivery(bench: Bench) -> None:
    """The script that ends a job may be sent twice by a client that lost its answer."""
    bench.hot()
    job_id = bench.submit(webhook=Webhook.of(URL))
    bench.speak(bench.claim())
    batch = bench.claim(queue=ASSEMBLE)
    assert batch.items == (Item(job_id, ASSEMBLE),)
    assert all(bench.store.claims.finish(batch.claim, job_id, RESULT) for _ in range(2))
    bench.store.jobs.cancel(job_id)
    assert len(deliveries(bench)) == 1


# --- attempts -------------------------------------------------------------------------------------------------------


def test_a_delivery_that_was_taken_is_over(bench: Bench) -> None:
    end_job(bench)
    outcome = attempt(bench)
    assert (outcome.state, outcome.reason, outcome.disabled) == (DeliveryState.DELIVERED, None, False)
    (delivery,) = deliveries(bench, state=DeliveryState.DELIVERED)
    assert delivery.attempts == ({"at": 1_700_000_000.0, "status": 200, "latency_seconds": 0.01, "answer": "thanks", "error": None},)
    assert delivery.due is None
    pass_time(bench.store, DAY)
    assert claim(bench) == []


def test_retries_come_on_the_schedule_with_jitter_and_then_it_is_dead(bench: Bench) -> None:
    job_id = end_job(bench)
    delays = bench.store.database.settings.webhook_delays
    messages = set()
    for number, delay in enumerate(delays[1:], 1):
        (due,) = claim(bench)
        messages.add(due.message)
        assert bench.store.deliveries.attempted(due, REFUSED).state is DeliveryState.PENDING
        (delivery,) = deliveries(bench, job=job_id)
        assert delivery.attempts_total == number
        score = bench.store.database.client.zscore(bench.store.database.keys.due(delivery.endpoint.id), delivery.id)
        seconds, micros = bench.store.database.client.time()
        wait = score / 1000 - seconds - micros / 1e6
        assert delay - SLOW <= wait <= delay * 1.2
        following = bench.store.deliveries.claim(COURIER, room(9))[1]
        assert following is not None
        assert following == pytest.approx(wait, abs=SLOW)
        pass_time(bench.store, delay * 1.2)
    outcome = attempt(bench, REFUSED)
    assert (outcome.state, outcome.reason) == (DeliveryState.DEAD, Reason.EXHAUSTED)
    assert len(messages) == 1
    (delivery,) = deliveries(bench, state=DeliveryState.DEAD)
    assert (delivery.attempts_total, delivery.reason) == (len(delays), Reason.EXHAUSTED)
    assert bench.store.deliveries.claim(COURIER, room(9)) == ([], None)


def test_retry_after_can_only_put_an_attempt_off_and_by_a_day_at_most(bench: Bench) -> None:
    for wish, least, most in ((0.5, 5, 6), (100.0, 100, 100), (1e9, DAY, DAY)):
        end_job(bench, f"https://hooks.example/{wish}")
        attempt(bench, Answer(status=503, retry_after=wish))
        _, following = bench.store.deliveries.claim(COURIER, room(9))
        assert following is not None
        assert least - SLOW <= following <= most
        (delivery,) = deliveries(bench, state=DeliveryState.PENDING)
        bench.store.database.client.zrem(bench.store.database.keys.lane(Pace.PROMPT), delivery.endpoint.id)
        bench.store.deliveries.replay(delivery.id)
        attempt(bench)


def test_only_the_last_attempts_are_kept(bench: Bench) -> None:
    end_job(bench)
    for number in range(KEPT_ATTEMPTS + 3):
        attempt(bench, Answer(status=500, answer=str(number)))
        bench.store.deliveries.replay(deliveries(bench)[0].id)
    (delivery,) = deliveries(bench)
    assert [one["answer"] for one in delivery.attempts] == [str(number) for number in range(3, KEPT_ATTEMPTS + 3)]
    assert delivery.attempts_total == KEPT_ATTEMPTS + 3


# --- claims ---------------------------------------------------------------------------------------------------------


def test_two_couriers_never_get_the_same_delivery(bench: Bench) -> None:
    for _ in range(5):
        end_job(bench)
    first, second = (bench.store.deliveries.claim(courier, room(3))[0] for courier in ("a-1", "b-2"))
    assert (len(first), len(second)) == (3, 2)
    assert len({due.id for due in (*first, *second)}) == 5
    assert bench.store.deliveries.couriers() == ["a-1", "b-2"]
    bench.store.deliveries.leave("a-1")
    pass_time(bench.store, 16)
    assert bench.store.deliveries.couriers() == []


def test_what_a_dead_courier_held_is_attempted_again_and_its_late_word_does_not_count(bench: Bench) -> None:
    end_job(bench)
    (lost,) = claim(bench)
    pass_time(bench.store, 20)
    assert claim(bench) == []
    pass_time(bench.store, 6)
    (again,) = claim(bench)
    assert (again.id, again.message, again.body) == (lost.id, lost.message, lost.body)
    assert again.claim != lost.claim
    assert bench.store.deliveries.attempted(lost, OK).state is None
    assert deliveries(bench)[0].attempts_total == 0
    assert bench.store.deliveries.attempted(again, OK).state is DeliveryState.DELIVERED
    assert bench.store.deliveries.attempted(again, OK).state is None, "the same word twice counts once"


def test_a_late_word_counts_while_nobody_else_has_the_delivery(bench: Bench) -> None:
    end_job(bench)
    (due,) = claim(bench)
    pass_time(bench.store, 100)
    assert bench.store.deliveries.attempted(due, OK).state is DeliveryState.DELIVERED


def test_a_courier_that_leaves_gives_back_what_it_holds(bench: Bench) -> None:
    end_job(bench)
    end_job(bench)
    held = claim(bench)
    assert bench.store.deliveries.put_back(held) == 2
    assert bench.store.deliveries.put_back(held) == 0
    assert {due.id for due in claim(bench)} == {due.id for due in held}


def test_an_endpoint_gets_only_so_many_at_once_and_never_holds_up_another(bench: Bench) -> None:
    for _ in range(3 * ENDPOINT_CONCURRENCY):
        end_job(bench)
    end_job(bench, OTHER_URL)
    found = claim(bench)
    assert [due.url for due in found].count(URL) == ENDPOINT_CONCURRENCY
    assert found[-1].url == OTHER_URL
    assert claim(bench) == []
    bench.store.deliveries.attempted(found[0], OK)
    assert len(claim(bench)) == 1


def test_an_endpoint_that_fails_gets_one_at_a_time_until_it_is_back(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, REFUSED)
    for _ in range(3):
        end_job(bench)
    (one,) = claim(bench)
    assert claim(bench) == []
    bench.store.deliveries.attempted(one, OK)
    assert len(claim(bench)) == 2


# --- replay and test ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [OK, GONE])
def test_a_replay_sends_the_same_message_again_and_enables_the_endpoint(bench: Bench, answer: Answer) -> None:
    end_job(bench)
    (first,) = claim(bench)
    bench.store.deliveries.attempted(first, answer)
    replayed = bench.store.deliveries.replay(first.id)
    assert (replayed.state, replayed.reason, replayed.endpoint.disabled_at) == (DeliveryState.PENDING, None, None)
    (again,) = claim(bench)
    assert (again.id, again.message, again.body) == (first.id, first.message, first.body)
    assert bench.store.deliveries.replay(first.id).state is DeliveryState.PENDING  # it is on its way already
    assert claim(bench) == []
    assert bench.store.deliveries.attempted(again, REFUSED).state is DeliveryState.PENDING
    bench.store.deliveries.replay(first.id)
    assert attempt(bench).state is DeliveryState.DELIVERED
    assert deliveries(bench)[0].attempts_total == 3


def test_a_replay_begins_the_schedule_again(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, GONE)
    bench.store.deliveries.replay(deliveries(bench)[0].id)
    attempt(bench, REFUSED)
    _, following = bench.store.deliveries.claim(COURIER, room(1))
    assert following is not None
    assert 5 - SLOW <= following <= 6


def test_a_test_is_sent_once_also_to_a_disabled_endpoint_which_it_enables(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, GONE)
    failed = bench.store.deliveries.test(URL)
    assert attempt(bench, REFUSED).reason is Reason.TEST_FAILED
    assert bench.store.deliveries.get(failed.id).endpoint.reason is Reason.GONE
    tested = bench.store.deliveries.test(URL)
    (due,) = claim(bench)
    assert (due.event, json.loads(due.body)["type"], due.message) == (TEST_EVENT, TEST_EVENT, tested.message)
    assert tested.message != failed.message
    bench.store.deliveries.attempted(due, OK)
    found = bench.store.deliveries.get(tested.id)
    assert (found.state, found.endpoint.disabled_at) == (DeliveryState.DELIVERED, None)
    end_job(bench)
    assert len(claim(bench)) == 1


def test_a_failing_test_does_not_count_against_its_endpoint(bench: Bench) -> None:
    for answer in (REFUSED, GONE):
        bench.store.deliveries.test(URL)
        assert attempt(bench, answer).reason is Reason.TEST_FAILED
    assert deliveries(bench)[0].endpoint.failing_since is None
    assert deliveries(bench)[0].endpoint.disabled_at is None


# --- looking at them ------------------------------------------------------------------------------------------------


def test_deliveries_are_listed_by_owner_state_and_job_in_pages(bench: Bench) -> None:
    jobs = [end_job(bench, f"https://hooks.example/{index}") for index in range(5)]
    end_job(bench, owner="ann")
    (due, *rest) = claim(bench)
    bench.store.deliveries.attempted(due, OK)
    bench.store.deliveries.put_back(rest)
    seen, cursor = [], None
    while True:
        page, cursor = bench.store.deliveries.list(limit=2, cursor=cursor)
        seen += [delivery.job_id for delivery in page]
        if cursor is None:
            break
    assert seen == jobs[::-1] or sorted(map(str, seen)) == sorted(jobs)  # several may fall into one millisecond
    assert len(deliveries(bench, state=DeliveryState.PENDING)) == 4
    assert [delivery.job_id for delivery in deliveries(bench, job=jobs[2])] == [jobs[2]]
    assert deliveries(bench, "ann", job=jobs[2]) == deliveries(bench, job="job_x") == []
    assert deliveries(bench, job=jobs[2], state=DeliveryState.DEAD) == []


def test_a_delivery_of_somebody_else_does_not_exist(bench: Bench) -> None:
    end_job(bench, owner="ann")
    (delivery,) = deliveries(bench, "ann")
    for call in (bench.store.deliveries.get, bench.store.deliveries.replay):
        assert call(delivery.id, "ann").id == delivery.id
        for name, owner in ((delivery.id, "default"), ("dlv_none", "ann")):
            with pytest.raises(UnknownDelivery):
                call(name, owner)


def test_a_delivery_as_json_shows_no_query_of_its_endpoint(bench: Bench) -> None:
    end_job(bench, "https://hooks.example/x?token=secret")
    attempt(bench, Answer(status=None, answer="", error="refused"))
    shown = deliveries(bench)[0].to_json()
    assert "secret" not in json.dumps(shown)
    assert shown["endpoint"]["url"] == "https://hooks.example/x?***"
    assert shown["attempts"][0] | {"at": ""} == {"at": "", "status": None, "latency_seconds": 0.01, "answer": "", "error": "refused"}


def test_every_state_of_a_delivery_has_moves_and_every_end_of_a_job_an_event() -> None:
    assert set(DELIVERY_MOVES) == set(DeliveryState)
    assert set(EVENTS) == {f"job.{state}" for state in TERMINAL}


def test_the_first_to_ask_makes_the_signing_secret(bench: Bench) -> None:
    made = bench.store.deliveries.signing_secrets()
    assert made == bench.store.deliveries.signing_secrets()
    assert len(made) == 1


# --- expiry ---------------------------------------------------------------------------------------------------------


def test_a_delivery_whose_job_is_forgotten_dies(bench: Bench) -> None:
    job_id = end_job(bench)
    bench.store.database.client.delete(bench.store.database.keys.job(job_id))
    assert claim(bench) == []
    assert deliveries(bench)[0].reason is Reason.JOB_FORGOTTEN


@pytest.mark.parametrize("answer", [OK, REFUSED, GONE, None])
def test_nothing_of_a_delivery_outlives_its_time(bench: Bench, answer: Answer | None) -> None:
    bench.store.deliveries.set_standing([OTHER_URL])
    job_id = end_job(bench)
    if answer is not None:
        for due in claim(bench):
            bench.store.deliveries.attempted(due, answer)
    names = [delivery.id for delivery in deliveries(bench)]
    bench.store.deliveries.leave(COURIER)
    pass_time(bench.store, 31 * DAY)
    keys, client = bench.store.database.keys, bench.store.database.client
    client.delete(keys.job(job_id), *map(keys.delivery, names))  # the server does this by itself once the time has really passed
    tick(bench.store)
    assert leaks(bench.store) == {}
    assert len(names) == 2
