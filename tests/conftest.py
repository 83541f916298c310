"""Fixtures for all areas: one private server a session, and settings that never reach outside a test's own folder."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from loa.broker import Broker
from loa.logs import OURS

VOICES = Path(__file__).parent / "voices"  # the sine voice of the queue tests


def pytest_configure() -> None:
    """A shell starts what runs in the background with SIGINT ignored, `nohup` ignores SIGHUP, and every process that a test sends one
    of them would inherit that. What has a handler here has none in a new program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    """No test sees the LOA_* variables of the person who runs it."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("LOA_")}
    yield
    os.environ.update(kept)


@pytest.fixture(autouse=True)
def _levels() -> None:
    """A test begins with the levels of our logs as a library has them, whatever ran in this process before it: another test, or a command
    that the fixture of a whole file called."""
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


@contextmanager
def emptied(broker: Broker, database: int) -> Iterator[str]:
    """The URL of a database of the server, empty before and after: for programs whose keys, like Celery's, have no prefix."""
    url = broker.url.replace("db=0", f"db={database}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One server for all tests that isolate themselves by a key prefix or a database number."""
    with Broker(tmp_path_factory.mktemp("broker")) as server:
        yield server
