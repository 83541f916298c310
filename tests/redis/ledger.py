"""What the store's tests share: making work, letting time pass without waiting, and auditing what Redis holds."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from loa.jobs import Order, new_job_id
from loa.keys import ALL, ASSEMBLE, BUCKETS, PLAN, SOLO, speak
from loa.pinned import Pinned
from loa.plan import Plan, PlannedChapter, Segment
from loa.states import TERMINAL
from loa.store import Batch, Item, Refusal, Slot, Spoilt, Spoken, Store
from loa.store.scripts import ENDPOINT_CONCURRENCY, KEPT_ATTEMPTS
from loa.webhooks.states import DeliveryState, Pace

ENGINE, OTHER = "sine", "hum"
SPEAK, SPEAK_OTHER = speak(ENGINE), speak(OTHER)
SPEAKING = (SPEAK, SPEAK_OTHER)
QUEUES = (*SPEAKING, PLAN, ASSEMBLE)
SECOND = {"vi": Pinned(name="hummer", fingerprint="e" * 64, engine=OTHER)}  # voices of a job with two engines
LISTS = ("all", *DeliveryState)
RESULT = {"duration_seconds": 1.0, "sample_rate": 22050, "bytes": 3, "sha256": "0" * 64}


@dataclass
class Bench:
    store: Store
    wakes: list[tuple[str, str]] = field(default_factory=list)

    def hot(self, slot: str = "w/0", queues: tuple[str, ...] = QUEUES) -> str:
        self.store.slots.announce(
            Slot(id=slot, state="hot", queues=queues, pid=1, host="here", device="cpu", device_uuid="cpu", engines=(ENGINE, OTHER))
        )
        return slot

    def submit(self, order: Order | None = None, **changes: object) -> str:
        order = order or an_order(**changes)
        return self.store.jobs.submit(order, deadline=self.store.jobs.deadline()).job_id

    def claim(
        self, slot: str = "w/0", queue: str = SPEAK, *, most: int = 64, seconds: float = 2.0, rate: float = 0.01, token: str = ""
    ) -> Batch:
        batch = self.store.claims.claim(queue, slot, token=token, most=most, seconds=seconds, rate=rate)
        assert isinstance(batch, Batch), batch
        return batch

    def refused(self, slot: str = "w/0", queue: str = SPEAK, token: str = "") -> Refusal:
        answer = self.store.claims.claim(queue, slot, token=token, most=64, seconds=2.0, rate=0.01)
        assert isinstance(answer, Refusal), answer
        return answer

    def speak(self, batch: Batch) -> tuple[str, ...]:
        """Start and record a whole batch; returns the jobs that are complete with it."""
        held = self.store.claims.start(batch.claim, batch.items)
        spoken = [Spoken(item=item, audio_seconds=1.0, synthesis_seconds=0.02) for item in held]
        return self.store.claims.record(batch.claim, spoken).complete

    def assemble(self, job_id: str, slot: str = "w/0") -> bool:
        batch = self.claim(slot, ASSEMBLE)
        assert batch.items == (Item(job_id, ASSEMBLE),)
        return self.store.claims.finish(batch.claim, job_id, RESULT)

    def plan(self, lengths: list[float], slot: str = "w/0") -> str:
        """Claim the one plan that waits and make it current."""
        batch = self.claim(slot, PLAN)
        job_id = batch.items[0].job_id
        assert self.store.claims.plan(batch.claim, job_id, a_plan(lengths), "plans/x.json")
        return job_id

    def item(self, item: Item) -> dict[str, Any] | None:
        """What the store knows of an item of a job that has not ended."""
        raw = self.store.database.client.hget(self.store.database.keys.items(item.job_id), item.name)
        names = ("bucket", "estimate", "state", "claim", "losses", "spoken", "takes")
        return {"takes": 0} | dict(zip(names, json.loads(raw), strict=False)) if raw else None

    def spoil(self, batch: Batch, *, final: bool = False) -> None:
        """Say of a whole batch that no speech came of it."""
        held = self.store.claims.start(batch.claim, batch.items)
        self.store.claims.spoil(batch.claim, [Spoilt(item=item, text=f"Text {item.name}.", reason="silence", final=final) for item in held])

    def state(self, job_id: str) -> str:
        return self.store.jobs.get(job_id, None).state.value


def segment(seconds: float = 2.0, index: int = 0, engine: str = "") -> Segment:
    """`engine`: of the second voice, or "" for that of the first."""
    return Segment(index=index, text="text", address="a" * 64, audio_seconds=seconds, engine=engine, voice="hummer" if engine else "")


def a_plan(lengths: list[float], *, engines: bool = False, chapter: int = 0) -> Plan:
    """`engines`: every other segment is for the second one; `chapter`: segments in each chapter, 0: there are none."""
    segments = [segment(seconds, index, OTHER if engines and index % 2 else "") for index, seconds in enumerate(lengths)]
    firsts = range(0, len(lengths), chapter) if chapter else ()
    chapters = (
        PlannedChapter(number=number, title=f"Chapter {number}", first=first, count=min(chapter, len(lengths) - first))
        for number, first in enumerate(firsts, 1)
    )
    return Plan(segments=tuple(segments), chapters=tuple(chapters))


def an_order(*, seconds: float = 2.0, long: bool = False, engines: bool = False, **changes: object) -> Order:
    facts: dict[str, object] = {
        "id": new_job_id(),
        "voice": "sine",
        "fingerprint": "f" * 64,
        "engine": ENGINE,
        "characters": 30,
        "estimate": 1.5 * seconds if long else seconds,  # of a document it is a guess
        "segment": None if long else segment(seconds, engine=OTHER if engines else ""),
        "voices": SECOND if engines else {},
        "document": "documents/x.txt" if long else None,
    }
    return Order(**(facts | changes))  # type: ignore[arg-type]


def forget(store: Store) -> None:
    client = store.database.client
    names = list(client.scan_iter(f"{store.database.keys.prefix}*", count=1000))
    if names:
        client.unlink(*names)


def ended_job(store: Store, job_id: str) -> bool:
    state = store.database.client.hget(store.database.keys.job(job_id), "state")
    return state is None or state in TERMINAL


def audit(store: Store) -> None:
    """Every invariant that can be read off the keys at any moment."""
    client, keys = store.database.client, store.database.keys
    names = {name.removeprefix(keys.prefix) for name in client.scan_iter(f"{keys.prefix}*", count=1000)}
    linked: dict[str, list[int]] = {}
    unspoken: Counter[str] = Counter()
    jobs: dict[str, set[str]] = {}
    for name in names:
        if name.startswith("job:"):
            _, job_id, *rest = name.split(":", 2)
            jobs.setdefault(job_id, set()).update(rest)
    for job_id, parts in jobs.items():
        record = client.hgetall(keys.job(job_id))
        assert record, f"keys of a job without a record: {parts}"
        if record["state"] in TERMINAL:
            assert int(record["waiting_ms"]) == 0, "an ended job is counted as waiting"
            assert not parts, f"an ended job keeps {parts}"
            assert client.pttl(keys.job(job_id)) > 0, "an ended job never expires"
            assert "finished" in record
            continue
        assert client.pttl(keys.job(job_id)) == -1, "an unfinished job expires"
        items = {name: json.loads(raw) for name, raw in client.hgetall(keys.items(job_id)).items()}
        if PLAN not in items and record["total"] != "0":
            unsaid = {name: item for name, item in items.items() if name != ASSEMBLE and item[2] not in "dx"}
            assert int(record["waiting_ms"]) == sum(item[1] for item in unsaid.values()), f"{job_id} has another length than is counted"
            for queue in SPEAKING if record.get("engines") and record.get("plan") else ():
                left = sum(item[1] for item in unsaid.values() if queue == speak(item[7] or ENGINE))
                assert int(record[f"left_ms:{queue}"]) == left, f"{job_id} has another length in {queue} than is counted"
        unspoken.update({record["owner"]: int(record["waiting_ms"]), ALL: int(record["waiting_ms"])})
        for queue in QUEUES:
            for place in (*BUCKETS, SOLO):
                if f"ready:{queue}:{place}" not in parts:
                    continue
                waiting = client.lrange(keys.ready(job_id, queue, place), 0, -1)
                in_ring = client.zscore(keys.ring(queue, record["lane"], record["owner"], place), job_id) is not None
                if PLAN in items and queue in SPEAKING:
                    assert not in_ring, "a plan that is not current is linked"
                    continue
                assert in_ring, f"{job_id} has ready items in {queue} {place} and no place in the ring"
                assert client.zscore(keys.owners(queue, record["lane"]), record["owner"]) is not None
                for item in waiting:
                    assert items[item][2] == "r", f"item {item} waits in state {items[item]}"
                    linked.setdefault(queue, []).append(items[item][1])
        audit_chapters(record, items, client.hgetall(keys.chapters(job_id)))
        left_out = {name for name, (_, _, state, *_) in items.items() if state == "x"}
        assert left_out == set(client.hkeys(keys.missing(job_id))), "who is left out is not who is named"
        assert len(left_out) == int(record.get("missing", 0))
        for item, (_, _, state, claim, losses, _, *rest) in items.items():
            assert losses < 3 or state == "x"
            assert sum(rest[:1]) < 3 or state == "x"
            if state in "cs":
                assert client.sismember(f"{keys.claim(claim)}:items", f"{job_id} {item}"), (
                    f"item {item} is held by claim {claim}, which does not know it"
                )
                assert client.zscore(keys.claims(), claim) is not None, f"claim {claim} has no lease"
    counted = {owner: int(ms) for owner, ms in client.hgetall(keys.waiting()).items()}
    assert counted == +unspoken, "the audio that waits is miscounted"
    for queue in {name.removeprefix("backlog:") for name in names if name.startswith("backlog:")}:
        items_ready, ms_ready = client.hmget(keys.backlog(queue), "items", "ms")
        waiting_ms = linked.get(queue, [])
        assert (int(items_ready or 0), int(ms_ready or 0)) == (len(waiting_ms), sum(waiting_ms)), f"the backlog of {queue} is miscounted"
    audit_outbox(store, names)
    for name in names:
        if name.startswith("claim:") and not name.endswith(":items"):
            assert client.zscore(keys.claims(), name.removeprefix("claim:")) is not None, f"{name} is leaked"
            assert client.exists(f"{keys.prefix}{name}:items"), f"{name} holds nothing"


def audit_chapters(record: dict[str, str], items: dict[str, list[Any]], chapters: dict[str, str]) -> None:
    """What is counted of chapters is what the items say."""
    total = int(record.get("chapters", 0))
    assert len(chapters) == 2 * total
    unsaid = Counter(item[8] for name, item in items.items() if name not in (PLAN, ASSEMBLE) and item[2] not in "dx" and len(item) > 8)
    left = {number: int(chapters[f"left:{number}"]) for number in range(total)}
    assert left == {number: unsaid[number] for number in range(total)}
    if total:
        assert int(record["chapters_done"]) == sum(count == 0 for count in left.values())
        assert int(record["chapter"]) == next((number for number, count in left.items() if count), total)


def audit_outbox(store: Store, names: set[str]) -> None:
    """The invariants of webhooks: a pending delivery is in exactly one place, any other in none, and everything expires."""
    client, keys = store.database.client, store.database.keys
    kept = {entry.split(" ")[0]: entry.split(" ") for entry in client.zrange(keys.kept(), 0, -1)}
    placed: dict[str, list[str]] = {}
    for name in names:
        if name.startswith(("due:", "flying:")):
            place, endpoint = name.split(":")
            for delivery_id in client.zrange(f"{keys.prefix}{name}", 0, -1):
                placed.setdefault(delivery_id, []).append(place)
                assert delivery_id not in kept or kept[delivery_id][2] == endpoint
            lanes = [pace for pace in Pace if client.zscore(keys.lane(pace), endpoint) is not None]
            assert lanes == [client.hget(keys.endpoint(endpoint), "pace") or Pace.NEW], f"who will look at {name}?"
    for endpoint, first in [entry for pace in Pace for entry in client.zrange(keys.lane(pace), 0, -1, withscores=True)]:
        turn = int(client.hget(keys.endpoint(endpoint), "turn") or 0)
        waiting = [max(score, turn) for _, score in client.zrange(keys.due(endpoint), 0, 0, withscores=True)]
        flying = [score for _, score in client.zrange(keys.flying(endpoint), 0, -1, withscores=True)]
        assert first in (*waiting, *flying), f"{endpoint} is looked at when it has nothing to do"
        assert len(flying) <= ENDPOINT_CONCURRENCY
    for name in names:
        if not name.startswith("delivery:"):
            continue
        delivery_id = name.removeprefix("delivery:")
        record = client.hgetall(keys.delivery(delivery_id))
        assert client.pttl(keys.delivery(delivery_id)) > 0, f"{name} never expires"
        assert client.pttl(keys.endpoint(record["endpoint"])) > 0, f"{name} has lost its endpoint, or that never expires"
        assert delivery_id in kept, f"{name} will not be taken out of the lists"
        wanted = ["flying" if "claim" in record else "due"] if record["state"] == "pending" else []
        assert placed.get(delivery_id, []) == wanted, f"{name} is {record['state']} and in {placed.get(delivery_id)}"
        assert ("reason" in record) == (record["state"] == "dead")
        assert sum(field.startswith("attempt:") for field in record) == min(int(record.get("attempts", 0)), KEPT_ATTEMPTS)
        listed = [state for state in LISTS if client.zscore(keys.deliveries(record["owner"], state), delivery_id) is not None]
        assert listed == ["all", record["state"]], f"{name} is listed under {listed}"
