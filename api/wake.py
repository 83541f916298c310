"""Sends wake-ups to workers through Celery, from a thread of its own: no request waits for a message or fails because of one.

A wake-up that is lost here is no loss: its token expires, and a reconciler issues another.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

from loa.broker import broker_url
from loa.settings import Settings
from loa.wakeups import expiry, task_name

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

MOST_WAITING = 10_000  # wake-ups; far more than there are workers
BROKER_SECONDS = 1.0  # for a connection, and for an answer


class Wakeups(threading.Thread):
    """Called as `wakeups(queue, token)`, from any thread."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="wake-ups", daemon=True)
        self._settings = settings
        self._waiting: queue.Queue[tuple[str, str, float] | None] = queue.Queue(MOST_WAITING)
        self._failing = False

    def __call__(self, queue_name: str, token: str) -> None:
        """Send a wake-up soon. Raises queue.Full when the broker has been away for long."""
        self._waiting.put_nowait((queue_name, token, time.monotonic()))

    def run(self) -> None:
        celery = sender(self._settings)  # here, because importing Celery takes as long as the rest of the start
        _warm_up(celery)
        while (entry := self._waiting.get()) is not None:
            queue_name, token, asked = entry
            if time.monotonic() - asked < self._settings.token:  # else its token has expired, and another will come
                self._send(celery, queue_name, token)

    def stop(self, seconds: float = 3.0) -> None:
        """Send what waits, then end the thread."""
        if self.is_alive():
            self._waiting.put(None)
            self.join(seconds)

    def _send(self, celery: Celery, queue_name: str, token: str) -> None:
        try:
            celery.send_task(
                task_name(queue_name), args=[token], queue=queue_name, expires=expiry(self._settings), retry=False, ignore_result=True
            )
        except Exception as error:  # noqa: BLE001 - kombu raises whatever its transport raises
            if not self._failing:
                log.warning("wake-ups cannot be sent (%s); reconcilers will send others", error)
            self._failing = True
        else:
            self._failing = False


def _warm_up(celery: Celery) -> None:
    """Pay before the first wake-up what the first one would pay: finding out that there is no result backend (30 ms), and a connection."""
    _ = celery.backend
    with contextlib.suppress(Exception), celery.producer_or_acquire() as producer:  # the broker may be away
        producer.connection.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)


def sender(settings: Settings) -> Celery:
    """A Celery application that only sends: no result backend, no second try, short timeouts."""
    from celery import Celery

    celery = Celery("loa-api", broker=broker_url(settings.redis_url), set_as_current=False)
    celery.conf.update(
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_retry=False,
        broker_connection_timeout=BROKER_SECONDS,
        broker_pool_limit=1,
        broker_transport_options={"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS, "retry_on_timeout": False},
    )
    return celery
