"""A store of its own for every test: its own key prefix, its wake-ups collected, its keys audited at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import redis

from loa.broker import Broker
from loa.settings import Settings
from loa.store import Store
from tests.leaks import assert_no_leaks
from tests.redis.ledger import Bench, audit, forget


@pytest.fixture
def bench(broker: Broker) -> Iterator[Bench]:
    client = redis.Redis.from_url(broker.url, decode_responses=True)
    wakes: list[tuple[str, str]] = []
    settings = Settings.load({}, redis_url=broker.url)
    store = Store(client, settings, wake=lambda queue, token: wakes.append((queue, token)), prefix=f"test-{secrets.token_hex(4)}:")
    yield Bench(store=store, wakes=wakes)
    audit(store)
    assert_no_leaks(store)
    forget(store)
    client.close()
