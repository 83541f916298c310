"""Tables of words, written as people read them: one line, blanks between."""

from __future__ import annotations


def words(line: str) -> tuple[str, ...]:
    """The words of a line, in order."""
    return tuple(line.split())
