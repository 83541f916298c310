"""Hearing of what happens: a thread that listens to one channel of Redis, and comes back by itself when Redis was away.

Pub/sub may lose messages (a restart of Redis, a subscriber that was away), so a message is only ever a hint: who needs to be sure looks for
himself when the subscription was renewed, and now and then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import redis

log = logging.getLogger(__name__)

RECONNECT = 0.2  # seconds between attempts
SILENCE = 5.0  # seconds without a message after which the connection is tried with a PING


class Subscription(threading.Thread):
    """Calls `heard` with every message, and `renewed` whenever it listens again; both in this thread."""

    def __init__(self, client: redis.Redis, channel: str, *, heard: Callable[[str], None], renewed: Callable[[], None], what: str) -> None:
        """`client` is for this alone; its socket timeout must be short. `what` is heard of, for the log."""
        super().__init__(name="subscriber", daemon=True)
        self._client, self._channel, self._what = client, channel, what
        self._heard, self._renewed = heard, renewed
        self._ending = threading.Event()
        self._subscribed = threading.Event()

    @property
    def subscribed(self) -> bool:
        """Whether messages are being heard right now."""
        return self._subscribed.is_set()

    def stop(self, seconds: float = 3.0) -> None:
        """End the thread."""
        self._ending.set()
        if self.is_alive():
            self.join(seconds)

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=False) as pubsub:
                    self._listen(pubsub)
            except redis.RedisError as error:
                if self._subscribed.is_set():
                    log.warning("no news of %s: %s; those who wait look by themselves meanwhile", self._what, error)
                self._subscribed.clear()
                self._ending.wait(RECONNECT)
        self._subscribed.clear()

    def _listen(self, pubsub: redis.client.PubSub) -> None:
        """Hear messages until the connection breaks."""
        pubsub.subscribe(self._channel)
        heard, asked = time.monotonic(), False
        while not self._ending.is_set():
            message = pubsub.get_message(timeout=0.5)
            now = time.monotonic()
            if message is not None:
                heard, asked = now, False
                if message["type"] == "subscribe":
                    self._subscribed.set()
                    self._renewed()
                elif message["type"] == "message":
                    self._heard(message["data"])
            elif now - heard > 2 * SILENCE:
                raise redis.ConnectionError("the subscription fell silent")
            elif now - heard > SILENCE and not asked:
                pubsub.ping()
                asked = True
