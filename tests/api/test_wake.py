"""Wake-ups through a real broker: what is sent, what is dropped, and what happens while the broker is away."""

from __future__ import annotations

import json
import queue
import time

import pytest
import redis

from api.wake import Wakeups
from loa.settings import Settings
from loa.wakeups import expiry, task_name
from tests.api.stage import SPEAK
from tests.waiting import wait_until


def messages(url: str, name: str = SPEAK) -> list[dict[str, object]]:
    with redis.Redis.from_url(url) as client:
        return [json.loads(message)["headers"] for message in client.lrange(name, 0, -1)]


def test_a_queue_names_its_task() -> None:
    assert [task_name(name) for name in ("speak.vits", "speak.sine", "plan", "assemble")] == [
        "loa.speak",
        "loa.speak",
        "loa.plan",
        "loa.assemble",
    ]


def test_a_message_outlives_its_token_and_a_clock_that_is_a_minute_off(settings: Settings) -> None:
    assert expiry(settings) >= max(10 * settings.token, 60)


def test_a_wakeup_arrives_as_a_message_for_its_task(settings: Settings, redis_url: str) -> None:
    wakeups = Wakeups(settings)
    wakeups.start()
    wakeups(SPEAK, "41")
    wakeups("plan", "42")
    wakeups.stop()
    (spoken,), (planned,) = messages(redis_url), messages(redis_url, "plan")
    assert (spoken["task"], spoken["argsrepr"]) == ("loa.speak", "['41']")
    assert (planned["task"], planned["argsrepr"]) == ("loa.plan", "['42']")
    assert spoken["expires"]
    assert spoken["ignore_result"] is True


def test_what_waited_longer_than_its_token_lives_is_not_sent(settings: Settings, redis_url: str) -> None:
    wakeups = Wakeups(settings)
    wakeups._waiting.put((SPEAK, "old", time.monotonic() - settings.token - 1))
    wakeups(SPEAK, "new")
    wakeups.start()
    wakeups.stop()
    assert [message["argsrepr"] for message in messages(redis_url)] == ["['new']"]


def test_a_broker_that_is_away_is_logged_once_and_used_again_when_it_is_back(
    settings: Settings, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    wakeups = Wakeups(settings)
    wakeups.start()
    with redis.Redis.from_url(redis_url) as client:
        client.set(SPEAK, "not a list: every push fails")
        for token in ("1", "2", "3"):
            wakeups(SPEAK, token)
        wait_until(wakeups._waiting.empty)
        wakeups("plan", "4")
        wait_until(lambda: messages(redis_url, "plan"))
        client.delete(SPEAK)
        wakeups(SPEAK, "5")
        wakeups.stop()
    assert [message["argsrepr"] for message in messages(redis_url)] == ["['5']"]
    assert caplog.text.count("wake-ups cannot be sent") == 1


def test_the_waiting_line_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.wake.MOST_WAITING", 2)
    wakeups = Wakeups(settings)
    wakeups(SPEAK, "1")
    wakeups(SPEAK, "2")
    with pytest.raises(queue.Full):
        wakeups(SPEAK, "3")
