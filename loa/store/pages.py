"""A list, page by page, newest first: the cursor says where the next page begins, however much was added or removed meanwhile."""

from __future__ import annotations

import re

from loa.errors import InvalidRequest
from loa.store.database import Database

PAGE = 100  # entries a page at most
CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,9})")


def page(database: Database, index: str, limit: int, cursor: str | None) -> tuple[list[str], str | None]:
    """Members of `index` (scores: creation, ms), and the cursor of the next page (None: this was the last). Raises InvalidRequest."""
    if not 1 <= limit <= PAGE:
        raise InvalidRequest(f"limit is {limit}; it takes 1 to {PAGE}")
    newest, skip = _parse(cursor) if cursor is not None else ("+inf", 0)
    rows = database.command("zrevrangebyscore", index, newest, "-inf", start=skip, num=limit + 1, withscores=True)
    found, more = rows[:limit], len(rows) > limit
    following = None
    if more:
        last = found[-1][1]
        same = sum(score == last for _, score in found) + (skip if newest == f"{last:.0f}" else 0)
        following = f"{last:.0f}-{same}"
    return [name for name, _ in found], following


def _parse(cursor: str) -> tuple[str, int]:
    """`CREATED-SKIP`: go on at this instant (ms), after so many of that very instant."""
    parts = CURSOR.fullmatch(cursor)
    if parts is None:
        raise InvalidRequest("cursor is not one that a list gave")
    return parts[1], int(parts[2])
