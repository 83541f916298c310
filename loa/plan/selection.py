"""Which chapters of a document are spoken: its body, all of them, or those that somebody names by their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loa.errors import InvalidChapters
from loa.reading import Chapter

ALL = "all"
LONGEST = 1_000  # characters
PATTERN = re.compile(r"all|[0-9]{1,6}(?:-[0-9]{1,6})?(?:,[0-9]{1,6}(?:-[0-9]{1,6})?)*")


def check_selection(wish: str) -> None:
    """Raises InvalidChapters for what names no chapters."""
    _ranges(wish)


def selected(chapters: Sequence[Chapter], wish: str = "") -> list[int]:
    """The numbers, from 1, of the chapters that are spoken, in the order of the document.

    `wish`: "3-7,9", "all", or "" for the body; a document that is nothing but front and back matter is spoken whole. Raises
    InvalidChapters for numbers that the document does not have.
    """
    everything = list(range(1, len(chapters) + 1))
    if not wish:
        return [number for number, chapter in enumerate(chapters, 1) if chapter.matter == "body"] or everything
    ranges = _ranges(wish)
    last = max(last for _, last in ranges) if ranges else 0
    if last > len(chapters):
        raise InvalidChapters(f"there is no chapter {last}; the document has {len(chapters)}", last=len(chapters))
    return [number for number in everything if not ranges or any(first <= number <= last for first, last in ranges)]


def _ranges(wish: str) -> list[tuple[int, int]]:
    """First and last number of each range; none: all chapters."""
    if len(wish) > LONGEST or not PATTERN.fullmatch(wish):
        raise InvalidChapters(f"chapters is {wish[:60]!r}; it takes numbers and ranges such as 3-7,9, or all")
    if wish == ALL:
        return []
    ranges = []
    for part in wish.split(","):
        first, _, last = part.partition("-")
        ranges.append((int(first), int(last or first)))
    if any(not 1 <= first <= last for first, last in ranges):
        raise InvalidChapters(f"chapters is {wish[:60]!r}; a range goes from a smaller number, at least 1, to a larger one")
    return ranges
