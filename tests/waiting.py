"""Waiting for something to come true, instead of for some time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 20.0, what: str = "") -> T:
    """Return what `condition` gives as soon as that is true; fail when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        time.sleep(0.01)
    return value


async def until(condition: Callable[[], T], seconds: float = 20.0, what: str = "") -> T:
    """`wait_until` for what comes true in the event loop that waits."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        await asyncio.sleep(0.01)
    return value
