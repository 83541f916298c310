"""Receivers that hang fill the places of their own kind, and those that answer wait for none of them."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from pathlib import Path

from loa.webhooks.places import Places
from loa.webhooks.states import DeliveryState, Pace
from tests.faults.misbehaviour import Conversation, Receiver, answering, receiving
from tests.waiting import until
from tests.webhooks.office import Office, delivering, opened

FEW = {Pace.PROMPT: 4, Pace.NEW: 4, Pace.SLOW: 6}
ENDPOINTS = 30  # that hang; each with two deliveries
EVENTS = 20  # to an endpoint that is well


class Patient:
    """What a receiver does that hangs until it is well again."""

    def __init__(self) -> None:
        self.well = asyncio.Event()

    async def __call__(self, conversation: Conversation) -> None:
        await self.well.wait()
        await answering(204)(conversation)


async def post(office: Office, *urls: str) -> None:
    """A job for each of them ends."""
    for url in urls:
        await asyncio.to_thread(office.end_jobs, 1, url)


def lane(office: Office, pace: Pace) -> int:
    """How many endpoints of this pace have something to do, or are being asked."""
    return int(office.store.database.command("zcard", office.store.database.keys.lane(pace)))


async def wait(office: Office, well: Receiver, path: str = "") -> float:
    """The seconds that an event takes to a receiver that is well."""
    before, began = len(well.requests), time.monotonic()
    await post(office, well.url + path)
    await until(lambda: len(well.requests) > before)
    return time.monotonic() - began


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def test_however_many_hang_those_that_answer_get_theirs_and_nothing_is_lost(office: Office) -> None:
    async def run() -> None:
        patient = Patient()
        async with receiving(patient) as hanging, receiving(answering(204)) as well, delivering(office, Places(FEW)):
            await post(office, well.url)
            await until(lambda: office.deliveries(state=DeliveryState.DELIVERED))
            urls = [f"{hanging.url}{number}" for number in range(ENDPOINTS)]
            await post(office, *urls, *urls)
            await until(lambda: len(hanging.open) == FEW[Pace.NEW] + FEW[Pace.SLOW], what="their places are all taken")
            assert p95([await wait(office, well) for _ in range(EVENTS)]) <= 2.0
            assert hanging.most_open <= FEW[Pace.NEW] + FEW[Pace.SLOW]
            await until(lambda: not lane(office, Pace.NEW), 60, "each to have had a turn")
            assert lane(office, Pace.SLOW) == ENDPOINTS
            assert await wait(office, well, "new") <= 2.0, "an endpoint that was never asked has places of its own, too"
            asked_before = len(hanging.requests)
            in_flight = len(hanging.open)
            patient.well.set()
            await until(lambda: not office.store.deliveries.counts()[DeliveryState.PENDING], 60, "all to be delivered")
            again = Counter(one["webhook-id"] for one in hanging.requests[asked_before:])
            assert set(again.values()) == {1}, "whatever arrives when the receiver is well, arrives once"
            assert 2 * ENDPOINTS - in_flight <= len(again) <= 2 * ENDPOINTS
            assert len({one["webhook-id"] for one in hanging.requests}) == 2 * ENDPOINTS
            assert len(well.requests) == 2 + EVENTS
            assert office.store.deliveries.counts()[DeliveryState.DELIVERED] == 2 * ENDPOINTS + 2 + EVENTS

    asyncio.run(run())


def test_those_that_were_prompt_and_hang_now_give_their_places_up(redis_url: str, tmp_path: Path) -> None:
    async def run(office: Office) -> None:
        patient = Patient()
        patient.well.set()
        async with receiving(patient) as hanging, receiving(answering(204)) as well, delivering(office, Places(FEW)):
            urls = [f"{hanging.url}{number}" for number in range(FEW[Pace.PROMPT] + 2)]
            await post(office, well.url, *urls)
            await until(lambda: office.store.deliveries.counts()[DeliveryState.DELIVERED] == 1 + len(urls))
            patient.well.clear()
            await post(office, *urls)
            await until(lambda: len(hanging.open) == FEW[Pace.PROMPT], what="all prompt places to be taken")
            assert await wait(office, well) <= 2.0
            await until(lambda: len(hanging.open) == len(urls), what="all of them to hang")
            assert p95([await wait(office, well) for _ in range(EVENTS)]) <= 2.0
            patient.well.set()
            await until(lambda: not office.store.deliveries.counts()[DeliveryState.PENDING], 60, "all to be delivered")
            assert len(hanging.requests) == 2 * len(urls), "none of them timed out"

    with opened(tmp_path, redis_url, webhook_timeout=60.0) as office:
        asyncio.run(run(office))


def test_an_attempt_is_counted_where_it_is() -> None:
    async def run() -> None:
        places, freed = Places({Pace.PROMPT: 1, Pace.NEW: 1, Pace.SLOW: 1}), asyncio.Event()
        took = [places.take(pace, freed.set) for pace in Pace]
        assert places.free() == dict.fromkeys(Pace, 0)
        await asyncio.wait_for(freed.wait(), 10)
        assert places.free() == {Pace.PROMPT: 1, Pace.NEW: 0, Pace.SLOW: 0}
        took.pop().leave()
        assert places.free()[Pace.SLOW] == 0, "two were there for one place"
        for place in took:
            place.leave()
        assert places.free() == dict.fromkeys(Pace, 1)
        freed.clear()
        places.take(Pace.PROMPT, freed.set).leave()
        assert places.free() == dict.fromkeys(Pace, 1)

    asyncio.run(run())
