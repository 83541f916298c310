"""The API keys in Redis: kept as hashes only, revoked at once, and nothing of a secret anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from loa.api_keys import DEFAULT_OWNER, ApiKey, new_key
from loa.broker import Broker
from loa.errors import UnknownKey
from loa.settings import Settings
from loa.store import Store
from tests.redis.ledger import Bench


def add(bench: Bench, name: str = "laptop", **options: str) -> tuple[ApiKey, str]:
    key, secret = new_key(name, **options)  # type: ignore[arg-type]
    return bench.store.credentials.add(key), secret


def test_a_key_is_found_by_its_id(bench: Bench) -> None:
    assert not bench.store.credentials.configured()
    key, secret = add(bench)
    assert bench.store.credentials.configured()
    found = bench.store.credentials.find(key.id)
    assert found == key
    assert found.opened_by(secret)
    assert abs(found.created - bench.store.database.client.time()[0]) < 60
    assert bench.store.credentials.find("0" * 12) is None


def test_keys_are_listed_by_age(bench: Bench) -> None:
    made = [add(bench, name)[0] for name in ("b", "a", "c")]
    assert bench.store.credentials.all() == made


def test_a_revoked_key_opens_nothing_and_is_remembered(bench: Bench) -> None:
    key, secret = add(bench)
    revoked = bench.store.credentials.revoke(key.id)
    found = bench.store.credentials.find(key.id)
    assert found == revoked
    assert not found.opened_by(secret)
    assert (found.sha256, found.owner) == ("", key.owner)
    assert bench.store.credentials.revoke(key.id) == revoked, "twice is once"
    assert bench.store.credentials.configured(), "with the last key gone the door stays shut"
    bench.store.credentials.forget(key.id)
    assert not bench.store.credentials.configured()


def test_a_key_that_is_not_there_cannot_be_revoked(bench: Bench) -> None:
    for call in (bench.store.credentials.revoke, bench.store.credentials.forget):
        with pytest.raises(UnknownKey):
            call("0" * 12)


def test_no_byte_of_a_secret_is_in_redis_or_in_its_files(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        client = redis.Redis.from_url(broker.url)
        store = Store.for_thread(Settings.load({}, redis_url=broker.url))
        key, secret = new_key("laptop")
        store.credentials.add(key)
        rest = secret[-43:].encode()
        records = client.hgetall(store.database.keys.api_keys()).values()
        assert any(key.sha256.encode() in record for record in records)
        assert not any(rest in record for record in records)
        client.bgrewriteaof()
        broker.stop()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert any(key.sha256.encode() in path.read_bytes() for path in files)
        assert not any(rest in path.read_bytes() for path in files)


def test_voices_and_idempotency_keys_are_their_owners(bench: Bench) -> None:
    voices = bench.store.voices
    first = voices.add("anna", '{"title": "one"}')
    second = voices.add("anna", '{"title": "two"}', "ann")
    assert (first.created, second.created) == (True, True)
    assert voices.find("anna") == first.kept
    assert voices.find("anna", "ann") == second.kept
    assert voices.find("anna", "bob") is None
    assert set(voices.all()) == {(DEFAULT_OWNER, "anna"), ("ann", "anna")}
    assert not voices.remove("anna", first.kept, "ann")
    assert voices.remove("anna", second.kept, "ann")
    assert voices.find("anna") == first.kept
