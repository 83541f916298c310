"""Instants as people and clients read them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(instant: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
