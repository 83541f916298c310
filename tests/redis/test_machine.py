"""The store under a hypothesis state machine, on a real server.

Any number of workers act in any order: they claim, start, write files, record, finish, fail, hand back, drain, die between any two of these
steps, or come back late after their lease has ended. Messages are lost, doubled and delayed, two processes reconcile, Redis is killed and
starts again from its append-only file. After every step the keys are audited; at the end one healthy worker, which does nothing unless a
wake-up reaches it, must bring every accepted job to its end.
"""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from loa.broker import Broker
from loa.errors import IdempotencyConflict, LimitExceeded, Overloaded, SynthesisFailed
from loa.plan import Plan
from loa.settings import Settings
from loa.states import TERMINAL
from loa.store import Batch, Idempotency, Item, Refusal, Spoilt, Spoken, Store
from tests.leaks import leaks, pass_time, tick
from tests.redis.ledger import ASSEMBLE, OTHER, PLAN, QUEUES, SPEAK, SPEAKING, Bench, a_plan, an_order, audit, forget

SLOTS = ("a/0", "a/1", "b/0")
RESENT = frozenset(
    {"claim", "start", "plan_insert", "planned", "hand_back", "missing", "spoil", "fail", "idle", "lost"}
)  # what workers send; see `twice`
LENGTHS = (1.0, 2.0, 5.0, 8.0, 20.0)


@dataclass
class Hold:
    """A claim in the hands of a process that may be healthy, slow, or long superseded."""

    slot: str
    queue: str
    batch: Batch
    started: set[Item] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)  # job → path of the audio that was written under this claim

    @property
    def claim(self) -> str:
        return self.batch.claim


class StoreMachine(RuleBasedStateMachine):
    broker: Broker

    @initialize()
    def begin(self) -> None:
        client = redis.Redis.from_url(self.broker.url, decode_responses=True, retry=Retry(ConstantBackoff(0.02), 200))
        self.messages: list[tuple[str, str]] = []
        self.bench = Bench(
            Store(
                client,
                Settings.load({}, redis_url=self.broker.url, backlog=100.0, backlog_key=80.0),
                wake=lambda queue, token: self.messages.append((queue, token)),
                prefix="machine:",
            ),
            self.messages,
        )
        self.store = self.bench.store
        self.lose_answers()
        forget(self.store)
        self.holds: list[Hold] = []
        self.holder: dict[Item, str] = {}  # the claim that was the last to get the item
        self.jobs: list[str] = []
        self.keyed: dict[str, tuple[str, str]] = {}
        self.ended: dict[str, tuple[str, str]] = {}  # job → its terminal state and result, which never change again
        self.finished: Counter[str] = Counter()
        self.recorded: Counter[Item] = Counter()
        self.returned: Counter[Item] = Counter()
        self.left_out: set[Item] = set()
        self.files: dict[str, bytes] = {}
        self.published: set[tuple[str, str]] = set()  # jobs that ended with their record, and the claim that did it
        self.hot: set[str] = set()
        self.announced: set[str] = set()  # processes that said they are hot: a beat after a silence makes them so again
        tick(self.store)
        for slot in SLOTS:
            self.turn_hot(slot)
        for long in (False, True, False):
            self.jobs.append(self.bench.submit(long=long, engines=long, allow_partial=long))

    def lose_answers(self) -> None:
        """From now on `self.lost` answers to scripts of workers never arrive: their calls are made again."""
        self.lost = 0
        run = self.store.database._scripts.run

        def run_until_answered(script: str, *arguments: str | float) -> Any:
            while self.lost and script in RESENT:
                self.lost -= 1
                run(script, *arguments)
            return run(script, *arguments)

        self.store.database._scripts.run = run_until_answered  # type: ignore[method-assign]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.lost = 0
            self.bring_everything_to_its_end()
            forget(self.store)
            self.store.database.client.close()

    # --- clients

    @rule(
        lane=st.sampled_from(["interactive", "bulk"]),
        owner=st.sampled_from(["default", "ann"]),
        seconds=st.sampled_from(LENGTHS),
        long=st.booleans(),
        allow_partial=st.booleans(),
        engines=st.booleans(),
    )
    def submit(self, **changes: object) -> None:
        with suppress(LimitExceeded, Overloaded):
            self.jobs.append(self.bench.submit(**changes))

    @rule(key=st.sampled_from("xy"), request=st.sampled_from("pq"))
    def submit_with_key(self, key: str, request: str) -> None:
        idempotency = Idempotency(key_hash=key, request_hash=request)
        try:
            submitted = self.store.jobs.submit(an_order(), deadline=self.store.jobs.deadline(), idempotency=idempotency)
        except IdempotencyConflict:
            assert self.keyed[key][0] != request
            return
        except (LimitExceeded, Overloaded):
            assert key not in self.keyed, "a repetition is never refused by a limit"
            return
        if submitted.created:
            assert key not in self.keyed
            self.keyed[key] = (request, submitted.job_id)
            self.jobs.append(submitted.job_id)
        assert self.keyed[key] == (request, submitted.job_id)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self.jobs))
        owner = self.store.jobs.get(job_id, None).owner
        assert self.store.jobs.cancel(job_id, owner).ended

    # --- messages

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), fate=st.sampled_from(["deliver", "double", "lose"]), slot=st.sampled_from(SLOTS))
    def message(self, data: st.DataObject, fate: str, slot: str) -> None:
        index = data.draw(st.integers(0, len(self.messages) - 1))
        queue, token = self.messages[index] if fate == "double" else self.messages.pop(index)
        if fate != "lose":
            self.claim(slot, queue, token)

    @rule(slot=st.sampled_from(SLOTS), queue=st.sampled_from(QUEUES))
    def claim_again(self, slot: str, queue: str) -> None:
        self.claim(slot, queue, "")

    def claim(self, slot: str, queue: str, token: str, most: int = 4) -> Hold | None:
        answer = self.store.claims.claim(queue, slot, token=token, most=most if queue in SPEAKING else 1, seconds=0.1, rate=0.01)
        if isinstance(answer, Refusal):
            assert slot in self.hot or answer is not Refusal.EMPTY, "a cold slot learns that it is cold"
            return None
        assert slot in self.hot, "only hot slots get work"
        hold = Hold(slot, queue, answer)
        self.take(hold)
        return hold

    def take(self, hold: Hold) -> None:
        if hold.batch.started:
            hold.started |= set(hold.batch.items)
        for item in hold.batch.items:
            self.holder[item] = hold.claim
        self.holds.append(hold)

    # --- workers

    @rule(slot=st.sampled_from(SLOTS))
    def turn_hot(self, slot: str) -> None:
        if not self.store.slots.beat(slot).draining:
            self.bench.hot(slot)
            self.hot.add(slot)
            self.announced.add(slot)

    @rule(worker=st.sampled_from("ab"))
    def drain(self, worker: str) -> None:
        self.store.slots.drain(worker)
        self.leave(worker)

    @rule(worker=st.sampled_from("ab"))
    def retire(self, worker: str) -> None:
        self.store.slots.retire(worker, 2)
        self.leave(worker)

    def leave(self, worker: str) -> None:
        gone = {slot for slot in SLOTS if slot.startswith(worker)}
        self.hot -= gone
        self.announced -= gone

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), noticed=st.booleans())
    def die(self, data: st.DataObject, noticed: bool) -> None:
        """A process is gone, between any two of its steps; its parent may have noticed."""
        slot = data.draw(st.sampled_from(self.holds)).slot
        self.holds = [hold for hold in self.holds if hold.slot != slot]
        if noticed:
            self.store.slots.lost(slot)
            self.hot.discard(slot)
            self.announced.discard(slot)

    def in_order(self, items: set[Item]) -> list[Item]:
        """By when their jobs were submitted: ids are drawn anew in every run, and a run must be repeatable."""
        return sorted(items, key=lambda item: (self.jobs.index(item.job_id), item.name))

    def pick(self, data: st.DataObject, *queues: str) -> Hold:
        return data.draw(st.sampled_from([hold for hold in self.holds if hold.queue in queues]))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.start_hold(data.draw(st.sampled_from(self.holds)))

    def start_hold(self, hold: Hold) -> None:
        held = self.store.claims.start(hold.claim, hold.batch.items)
        assert all(self.holder[item] == hold.claim for item in held), "a superseded claim starts nothing"
        hold.started |= set(held)

    @precondition(lambda self: any(hold.queue in SPEAKING for hold in self.holds))
    @rule(data=st.data(), some=st.booleans(), made=st.booleans(), twice=st.booleans())
    def record(self, data: st.DataObject, some: bool, made: bool, twice: bool) -> None:
        hold = self.pick(data, *SPEAKING)
        items = self.in_order(hold.started)
        self.record_items(hold, items[:1] if some else items, made=made, twice=twice)

    def record_items(self, hold: Hold, items: list[Item], *, made: bool, twice: bool = False) -> None:
        """Record segments; `made`: jobs of one segment bring their audio along; `twice`: the answer to the first call was lost."""
        spoken = []
        for item in items:
            result = None
            if made and self.store.jobs.get(item.job_id, None).segments_total == 1:
                self.write(hold, item.job_id)
                result = self.result(hold, item.job_id)
            spoken.append(Spoken(item=item, audio_seconds=1.0, synthesis_seconds=0.01, result=result))
        answer = self.store.claims.record(hold.claim, spoken)
        if twice:
            again = self.store.claims.record(hold.claim, spoken)
            for one, first, second in zip(spoken, answer.accepted, again.accepted, strict=True):
                assert first == second or one.result is None, "a published result stays published"
        for one, accepted in zip(spoken, answer.accepted, strict=True):
            assert not accepted or self.holder[one.item] == hold.claim, "no segment is recorded by a superseded claim"
            ended_here = (one.item.job_id, hold.claim)
            if accepted and ended_here in self.published:
                continue  # this claim has ended the job before: it is told the same again
            if accepted and one.result is not None:
                self.published.add(ended_here)
                self.finished[one.item.job_id] += 1
            assert not (accepted and one.item in self.left_out), "what is left out is not spoken any more"
            self.recorded[one.item] += accepted
            assert self.recorded[one.item] <= 1 + self.returned[one.item], "no segment is recorded twice"

    @precondition(lambda self: any(hold.queue in SPEAKING and hold.started for hold in self.holds))
    @rule(data=st.data(), some=st.booleans(), final=st.booleans())
    def spoil(self, data: st.DataObject, some: bool, final: bool) -> None:
        """What the device made of segments is no speech."""
        hold = data.draw(st.sampled_from([hold for hold in self.holds if hold.queue in SPEAKING and hold.started]))
        items = self.in_order(hold.started)[: 1 if some else None]
        ours = [item for item in items if self.holder[item] == hold.claim]
        before = {item: self.takes(item) for item in items}
        self.store.claims.spoil(hold.claim, [Spoilt(item=item, text="text", reason="silence", final=final) for item in items])
        hold.started -= set(items)
        for item in items:
            takes = self.takes(item)
            assert takes is None or before[item] is None or takes - before[item] <= (item in ours), "a superseded claim spoils nothing"
            if takes is not None and self.bench.item(item)["state"] == "x":
                self.left_out.add(item)

    def takes(self, item: Item) -> int | None:
        """Bad takes of a segment; None: its job has ended."""
        record = self.bench.item(item)
        return record["takes"] if record else None

    @precondition(lambda self: any(hold.queue == PLAN for hold in self.holds))
    @rule(data=st.data(), count=st.integers(1, 9), whole=st.booleans(), chapter=st.integers(0, 3))
    def plan(self, data: st.DataObject, count: int, whole: bool, chapter: int) -> None:
        hold = self.pick(data, PLAN)
        item = hold.batch.items[0]
        lengths = [LENGTHS[index % len(LENGTHS)] for index in range(count)]
        if whole:
            done = self.store.claims.plan(hold.claim, item.job_id, self.planned(item.job_id, lengths, chapter), f"plans/{hold.claim}")
            assert not done or self.holder[item] == hold.claim
        else:
            self.insert_some(hold, count)

    def planned(self, job_id: str, lengths: list[float], chapter: int = 2) -> Plan:
        return a_plan(lengths, engines=bool(self.store.jobs.get(job_id, None).voices), chapter=chapter)

    def insert_some(self, hold: Hold, count: int) -> None:
        """A planner that is in the middle of its work."""
        job_id = hold.batch.items[0].job_id
        engines = ("", OTHER if self.store.jobs.get(job_id, None).voices else "")
        parts = [part for index in range(count) for part in ("1", 2000, engines[index % 2], 0)]
        self.store.database.run("plan_insert", hold.claim, job_id, 0, *parts)

    @precondition(lambda self: any(hold.queue == ASSEMBLE for hold in self.holds))
    @rule(data=st.data())
    def write_audio(self, data: st.DataObject) -> None:
        hold = self.pick(data, ASSEMBLE)
        self.write(hold, hold.batch.items[0].job_id)

    def write(self, hold: Hold, job_id: str) -> None:
        path = f"jobs/{job_id}/{hold.claim}/audio.wav"
        self.files.setdefault(path, f"{job_id} {hold.claim} {len(self.files)}".encode())  # what is written never changes
        hold.written[job_id] = path

    @precondition(lambda self: any(hold.queue == ASSEMBLE and hold.written for hold in self.holds))
    @rule(data=st.data(), twice=st.booleans())
    def finish(self, data: st.DataObject, twice: bool) -> None:
        hold = data.draw(st.sampled_from([hold for hold in self.holds if hold.queue == ASSEMBLE and hold.written]))
        for _ in range(1 + twice):  # the answer to the first call was lost
            done = self.publish(hold, hold.batch.items[0].job_id)
        self.finished[hold.batch.items[0].job_id] += done
        self.holds.remove(hold)

    def publish(self, hold: Hold, job_id: str) -> bool:
        path = hold.written[job_id]
        result = {
            "path": path,
            "sha256": hashlib.sha256(self.files[path]).hexdigest(),
            "duration_seconds": 1.0,
            "sample_rate": 1,
            "bytes": 1,
        }
        done = self.store.claims.finish(hold.claim, job_id, result)
        assert not done or self.holder[Item(job_id, ASSEMBLE)] == hold.claim
        return done

    def result(self, hold: Hold, job_id: str) -> dict[str, object]:
        path = hold.written[job_id]
        return {"path": path, "sha256": hashlib.sha256(self.files[path]).hexdigest(), "duration_seconds": 1.0, "sample_rate": 1, "bytes": 1}

    @precondition(lambda self: any(hold.queue == ASSEMBLE for hold in self.holds))
    @rule(data=st.data())
    def missing(self, data: st.DataObject) -> None:
        hold = self.pick(data, ASSEMBLE)
        job_id = hold.batch.items[0].job_id
        before = self.store.jobs.get(job_id, None)
        self.store.claims.missing(hold.claim, job_id, [0])
        after = self.store.jobs.get(job_id, None)
        if after.segments_done < before.segments_done:
            self.returned[Item(job_id, "0")] += 1

    @precondition(lambda self: any(hold.started for hold in self.holds))
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from([hold for hold in self.holds if hold.started]))
        item = data.draw(st.sampled_from(self.in_order(hold.started)))
        assert not self.store.claims.fail(hold.claim, item, SynthesisFailed("broken")) or self.holder[item] == hold.claim

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def work_on(self, data: st.DataObject) -> None:
        """A process does the next of its steps."""
        hold = data.draw(st.sampled_from(self.holds))
        if hold.started or hold.written:
            self.go_on(hold)
        else:
            self.start_hold(hold)

    def go_on(self, hold: Hold) -> None:
        item = hold.batch.items[0]
        if hold.queue in SPEAKING:
            self.record_items(hold, self.in_order(hold.started), made=True)
        elif hold.queue == PLAN:
            done = self.store.claims.plan(hold.claim, item.job_id, self.planned(item.job_id, [2.0, 9.0, 2.0]), f"plans/{hold.claim}")
            assert not done or self.holder[item] == hold.claim
        elif hold.written:
            self.finished[item.job_id] += self.publish(hold, item.job_id)
            self.holds.remove(hold)
        else:
            self.write(hold, item.job_id)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self.holds))
        self.store.claims.hand_back(hold.claim, hold.batch.items)
        self.holds.remove(hold)

    @rule(slot=st.sampled_from(SLOTS))
    def end_task(self, slot: str) -> None:
        self.store.claims.idle(slot, SPEAK)

    # --- time

    @rule(seconds=st.sampled_from([1.0, 4.0, 11.0, 40.0]), beating=st.sets(st.sampled_from(SLOTS)))
    def time_passes(self, seconds: float, beating: set[str]) -> None:
        while seconds > 0:
            step = min(3.0, seconds)
            pass_time(self.store, step)
            seconds -= step
            for slot in beating:
                self.store.slots.beat(slot, [hold.claim for hold in self.holds if hold.slot == slot])
            tick(self.store)
        self.hot |= beating & self.announced
        now = self.store.database.client.time()[0] * 1000
        for slot in tuple(self.hot):
            if (self.store.database.client.zscore(self.store.database.keys.hot(SPEAK), slot) or 0) <= now + 2000:
                self.hot.discard(slot)
                self.store.database.client.zrem(self.store.database.keys.hot(SPEAK), slot)
                for queue in QUEUES:
                    self.store.database.client.zrem(self.store.database.keys.hot(queue), slot)

    @precondition(lambda self: any(hold.started for hold in self.holds))
    @rule(data=st.data(), slot=st.sampled_from(SLOTS))
    def fall_behind(self, data: st.DataObject, slot: str) -> None:
        """A process is too slow for its lease, and another gets its work; what it does afterwards comes too late."""
        late = data.draw(st.sampled_from([hold for hold in self.holds if hold.started]))
        if late.queue == PLAN:
            self.insert_some(late, 3)
        self.time_passes(11.0, set(SLOTS) - {late.slot})
        self.turn_hot(slot)
        while (hold := self.claim(slot, late.queue, "")) is not None:
            self.start_hold(hold)
            if set(hold.batch.items) & late.started:
                break
        self.go_on(late)

    @rule(lost=st.integers(1, 3))
    def the_next_answers_are_lost(self, lost: int) -> None:
        self.lost = lost

    @rule()
    def another_reconciler(self) -> None:
        self.store.slots.reconcile()

    @rule()
    def redis_dies(self) -> None:
        assert self.broker.pid is not None
        os.kill(self.broker.pid, signal.SIGKILL)
        self.broker.stop()
        self.broker.start()

    # --- what must hold

    @invariant()
    def keys_are_in_order(self) -> None:
        if not hasattr(self, "store"):
            return
        audit(self.store)
        for job_id in self.jobs:
            job = self.store.jobs.get(job_id, None)
            if job.state in TERMINAL:
                end = (job.state.value, str(job.result))
                assert self.ended.setdefault(job_id, end) == end, "a terminal state is final"

    def bring_everything_to_its_end(self) -> None:
        """One healthy worker that only listens to wake-ups; everybody else is gone."""
        self.holds.clear()
        for worker in "abc":
            self.store.slots.retire(worker, 2)
        self.hot = {"c/0"}
        self.bench.hot("c/0")
        idle_ticks = 0
        while any(self.store.jobs.get(job_id, None).state not in TERMINAL for job_id in self.jobs):
            if self.messages:
                queue, token = self.messages.pop(0)
                while (hold := self.claim("c/0", queue, token, most=8)) is not None:
                    self.work(hold)
                    idle_ticks, token = 0, ""
            else:
                pass_time(self.store, 1.1)
                self.store.slots.beat("c/0")
                tick(self.store)
                idle_ticks += 1
                assert idle_ticks < 60, "work waits for ever without a wake-up"
        for job_id in self.jobs:
            job = self.store.jobs.get(job_id, None)
            if job.result is not None:
                assert hashlib.sha256(self.files[job.result["path"]]).hexdigest() == job.result["sha256"]
                assert self.finished[job_id] == 1, "a job is assembled once"
            else:
                assert self.finished[job_id] == 0
        self.store.slots.retire("c", 1)
        pass_time(self.store, 40 * 86400)
        for job_id in self.jobs:  # the server does this by itself once the time has really passed
            self.store.database.client.delete(self.store.database.keys.job(job_id))
        tick(self.store)
        assert leaks(self.store) == {}

    def work(self, hold: Hold) -> None:
        item = hold.batch.items[0]
        held = self.store.claims.start(hold.claim, hold.batch.items)
        if hold.queue == PLAN:
            self.store.claims.plan(hold.claim, item.job_id, self.planned(item.job_id, [2.0, 9.0]), f"plans/{hold.claim}")
        elif hold.queue in SPEAKING:
            self.record_items(hold, held, made=len(self.jobs) % 2 == 0)
        else:
            self.write(hold, item.job_id)
            self.finished[item.job_id] += self.publish(hold, item.job_id)


def test_the_store_in_any_order() -> None:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        StoreMachine.broker = broker
        StoreMachine.TestCase.settings = settings(
            max_examples=int(os.environ.get("STORE_EXAMPLES", "40")),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        StoreMachine.TestCase("runTest").runTest()
