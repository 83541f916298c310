"""Connections to the one Redis: how long each side waits for it, and what it must be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from loa.errors import InvalidSetting, StoreUnavailable, UnsupportedRedis
from loa.store.schema import REFUSED, connection_name, newer
from loa.urls import shown

AWAY = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ReadOnlyError)
LEAST_VERSION = (6, 2)
FOREVER = 10**9  # attempts
MOST_CONNECTIONS = 10_000  # a process; each thread holds one at most, and redis-py's own limit of 100 refuses the rest

T = TypeVar("T")


def connect_api(url: str) -> redis.Redis:
    """For processes that answer people: 1 s at most and never a second try, because a frozen Redis would run every resent script later."""
    return _connect(url, "api", seconds=1, connect_seconds=1, retry=Retry(NoBackoff(), 0))


def connect_worker(url: str) -> redis.Redis:
    """For processes that hold work: they wait until Redis is back, and every script they send may be sent twice."""
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), FOREVER, supported_errors=AWAY)
    return _connect(url, "worker", seconds=5, connect_seconds=2, retry=retry)


def connect_briefly(url: str) -> redis.Redis:
    """For threads that must not hang: one try, 2 s; the caller comes again by itself."""
    return _connect(url, "thread", seconds=2, connect_seconds=2, retry=Retry(NoBackoff(), 0))


def _connect(url: str, role: str, *, seconds: float, connect_seconds: float, retry: Retry) -> redis.Redis:
    """Raises InvalidSetting for a URL that is none of a Redis."""
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=seconds,
            socket_connect_timeout=connect_seconds,
            retry=retry,
            client_name=connection_name(role),
            max_connections=MOST_CONNECTIONS,
        )
    except ValueError:  # its words may quote a part of the URL that is a password
        raise InvalidSetting(f"LOA_REDIS_URL is {shown(url)!r}; it takes redis://, rediss:// or unix:///path") from None


@contextmanager
def translated() -> Iterator[None]:
    """The client's errors of a Redis that is away, or that cannot keep what it is given, as StoreUnavailable.

    And what a script says that finds the data of a newer version, as SchemaMismatch.
    """
    try:
        yield
    except AWAY as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    except redis.ResponseError as error:
        if isinstance(error, redis.OutOfMemoryError) or "MISCONF" in str(error):  # its memory is full; its disk is full or broken
            raise StoreUnavailable(f"Redis takes no more data: {error}") from error
        if str(error).startswith(REFUSED):
            raise newer(int(str(error).removeprefix(REFUSED))) from error
        raise


class Breaker:
    """Refuses calls for a moment after Redis was found away, so that a hundred requests do not each wait a second to learn the same."""

    def __init__(self, pause: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause, self._clock = pause, clock
        self._open_until = 0.0
        self._lock = Lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises StoreUnavailable at once while open, and instead of the client's errors."""
        if self._clock() < self._open_until:
            raise StoreUnavailable("Redis did not answer a moment ago")
        try:
            with translated():
                yield
        except StoreUnavailable:
            with self._lock:
                self._open_until = self._clock() + self._pause
            raise


class Patience:
    """The guard of worker processes: no breaker, only the translation of errors that are left after all retries."""

    @contextmanager
    def guard(self) -> Iterator[None]:
        with translated():
            yield


def check_server(client: redis.Redis) -> None:
    """Refuse a server that Loa cannot run on. Raises UnsupportedRedis."""
    info: dict[str, Any] = client.info("server") | client.info("cluster")
    version = tuple(int(part) for part in re.findall(r"\d+", str(info["redis_version"]))[:2])
    if version < LEAST_VERSION:
        raise UnsupportedRedis(f"this Redis is {info['redis_version']}; Loa needs 6.2 or newer")
    if info.get("cluster_enabled"):
        raise UnsupportedRedis("this Redis runs in Cluster mode; Celery and Loa's scripts need a single server")
