"""Holding answers until a job has ended: one subscriber thread per process hears of every end and wakes the requests that wait for it.

What it hears is only a hint (see loa/subscription.py): every waiter looks at the job when it sits down, when it is woken, when the
subscription was renewed, and every RECHECK seconds.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

import redis

from loa.errors import StoreUnavailable
from loa.jobs import Job
from loa.subscription import Subscription

RECHECK = 2.5  # seconds; also how soon a client that hung up gives its seat back
REMEMBERED = 10_000  # ends that were heard of: far more than there can be between a job's acceptance and its client's taking a seat


class Waiters:
    """The seats for waiting requests, and the thread that wakes them."""

    def __init__(self, client: redis.Redis, channel: str, *, seats: int) -> None:
        """`client` is for this alone; its socket timeout must be short. `seats`: requests that may wait at once."""
        self._seats = seats
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()  # the last ends that were heard of
        self._taken = 0
        self._closing = threading.Event()
        self._subscription = Subscription(client, channel, heard=self._wake, renewed=self._wake_all, what="jobs")

    def start(self) -> None:
        self._subscription.start()

    def close(self) -> None:
        """Let every waiting request go at once, and later ones not wait at all."""
        self._closing.set()
        self._wake_all()

    def stop(self, seconds: float = 3.0) -> None:
        """`close`, and end the thread."""
        self.close()
        self._subscription.stop(seconds)

    @property
    def subscribed(self) -> bool:
        """Whether ends are being heard of right now."""
        return self._subscription.subscribed

    @property
    def taken(self) -> int:
        """Requests that wait."""
        return self._taken

    def wait(
        self,
        job_id: str,
        seconds: float,
        look: Callable[[], Job],
        gone: Callable[[], bool] = lambda: False,
        known: Job | None = None,
    ) -> Job:
        """The job as soon as it has ended; or as it is after `seconds`, when the client has `gone`, or when the server stops.

        When all seats are taken, the answer comes at once.

        `look` reads the job. Raises what the first look raises; later ones may meet a Redis that is away for a while. `known` is a job that
        was accepted a moment ago: it needs no look before something is heard of it.
        """
        if seconds <= 0:
            return known or look()
        with self._seat(job_id) as woken:
            job = known if known is not None and self._unheard(job_id) else look()  # after sitting down: an end from now on is heard of
            deadline = time.monotonic() + seconds
            while woken is not None and not job.ended and not self._closing.is_set():
                left = deadline - time.monotonic()
                if left <= 0 or gone():
                    break
                woken.wait(min(left, RECHECK))
                woken.clear()
                with contextlib.suppress(StoreUnavailable):
                    job = look()
            return job

    @contextlib.contextmanager
    def _seat(self, job_id: str) -> Iterator[threading.Event | None]:
        woken = threading.Event()
        with self._lock:
            free = self._taken < self._seats
            if free:
                self._taken += 1
                self._waiting.setdefault(job_id, set()).add(woken)
        if not free:
            yield None
            return
        try:
            yield woken
        finally:
            with self._lock:
                self._taken -= 1
                self._waiting[job_id].discard(woken)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]

    def _unheard(self, job_id: str) -> bool:
        """Whether ends are heard of, and none was of this job."""
        with self._lock:
            return self.subscribed and job_id not in self._ended

    def _wake(self, message: str) -> None:
        job_id = json.loads(message)["job"]
        with self._lock:
            self._ended[job_id] = None
            if len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
            for woken in self._waiting.get(job_id, ()):
                woken.set()

    def _wake_all(self) -> None:
        with self._lock:
            for seats in self._waiting.values():
                for woken in seats:
                    woken.set()
