from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from loa.artifacts import Artifacts
from loa.broker import Broker
from loa.settings import Settings
from loa.store import Slot, Store
from tests.leaks import assert_no_leaks
from tests.worker.bench import QUEUES, SLOT, Bench
from tests.worker.fleet import ROOT, Fleet, fleets


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    with fleets(tmp_path) as make:
        yield make


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet()


@pytest.fixture
def bench(broker: Broker, tmp_path: Path) -> Iterator[Bench]:
    client = redis.Redis.from_url(broker.url, decode_responses=True)
    settings = Settings.load({}, redis_url=broker.url, data_dir=str(tmp_path), voices=str(ROOT / "tests" / "voices"))
    store = Store(client, settings, prefix=f"test-{secrets.token_hex(4)}:")
    store.slots.announce(Slot(id=SLOT, state="hot", queues=QUEUES, pid=1, host="h", device="cpu", device_uuid="cpu"))
    yield Bench(settings=settings, store=store, artifacts=Artifacts(settings.artifacts), folder=tmp_path)
    assert_no_leaks(store)
    for key in client.scan_iter(f"{store.database.keys.prefix}*"):
        client.delete(key)
    client.close()
