"""How often each key may call: LOA_REQUESTS_PER_MINUTE.

Counted in the process that answers, not in Redis: the limit keeps one client from taking every thread of this process, so no round trip
is spent on it, and it works while Redis is away. Several API processes allow so much each. What a key may cost is limited by audio,
exactly and in Redis (loa/limits.py).

Why not the library `limits`: in memory it starts a thread for nearly every request that it counts, which took 0.9 ms where this takes 2 µs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MINUTE = 60.0  # seconds; also how much of its allowance a key may use at once
MOST = 10_000  # keys that are remembered before those with their whole allowance are forgotten


class Pace:
    """The allowance of a key as the instant when it is whole again: each call puts that off by its share of a minute. Threads share one."""

    def __init__(self, calls_a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`calls_a_minute` 0: there is no limit."""
        self._share = MINUTE / calls_a_minute if calls_a_minute else 0.0
        self._clock = clock
        self._whole: dict[str, float] = {}
        self._lock = threading.Lock()

    def late(self, key_id: str) -> float:
        """0 for a call that may be, which is counted; else the seconds until the next one may be."""
        if not self._share:
            return 0.0
        with self._lock:
            now = self._clock()
            whole = max(now, self._whole.get(key_id, now)) + self._share
            if (over := whole - now - MINUTE) > 1e-6:
                return over
            if len(self._whole) >= MOST:
                self._whole = {name: instant for name, instant in self._whole.items() if instant > now}
            self._whole[key_id] = whole
            return 0.0
