"""The outbox under a hypothesis state machine, on a real server.

Jobs end with webhooks or without; couriers claim, attempt, record, record twice, die between any two of these steps, come back late after
their lease has ended, or leave in order; receivers take, refuse, ask for time or say never again; people replay and test; Redis is killed
and starts again from its append-only file. After every step the keys are audited; at the end every ended job has exactly one delivery for
each endpoint that wanted the event, under one id, and one courier brings everything that still lives to its end.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from loa.broker import Broker
from loa.settings import Settings
from loa.store import Due, Store
from loa.webhooks.deliveries import Delivery
from loa.webhooks.endpoints import EVENTS, TEST_EVENT, Webhook, endpoint_id
from loa.webhooks.states import DeliveryState, Pace
from tests.leaks import leaks, pass_time, tick
from tests.redis.ledger import Bench, audit, forget
from tests.redis.post import GONE, OK, REFUSED, Answer, room

COURIERS = ("a-1", "b-2")
OWNERS = ("default", "ann")
URLS = ("https://one.example/", "https://two.example/", "https://three.example/")
ANSWERS = {
    "ok": OK,
    "refused": REFUSED,
    "gone": GONE,
    "later": Answer(status=503, retry_after=7200.0),
    "nothing": Answer(status=None, seconds=15.0),
    "at last": Answer(seconds=2.0),
}
SCHEDULE = "0 5 300 1800"
DAY = 86400.0

T = TypeVar("T")


@dataclass(frozen=True)
class Hold:
    """A claim in the hands of a process that may be healthy, slow, or long superseded."""

    courier: str
    due: Due


def one_of(data: st.DataObject, things: Sequence[T]) -> T:
    """One of these, drawn in the same way however many there are: ids are random, and with them what a run of the same steps finds."""
    return things[data.draw(st.integers(0, 999)) % len(things)]


class OutboxMachine(RuleBasedStateMachine):
    broker: Broker

    @initialize()
    def begin(self) -> None:
        client = redis.Redis.from_url(self.broker.url, decode_responses=True, retry=Retry(ConstantBackoff(0.02), 200))
        self.store = Store(client, Settings.load({}, redis_url=self.broker.url, webhook_schedule=SCHEDULE), prefix="outbox:")
        self.bench = Bench(self.store)
        forget(self.store)
        tick(self.store)
        self.holds: list[Hold] = []
        self.holder: dict[str, str] = {}  # delivery → the claim that was the last to get it
        self.wanted: dict[tuple[str, str], str] = {}  # (job, endpoint) → owner of the delivery that must be there
        self.running: dict[str, tuple[str, Webhook | None]] = {}  # jobs that have not ended → owner and wish
        self.tests: dict[str, str] = {}  # delivery → owner
        self.standing: tuple[str, ...] = ()
        self.said: dict[str, tuple[str, bytes]] = {}  # delivery → webhook-id and body, which never change
        self.accepted: set[str] = set()  # deliveries that a receiver took, and nobody replayed since

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.bring_everything_to_its_end()
            forget(self.store)
            self.store.database.client.close()

    # --- jobs

    @rule(owner=st.sampled_from(OWNERS), url=st.sampled_from((*URLS, None)), events=st.sets(st.sampled_from(EVENTS), min_size=1))
    def submit(self, owner: str, url: str | None, events: set[str]) -> None:
        webhook = Webhook.of(url, events) if url else None
        self.running[self.bench.submit(owner=owner, webhook=webhook)] = (owner, webhook)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), lost=st.booleans())
    def end_job(self, data: st.DataObject, lost: bool) -> None:
        job_id = one_of(data, list(self.running))
        owner, webhook = self.running[job_id]
        for _ in range(1 + lost):  # the answer to the first call was lost
            state = self.store.jobs.cancel(job_id, owner).state.value
        del self.running[job_id]
        for url in self.standing:
            self.wanted[job_id, endpoint_id("default", url)] = "default"
        if webhook is not None and f"job.{state}" in webhook.events:
            self.wanted[job_id, endpoint_id(owner, webhook.url)] = owner

    @rule(urls=st.sets(st.sampled_from(URLS), max_size=2))
    def set_standing(self, urls: set[str]) -> None:
        self.standing = tuple(sorted(urls))
        self.store.deliveries.set_standing(self.standing)

    # --- couriers

    @rule(courier=st.sampled_from(COURIERS), room=st.fixed_dictionaries(dict.fromkeys(Pace, st.sampled_from([0, 1, 3, 100]))))
    def claim(self, courier: str, room: dict[Pace, int]) -> None:
        due, following = self.store.deliveries.claim(courier, room)
        assert Counter(one.pace for one in due) <= Counter(room)
        assert not due or following is None or following >= 0
        for one in due:
            assert self.said.setdefault(one.id, (one.message, one.body)) == (one.message, one.body)
            self.holder[one.id] = one.claim
            self.holds.append(Hold(courier, one))

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), answer=st.sampled_from(sorted(ANSWERS)), twice=st.booleans())
    def attempt(self, data: st.DataObject, answer: str, twice: bool) -> None:
        hold = one_of(data, self.holds)
        self.record(hold, ANSWERS[answer])
        if twice:
            assert self.store.deliveries.attempted(hold.due, ANSWERS[answer]).state is None, "the same word counts once"

    def record(self, hold: Hold, answer: Answer) -> None:
        self.holds.remove(hold)
        outcome = self.store.deliveries.attempted(hold.due, answer)
        if outcome.state is None:
            return
        assert self.holder[hold.due.id] == hold.due.claim, "a superseded claim records nothing"
        if answer.succeeded:
            assert outcome.state is DeliveryState.DELIVERED
            self.accepted.add(hold.due.id)
        else:
            assert outcome.state is not DeliveryState.DELIVERED
        assert not outcome.disabled or hold.due.event != TEST_EVENT

    @rule(courier=st.sampled_from(COURIERS))
    def die(self, courier: str) -> None:
        self.holds = [hold for hold in self.holds if hold.courier != courier]

    @rule(courier=st.sampled_from(COURIERS))
    def leave(self, courier: str) -> None:
        self.store.deliveries.put_back([hold.due for hold in self.holds if hold.courier == courier])
        self.store.deliveries.leave(courier)
        self.die(courier)

    # --- people

    @rule(url=st.sampled_from(URLS), owner=st.sampled_from(OWNERS))
    def test(self, url: str, owner: str) -> None:
        self.tests[self.store.deliveries.test(url, owner).id] = owner

    def anything(self) -> list[Delivery]:
        return [delivery for owner in OWNERS for delivery in self.store.deliveries.list(owner, limit=100)[0]]

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        if found := self.anything():
            one = one_of(data, found)
            before = self.store.database.client.hexists(self.store.database.keys.delivery(one.id), "claim")
            after = self.store.deliveries.replay(one.id, one.owner)
            assert after.state is DeliveryState.PENDING
            assert before or after.endpoint.disabled_at is None
            self.accepted.discard(one.id)

    # --- time

    @rule(seconds=st.sampled_from([1.0, 26.0, 600.0, DAY, 2.5 * DAY]))
    def time_passes(self, seconds: float) -> None:
        pass_time(self.store, seconds)

    @rule()
    def redis_dies(self) -> None:
        assert self.broker.pid is not None
        os.kill(self.broker.pid, signal.SIGKILL)
        self.broker.stop()
        self.broker.start()

    # --- what must hold

    @invariant()
    def keys_are_in_order(self) -> None:
        if hasattr(self, "store"):
            audit(self.store)

    @invariant()
    def every_end_is_told_to_everybody_who_wants_it_and_to_nobody_else(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.anything()
        told = {(one.job_id, one.endpoint.id): one.owner for one in found if one.event != TEST_EVENT}
        assert told == self.wanted
        assert len(found) == len(self.wanted) + len(self.tests)
        for job_id in {job_id for job_id, _ in self.wanted}:
            assert len({one.message for one in found if one.job_id == job_id}) == 1, "an event has one id"
        for one in found:
            assert one.id not in self.accepted or one.state is DeliveryState.DELIVERED, "what was taken stays so"

    def bring_everything_to_its_end(self) -> None:
        """One healthy courier and receivers that take everything; everybody else is gone."""
        self.holds.clear()
        for _ in range(60):
            due, following = self.store.deliveries.claim("c-3", room(5))
            for one in due:
                assert self.store.deliveries.attempted(one, OK).state is DeliveryState.DELIVERED
            if not due:
                if following is None:
                    break
                pass_time(self.store, following + 0.01)
        found = self.anything()
        for one in found:
            assert one.state is not DeliveryState.PENDING
            assert (one.state is DeliveryState.DEAD) == (one.reason is not None)
        self.forget_all()

    def forget_all(self) -> None:
        """The time of everything is over: no key stays."""
        client, keys = self.store.database.client, self.store.database.keys
        for job_id, (owner, _) in self.running.items():
            self.store.jobs.cancel(job_id, owner)
        self.store.deliveries.leave("c-3")
        pass_time(self.store, 40 * DAY)
        for name in client.scan_iter(f"{keys.prefix}*"):
            if client.pttl(name) > 0:
                client.delete(name)  # the server does this by itself once the time has really passed
        tick(self.store)
        assert leaks(self.store) == {}
        assert self.anything() == []


def test_the_outbox_in_any_order() -> None:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        OutboxMachine.broker = broker
        OutboxMachine.TestCase.settings = settings(
            max_examples=int(os.environ.get("STORE_EXAMPLES", "20")),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        OutboxMachine.TestCase("runTest").runTest()
