"""Endpoints of webhooks: how quick they are taken for, whose turn it is, and when one is disabled."""

from __future__ import annotations

import pytest

from loa.webhooks.endpoints import endpoint_id
from loa.webhooks.states import PROMPT_SECONDS, DeliveryState, Pace, Reason
from tests.leaks import pass_time
from tests.redis.ledger import Bench
from tests.redis.post import COURIER, GONE, OK, OTHER_URL, REFUSED, URL, Answer, attempt, claim, deliveries, end_job, room

DAY = 86400.0
SLOW = 4.0  # seconds that may really pass in a test on a busy machine
LATE = Answer(status=None, seconds=15.0)

# --- paces ----------------------------------------------------------------------------------------------------------


def hang(bench: Bench, count: int) -> list[str]:
    """So many endpoints that are known as slow, each with two more deliveries that are due; their URLs."""
    urls = [f"https://slow{index}.example/" for index in range(count)]
    for url in urls:
        end_job(bench, url)
    under_way = claim(bench)
    for url in urls:
        end_job(bench, url)
        end_job(bench, url)
        pass_time(bench.store, 1)  # those of the first are the oldest
    for due in under_way:
        assert due.pace is Pace.NEW
        bench.store.deliveries.attempted(due, LATE)
    return urls


@pytest.mark.parametrize(
    ("answer", "pace"),
    [(OK, Pace.PROMPT), (REFUSED, Pace.PROMPT), (LATE, Pace.SLOW), (Answer(seconds=PROMPT_SECONDS), Pace.SLOW)],
)
def test_an_endpoint_is_of_the_pace_of_its_last_attempt(bench: Bench, answer: Answer, pace: Pace) -> None:
    end_job(bench)
    first, second = Answer(seconds=PROMPT_SECONDS), answer
    assert attempt(bench, first).state is DeliveryState.DELIVERED
    end_job(bench)
    attempt(bench, second)
    end_job(bench)
    assert {due.pace for due in claim(bench)} == {pace}


def test_however_many_are_slow_none_is_claimed_without_room_and_the_others_are(bench: Bench) -> None:
    end_job(bench)
    attempt(bench)
    hang(bench, 5)
    end_job(bench)
    end_job(bench, OTHER_URL)
    found, following = bench.store.deliveries.claim(COURIER, {Pace.PROMPT: 5, Pace.NEW: 5, Pace.SLOW: 2})
    assert [due.pace for due in found] == [Pace.PROMPT, Pace.NEW, Pace.SLOW, Pace.SLOW]
    assert (found[0].url, found[1].url) == (URL, OTHER_URL)
    assert following is not None
    assert following > 1, "what there is no room for is nothing to look again for"
    assert bench.store.deliveries.claim(COURIER, room(0)) == ([], None)


def test_a_courier_without_room_for_one_pace_hears_when_another_is_due(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, Answer(status=503, retry_after=100.0))
    hang(bench, 2)
    _, following = bench.store.deliveries.claim(COURIER, {Pace.PROMPT: 1, Pace.NEW: 1, Pace.SLOW: 0})
    assert following == pytest.approx(100.0, abs=SLOW)


def test_slow_endpoints_take_turns_however_much_waits_for_one_of_them(bench: Bench) -> None:
    urls = hang(bench, 4)
    one = {Pace.SLOW: 1}
    asked = []
    for _ in range(8):
        (due,), _ = bench.store.deliveries.claim(COURIER, one)
        asked.append(due.url)
        bench.store.deliveries.attempted(due, LATE)
    assert sorted(asked[:4]) == sorted(asked[4:]) == urls


# --- endpoints that are disabled ------------------------------------------------------------------------------------


def test_410_disables_the_endpoint_at_once_and_says_why(bench: Bench) -> None:
    for _ in range(3):
        end_job(bench)
    end_job(bench, OTHER_URL)
    first, second, third, other = claim(bench)
    assert bench.store.deliveries.attempted(first, GONE).disabled
    assert bench.store.deliveries.attempted(second, REFUSED).reason is Reason.DISABLED
    bench.store.deliveries.put_back([third])
    assert claim(bench) == []
    late = end_job(bench)
    reasons = [delivery.reason for delivery in reversed(deliveries(bench, state=DeliveryState.DEAD))]
    assert sorted(filter(None, reasons)) == [Reason.DISABLED, Reason.DISABLED, Reason.DISABLED, Reason.GONE]
    (delivery,) = deliveries(bench, job=late)
    assert (delivery.attempts_total, delivery.endpoint.reason) == (0, Reason.GONE)
    assert delivery.endpoint.disabled_at is not None
    assert bench.store.deliveries.attempted(other, OK).state is DeliveryState.DELIVERED


def test_an_endpoint_that_fails_for_five_days_is_disabled(bench: Bench) -> None:
    for day in range(5):
        end_job(bench)
        (due, *_) = claim(bench)
        assert not bench.store.deliveries.attempted(due, REFUSED).disabled, day
        pass_time(bench.store, DAY)
    (due, *_) = claim(bench)
    outcome = bench.store.deliveries.attempted(due, REFUSED)
    assert (outcome.disabled, outcome.reason) == (True, Reason.FAILING)
    assert claim(bench) == []
    assert {delivery.state for delivery in deliveries(bench)} == {DeliveryState.DEAD}
    assert {delivery.endpoint.reason for delivery in deliveries(bench)} == {Reason.FAILING}


def test_a_success_or_a_long_silence_starts_the_five_days_anew(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, REFUSED)
    pass_time(bench.store, 4 * DAY)
    attempt(bench, REFUSED)  # four days without an attempt are no failing
    assert deliveries(bench)[0].endpoint.failing_since is not None
    for _ in range(3):
        pass_time(bench.store, 1.5 * DAY)
        (due, *_) = claim(bench)
        assert not bench.store.deliveries.attempted(due, REFUSED).disabled
    bench.store.deliveries.replay(deliveries(bench)[0].id)
    attempt(bench)
    assert deliveries(bench)[0].endpoint.failing_since is None


def test_an_endpoint_of_one_owner_is_not_disabled_by_what_it_told_another(bench: Bench) -> None:
    end_job(bench)
    attempt(bench, GONE)
    end_job(bench, owner="ann")
    (due,) = claim(bench)
    assert due.url == URL
    assert endpoint_id("ann", URL) != endpoint_id("default", URL)
