"""Calls whose answer was lost, and that are made again: Redis died, or was frozen, between doing and answering. Nothing happens twice."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from loa.broker import Broker
from loa.errors import StoreUnavailable, UnknownJob
from loa.settings import Settings
from loa.store import Item, Spoken, Store
from tests.redis.ledger import ASSEMBLE, PLAN, RESULT, Bench, a_plan, an_order
from tests.waiting import wait_until


@pytest.fixture
def stutter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Every script runs three times, and only the last answer arrives."""
    run = bench.store.database._scripts.run

    def thrice(script: str, *arguments: str | float) -> Any:
        for _ in range(2):
            run(script, *arguments)
        return run(script, *arguments)

    monkeypatch.setattr(bench.store.database._scripts, "run", thrice)
    return bench


def test_a_resent_claim_is_one_claim(stutter: Bench) -> None:
    stutter.hot()
    job_ids = {stutter.submit() for _ in range(3)}
    batch = stutter.claim(most=2)
    assert len(batch.items) == len(batch.jobs) == 2
    client, keys = stutter.store.database.client, stutter.store.database.keys
    assert client.zrange(keys.claims(), 0, -1) == [batch.claim]
    assert batch.left == 1
    rest = stutter.claim()
    assert {item.job_id for item in (*batch.items, *rest.items)} == job_ids
    stutter.speak(batch)
    stutter.speak(rest)


def test_a_resent_claim_of_a_lone_item_charges_nobody(stutter: Bench) -> None:
    stutter.hot()
    job_id = stutter.submit()
    batch = stutter.claim()
    assert batch.started
    stutter.store.claims.hand_back(batch.claim, batch.items)
    client, keys = stutter.store.database.client, stutter.store.database.keys
    assert client.zcard(keys.claims()) == 0, "no lease is left that could end"
    assert not stutter.claim().alone
    assert stutter.state(job_id) == "speaking"


def test_what_a_resent_claim_no_longer_holds_is_not_given_again(bench: Bench) -> None:
    bench.hot()
    first, second = bench.submit(), bench.submit()
    arguments = ("claim", "speak.sine", "w/0", "", "nonce", 64, 10**6, 1.0, 1000)
    reply = bench.store.database.run(*arguments)
    bench.store.jobs.cancel(first)
    again = bench.store.database.run(*arguments)
    assert (again[1], again[3:6]) == (reply[1], [1, second, "0"])
    bench.store.jobs.cancel(second)
    assert bench.store.database.run(*arguments) == ["empty"]


def test_a_resent_plan_has_every_segment_once(stutter: Bench) -> None:
    stutter.hot()
    job_id = stutter.submit(long=True)
    batch = stutter.claim(queue=PLAN)
    assert stutter.store.claims.plan(batch.claim, job_id, a_plan([2.0] * 1200), "plans/x.json")
    job = stutter.store.jobs.get(job_id)
    assert (job.segments_total, job.plan) == (1200, "plans/x.json")
    assert stutter.store.slots.backlog()["speak.sine"]["ready_segments"] == 1200
    spoken: list[Item] = []
    while len(spoken) < 1200:
        batch = stutter.claim(seconds=1e6)
        spoken += batch.items
        stutter.speak(batch)
    assert len(set(spoken)) == 1200
    assert stutter.assemble(job_id)
    assert stutter.state(job_id) == "succeeded"


def test_a_resent_result_is_published_once(stutter: Bench) -> None:
    stutter.hot()
    job_id = stutter.submit()
    batch = stutter.claim()
    recorded = stutter.store.claims.record(batch.claim, [Spoken(item=batch.items[0], audio_seconds=1.0, result=RESULT)])
    assert recorded.accepted == (True,)
    assert stutter.state(job_id) == "succeeded"


def test_resent_missing_segments_are_returned_once(stutter: Bench) -> None:
    stutter.hot()
    job_id = stutter.submit()
    stutter.speak(stutter.claim())
    batch = stutter.claim(queue=ASSEMBLE)
    stutter.store.claims.missing(batch.claim, job_id, [0])
    assert stutter.store.jobs.get(job_id).segments_done == 0
    stutter.speak(stutter.claim())
    assert stutter.assemble(job_id)


def test_a_submit_that_timed_out_leaves_no_job_when_redis_thaws(tmp_path: Path) -> None:
    """Redis freezes after it has told the time and thaws as soon as the API has given up: what it runs then comes too late."""
    with Broker(tmp_path) as broker:
        assert broker.pid is not None
        settings = Settings.load({}, redis_url=broker.url)
        store, order, refusals = Store.for_api(settings), an_order(), list[StoreUnavailable]()
        store.database.load_scripts()
        deadline = store.jobs.deadline()

        def submit() -> None:
            try:
                store.jobs.submit(order, deadline=deadline)
            except StoreUnavailable as error:
                refusals.append(error)

        os.kill(broker.pid, signal.SIGSTOP)
        try:
            thread = threading.Thread(target=submit)
            thread.start()
            thread.join()
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert len(refusals) == 1
        calls = Store.for_thread(settings)
        wait_until(lambda: "cmdstat_evalsha" in calls.database.command("info", "commandstats"))
        with pytest.raises(UnknownJob):
            calls.jobs.get(order.id)
