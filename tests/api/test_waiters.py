"""Waiting for a job that was accepted a moment ago: nobody asks Redis about it before something is heard."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator

import pytest
import redis

from api.waiters import Waiters
from loa.broker import Broker
from loa.jobs import Job
from loa.states import State
from tests.redis.ledger import an_order
from tests.waiting import wait_until


class Room:
    """Waiters, the channel that they listen to, and a job that has ended since it was accepted."""

    def __init__(self, url: str) -> None:
        self.channel = f"test-{secrets.token_hex(4)}:events"
        self.redis = redis.Redis.from_url(url, decode_responses=True)
        self.waiters = Waiters(redis.Redis.from_url(url, decode_responses=True), self.channel, seats=2)
        order = an_order()
        self.accepted = Job.accepted(order, 1.0)
        self.ended = Job.from_record({**order.fields(), "state": State.CANCELED.value, "created": "1000", "finished": "2000"})
        self.looks = 0

    def look(self) -> Job:
        self.looks += 1
        return self.ended

    def tell(self) -> None:
        self.redis.publish(self.channel, json.dumps({"job": self.accepted.id, "state": "canceled"}))


@pytest.fixture
def room(broker: Broker) -> Iterator[Room]:
    found = Room(broker.url)
    yield found
    found.waiters.stop()
    found.redis.close()


def test_it_is_looked_at_when_its_end_is_heard_of_and_not_before(room: Room) -> None:
    room.waiters.start()
    wait_until(lambda: room.waiters.subscribed)
    answers: list[Job] = []
    thread = threading.Thread(target=lambda: answers.append(room.waiters.wait(room.accepted.id, 60, room.look, known=room.accepted)))
    thread.start()
    wait_until(lambda: room.waiters.taken == 1)
    assert room.looks == 0
    room.tell()
    thread.join(30)
    assert answers == [room.ended]
    assert room.looks == 1


def test_an_end_that_came_before_its_client_sat_down_is_known(room: Room) -> None:
    room.waiters.start()
    wait_until(lambda: room.waiters.subscribed)
    room.tell()
    assert room.waiters.wait(room.accepted.id, 60, room.look, known=room.accepted) == room.ended


def test_while_nothing_is_heard_it_is_looked_at(room: Room) -> None:
    assert not room.waiters.subscribed
    assert room.waiters.wait(room.accepted.id, 60, room.look, known=room.accepted) == room.ended
    assert room.looks == 1


def test_who_does_not_wait_gets_what_was_accepted(room: Room) -> None:
    assert room.waiters.wait(room.accepted.id, 0, room.look, known=room.accepted) == room.accepted
    assert room.looks == 0
