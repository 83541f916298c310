"""What the heartbeat does about the answers it gets, on a real store and with an exit that is only noted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis

from loa.broker import Broker
from loa.jobs import Order, new_job_id
from loa.plan import Segment
from loa.settings import Settings
from loa.store import Batch, Slot, Store
from tests.waiting import wait_until
from worker.heartbeat import HUNG_EXIT, OUTDATED_EXIT, Heartbeat

QUEUE = "speak.sine"


@dataclass
class Desk:
    store: Store
    make: Callable[..., Heartbeat]
    exits: list[int]

    def claim(self, heartbeat: Heartbeat, limit: float = 30.0) -> Batch:
        segment = Segment(index=0, text="a", address="0" * 64, audio_seconds=1.0)
        order = Order(id=new_job_id(), voice="v", fingerprint="f", engine="sine", characters=1, segment=segment)
        self.store.jobs.submit(order, deadline=self.store.jobs.deadline())
        batch = self.store.claims.claim(QUEUE, heartbeat.slot.id, most=1, seconds=1.0, rate=0.0, limit=limit)
        assert isinstance(batch, Batch)
        assert self.store.claims.start(batch.claim, batch.items) == list(batch.items)
        return batch

    def record(self, batch: Batch) -> str:
        """The state of the batch's one item."""
        return self.store.database.client.hget(self.store.database.keys.items(batch.items[0].job_id), "0")


@pytest.fixture
def desk(broker: Broker) -> Iterator[Desk]:
    client = redis.Redis.from_url(broker.url, decode_responses=True)
    settings = Settings.load({}, redis_url=broker.url, lease=0.6, beat=0.1, reconcile=0.1, drain_seconds=0.2)
    store = Store(client, settings, prefix=f"test-{secrets.token_hex(4)}:")
    exits: list[int] = []
    beating: list[Heartbeat] = []

    def make() -> Heartbeat:
        slot = Slot(id="w-1/0", state="hot", queues=(QUEUE,), pid=1, host="h", device="cpu", device_uuid="cpu")
        heartbeat = Heartbeat(store, slot, settings, exit_process=exits.append)
        heartbeat.announce()
        heartbeat.start()
        beating.append(heartbeat)
        return heartbeat

    yield Desk(store=store, make=make, exits=exits)
    for heartbeat in beating:
        heartbeat.stop()
    for key in client.scan_iter(f"{store.database.keys.prefix}*"):
        client.delete(key)
    client.close()


def test_beats_keep_slot_and_claims_alive(desk: Desk) -> None:
    heartbeat = desk.make()
    batch = desk.claim(heartbeat)
    lease = heartbeat.leases.hold(batch)
    first = desk.store.database.client.zscore(desk.store.database.keys.claims(), batch.claim)
    wait_until(lambda: desk.store.database.client.zscore(desk.store.database.keys.claims(), batch.claim) > first + 700)
    desk.store.slots.reconcile()
    assert not lease.lost
    assert [slot.state for slot in desk.store.slots.all()] == ["hot"]
    assert desk.exits == []


def test_a_slot_that_redis_has_lost_is_announced_again(desk: Desk) -> None:
    desk.make()
    desk.store.database.client.delete(desk.store.database.keys.slot("w-1/0"), desk.store.database.keys.slots())
    wait_until(lambda: [slot.state for slot in desk.store.slots.all()] == ["hot"])


def test_a_lost_claim_is_noted_and_ends_nothing(desk: Desk) -> None:
    heartbeat = desk.make()
    batch = desk.claim(heartbeat)
    lease = heartbeat.leases.hold(batch)
    desk.store.database.client.delete(desk.store.database.keys.claim(batch.claim))
    wait_until(lambda: lease.lost)
    lease.compute(30.0)  # late, and still within its limit
    beats = desk.store.database.client.zscore(desk.store.database.keys.slots(), "w-1/0")
    wait_until(lambda: desk.store.database.client.zscore(desk.store.database.keys.slots(), "w-1/0") > beats + 300)
    assert desk.exits == []


def test_a_batch_that_hangs_ends_the_process_and_hands_back_the_others(desk: Desk) -> None:
    heartbeat = desk.make()
    hung, other = desk.claim(heartbeat, limit=0.3), desk.claim(heartbeat)
    heartbeat.leases.hold(hung).compute(0.3)
    heartbeat.leases.hold(other)
    wait_until(lambda: HUNG_EXIT in desk.exits)
    assert '"r"' in desk.record(other)


def test_a_drain_that_is_over_hands_back_uncharged(desk: Desk) -> None:
    heartbeat = desk.make()
    batch = desk.claim(heartbeat)
    heartbeat.leases.hold(batch)
    desk.store.slots.drain("w-1")
    wait_until(lambda: 0 in desk.exits)
    assert heartbeat.drain.begun.is_set()
    assert desk.record(batch).startswith('["0",1000,"r","",0')


def test_steps_are_announced_with_their_seconds(desk: Desk) -> None:
    heartbeat = desk.make()
    with heartbeat.step("load sine", "loading engine sine"):
        (slot,) = desk.store.slots.all()
        assert slot.message == "loading engine sine"
    (slot,) = desk.store.slots.all()
    assert set(slot.steps) == {"load sine"}


def test_a_process_whose_data_is_a_newer_version_s_leaves(desk: Desk) -> None:
    desk.make()
    desk.store.database.client.set(desk.store.database.keys.schema(), 999)
    wait_until(lambda: OUTDATED_EXIT in desk.exits)
