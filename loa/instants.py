"""Instants: seconds since the epoch here, milliseconds in Redis, ISO 8601 for people and clients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import overload


def instant(record: Mapping[str, str], name: str) -> float | None:
    """A field of a record of the store, in seconds; None where it is missing or empty."""
    return int(record[name]) / 1000 if record.get(name) else None


@overload
def iso(instant: float) -> str: ...
@overload
def iso(instant: float | None) -> str | None: ...
def iso(instant: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond; None for what was never."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
