"""Fixtures for all areas: one private server a session, and settings that never reach outside a test's own folder."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

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
def _levels() -> Iterator[None]:
    """What a command or a program that ran inside a test made of the levels of our logs goes with it."""
    kept = {name: logging.getLogger(name).level for name in OURS}
    yield
    for name, level in kept.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One server for all tests that isolate themselves by a key prefix or a database number."""
    with Broker(tmp_path_factory.mktemp("broker")) as server:
        yield server
