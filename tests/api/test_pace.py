"""Requests a minute, by a clock that the test winds."""

from __future__ import annotations

import threading

import pytest

from api import pace
from api.pace import Pace


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_use_its_minute_at_once_and_gets_it_back_bit_by_bit() -> None:
    clock = Clock()
    limit = Pace(60, clock)
    assert [limit.late("a") for _ in range(60)] == [0.0] * 60
    assert limit.late("a") == pytest.approx(1.0)
    assert limit.late("a") == pytest.approx(1.0), "a refused call costs nothing"
    assert limit.late("b") == 0.0, "each key has its own"
    clock.now += 2.5
    assert [limit.late("a") > 0 for _ in range(3)] == [False, False, True]
    clock.now += 3600
    assert [limit.late("a") > 0 for _ in range(61)] == [False] * 60 + [True], "what was not used is not kept"


def test_0_is_no_limit() -> None:
    limit = Pace(0)
    assert not any(limit.late("a") for _ in range(100_000))


def test_it_remembers_no_more_keys_than_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST", 10)
    clock = Clock()
    limit = Pace(60, clock)
    for number in range(1000):
        assert limit.late(str(number)) == 0.0
        clock.now += 0.5
    assert len(limit._whole) <= 10


def test_threads_together_get_no_more() -> None:
    limit = Pace(100, Clock())
    allowed: list[bool] = []
    threads = [threading.Thread(target=lambda: allowed.extend(limit.late("a") == 0.0 for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(allowed) == 100
