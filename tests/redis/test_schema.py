"""The schema of the data: older data is brought up to date once nobody writes it any more, newer data is refused in words."""

from __future__ import annotations

import dataclasses
import threading

import pytest
import redis

from loa.errors import LoaError, SchemaMismatch
from loa.keys import SCHEMA_VERSION
from loa.reconciler import Reconciler
from loa.states import State
from loa.store import Store, connect_api
from loa.store.schema import compare, connection_name
from tests.redis.ledger import Bench, an_order
from tests.waiting import wait_until


def make_old(bench: Bench) -> None:
    """The data as schema 1 had it: without the keys that came with 2."""
    client, keys = bench.store.database.client, bench.store.database.keys
    client.delete(keys.unfinished(), keys.counts())
    client.set(keys.schema(), 1)


def test_the_data_of_schema_1_is_brought_up_to_date(bench: Bench) -> None:
    bench.hot()
    done, speaking = bench.submit(), bench.submit(owner="ann")
    bench.store.jobs.cancel(bench.submit())
    bench.speak(bench.claim(most=1))
    assert bench.assemble(done)
    bench.claim(most=1)
    queued = bench.submit(an_order(long=True, document="documents/x.txt"))
    bench.store.slots.retire("w", 1)
    client, keys = bench.store.database.client, bench.store.database.keys
    before = client.zrange(keys.unfinished(), 0, -1, withscores=True), bench.store.jobs.counts()
    assert [job_id for job_id, _ in before[0]] == [speaking, queued]
    assert before[1] == dict.fromkeys(State, 0) | {State.QUEUED: 1, State.SPEAKING: 1, State.SUCCEEDED: 1, State.CANCELED: 1}
    make_old(bench)
    bench.store.database.check()
    assert client.get(keys.schema()) == str(SCHEMA_VERSION)
    assert (client.zrange(keys.unfinished(), 0, -1, withscores=True), bench.store.jobs.counts()) == before
    bench.store.database.check()  # nothing more to do
    assert bench.store.jobs.counts() == before[1]


def test_of_two_that_start_together_one_does_it(bench: Bench) -> None:
    job_ids = {bench.submit() for _ in range(5)}
    make_old(bench)
    threads = [threading.Thread(target=bench.store.database.check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.store.jobs.counts()[State.QUEUED] == 5
    assert set(bench.store.database.client.zrange(bench.store.database.keys.unfinished(), 0, -1)) == job_ids


def test_not_while_a_worker_of_the_older_version_runs(bench: Bench) -> None:
    bench.hot("old-7/0")
    client, keys = bench.store.database.client, bench.store.database.keys
    make_old(bench)
    client.hdel(keys.slot("old-7/0"), "schema")
    with pytest.raises(SchemaMismatch, match=r"processes of that version still run: worker process old-7/0\. Stop them"):
        bench.store.database.check()
    assert client.get(keys.schema()) == "1"
    bench.store.slots.retire("old-7", 1)
    bench.store.database.check()


def test_not_while_an_older_api_is_connected(bench: Bench) -> None:
    make_old(bench)
    url = bench.store.database.settings.redis_url
    with redis.Redis.from_url(url, client_name="loa-api") as old:
        old.ping()
        with pytest.raises(SchemaMismatch, match="an API connected from"):
            bench.store.database.check()
    with redis.Redis.from_url(url.replace("db=0", "db=7"), client_name="loa-api") as elsewhere, connect_api(url) as ours:
        elsewhere.ping()  # another service on another database
        ours.ping()
        wait_until(lambda: all(connection["name"] != "loa-api" or connection["db"] == "7" for connection in ours.client_list()))
        bench.store.database.check()


def test_a_redis_that_does_not_tell_who_is_connected(bench: Bench) -> None:
    """Its workers' announcements are looked at all the same."""
    make_old(bench)
    client = bench.store.database.client
    client.acl_setuser("shy", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-client|list"])
    try:
        with redis.Redis.from_url(bench.store.database.settings.redis_url, decode_responses=True, username="shy", password="x") as shy:
            Store(shy, bench.store.database.settings, prefix=bench.store.database.keys.prefix).database.check()
    finally:
        client.acl_deluser("shy")
    assert client.get(bench.store.database.keys.schema()) == str(SCHEMA_VERSION)


def test_newer_data_is_refused_at_the_start_and_in_the_middle(bench: Bench) -> None:
    bench.hot()
    job_id = bench.submit()
    batch = bench.claim()
    client, keys = bench.store.database.client, bench.store.database.keys
    client.set(keys.schema(), SCHEMA_VERSION + 1)
    words = f"schema {SCHEMA_VERSION + 1}, written by a newer Loa; this one has {SCHEMA_VERSION}"
    with pytest.raises(SchemaMismatch, match=words):
        bench.store.database.check()
    before = client.hgetall(keys.job(job_id))
    for write in (bench.submit, lambda: bench.speak(batch), lambda: bench.store.jobs.cancel(job_id), bench.store.slots.reconcile):
        with pytest.raises(SchemaMismatch, match=words):
            write()
    assert client.hgetall(keys.job(job_id)) == before


def test_looking_changes_nothing(bench: Bench) -> None:
    client, keys = bench.store.database.client, bench.store.database.keys
    assert compare(client, keys) is None
    assert not client.exists(keys.schema())
    client.set(keys.schema(), 1)
    assert compare(client, keys) == 1
    assert client.get(keys.schema()) == "1"


def test_connections_name_their_version(bench: Bench) -> None:
    with connect_api(bench.store.database.settings.redis_url) as client:
        assert client.client_getname() == connection_name("api") == f"loa-api:{SCHEMA_VERSION}"


def test_a_process_whose_data_became_newer_is_told_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    told: list[LoaError] = []
    settings = dataclasses.replace(bench.store.database.settings, reconcile=0.05)
    bench.store.database.client.set(bench.store.database.keys.schema(), 999)
    reconciler = Reconciler(bench.store.slots, settings.reconcile, told.append)
    reconciler.start()
    wait_until(lambda: not reconciler.is_alive())
    assert [type(error) for error in told] == [SchemaMismatch]
    assert "written by a newer Loa" in caplog.text
