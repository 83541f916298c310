"""Holding answers until a job has ended: one subscriber thread per process hears of every end and wakes the requests that wait for it.

Pub/sub may lose messages (a restart of Redis, a subscriber that was away), so a message is only a hint: every waiter looks at the job
when it sits down, when it is woken, when the subscription was renewed, and every RECHECK seconds.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator

import redis

from loa.errors import StoreUnavailable
from loa.jobs import Job

log = logging.getLogger(__name__)

RECHECK = 2.5  # seconds; also how soon a client that hung up gives its seat back
RECONNECT = 0.2  # seconds between attempts
SILENCE = 5.0  # seconds without a message after which the connection is tried with a PING


class Waiters:
    """The seats for waiting requests, and the thread that wakes them."""

    def __init__(self, client: redis.Redis, channel: str, *, seats: int) -> None:
        """`client` is for this alone; its socket timeout must be short. `seats`: requests that may wait at once."""
        self._client, self._channel, self._seats = client, channel, seats
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = {}
        self._taken = 0
        self._closing = threading.Event()
        self._subscribed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="subscriber", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Let every waiting request go at once, and later ones not wait at all."""
        self._closing.set()
        self._wake_all()

    def stop(self, seconds: float = 3.0) -> None:
        """`close`, and end the thread."""
        self.close()
        if self._thread.is_alive():
            self._thread.join(seconds)

    @property
    def subscribed(self) -> bool:
        """Whether ends are being heard of right now."""
        return self._subscribed.is_set()

    @property
    def taken(self) -> int:
        """Requests that wait."""
        return self._taken

    def wait(self, job_id: str, seconds: float, look: Callable[[], Job], gone: Callable[[], bool] = lambda: False) -> Job:
        """The job as soon as it has ended; or as it is after `seconds`, when the client has `gone`, or when the server stops.

        When all seats are taken, the answer comes at once.

        `look` reads the job. Raises what the first look raises; later ones may meet a Redis that is away for a while.
        """
        if seconds <= 0:
            return look()
        with self._seat(job_id) as woken:
            job = look()  # after sitting down: an end from now on is heard of
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

    def _wake(self, job_id: str) -> None:
        with self._lock:
            for woken in self._waiting.get(job_id, ()):
                woken.set()

    def _wake_all(self) -> None:
        with self._lock:
            for seats in self._waiting.values():
                for woken in seats:
                    woken.set()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=False) as pubsub:
                    self._subscribe(pubsub)
            except redis.RedisError as error:
                if self._subscribed.is_set():
                    log.warning("no news of jobs: %s; waiting requests look by themselves meanwhile", error)
                self._subscribed.clear()
                self._closing.wait(RECONNECT)
        self._subscribed.clear()

    def _subscribe(self, pubsub: redis.client.PubSub) -> None:
        """Hear messages until the connection breaks."""
        pubsub.subscribe(self._channel)
        heard, asked = time.monotonic(), False
        while not self._closing.is_set():
            message = pubsub.get_message(timeout=0.5)
            now = time.monotonic()
            if message is not None:
                heard, asked = now, False
                if message["type"] == "subscribe":
                    self._subscribed.set()
                    self._wake_all()
                elif message["type"] == "message":
                    self._wake(json.loads(message["data"])["job"])
            elif now - heard > 2 * SILENCE:
                raise redis.ConnectionError("the subscription fell silent")
            elif now - heard > SILENCE and not asked:
                pubsub.ping()
                asked = True
