"""Chapters out of headings, for documents that bring no table of contents of their own."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from loa.reading.document import Block, Chapter
from loa.reading.matter import by_titles
from loa.reading.sections import LONG_PART, MOST_OF_BOOK
from loa.reading.titles import names_contents

OPENING_SHARE = 0.2  # of the text may be title pages; more is text


def chapters_of(blocks: Sequence[Block], level: int | None = None) -> tuple[str | None, tuple[Chapter, ...]]:
    """The title of the document, if a heading above all others names it, and its chapters in reading order.

    Chapters begin at the headings of `level` and above. None: of the highest level that has at least two, or of one below where those are
    parts that hold chapters. A heading without text of its own is spoken at the beginning of the chapter after it. Chapters of the same
    name are named with their parts.
    """
    levels = Counter(block.level for block in blocks if block.kind == "heading")
    level = chapter_level(blocks) if level is None else level
    parts = list(_joined(_cut(blocks, level)))
    titles = _titles(parts, level)
    return _title(blocks, levels), tuple(Chapter(title=title, blocks=tuple(part)) for title, part in zip(titles, parts, strict=True))


def with_roles(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """Chapters with matter and role by their titles. What stands before the first that has a title is title pages, unless it is long."""
    if len(chapters) > 1 and not chapters[0].title:
        opening, *others = chapters
        if opening.characters <= OPENING_SHARE * sum(chapter.characters for chapter in chapters):
            return (dataclasses.replace(opening, matter="front", role="titlepage"), *by_titles(others))
    return by_titles(chapters)


def without_contents(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without headings such as "Contents" under which nothing was left."""
    kept: list[Block] = []
    for block, after in pairwise([*blocks, None]):
        assert block is not None
        if not _is_contents(block) or (after is not None and after.kind != "heading"):
            kept.append(block)
    return kept


def _is_contents(block: Block) -> bool:
    return block.kind == "heading" and names_contents(block.text)


def _title(blocks: Sequence[Block], levels: Counter[int]) -> str | None:
    first = next((block for block in blocks if block.kind == "heading"), None)
    return first.text if first is not None and first.level == min(levels) and levels[first.level] == 1 else None


def chapter_level(blocks: Sequence[Block]) -> int:
    """The level at which chapters begin; 0: nowhere."""
    levels = Counter(block.level for block in blocks if block.kind == "heading")
    several = [level for level in sorted(levels) if levels[level] > 1]
    total = sum(len(block.text) for block in blocks)
    for level in several[:-1]:
        parts = [part for part in _cut(blocks, level) if part[0].level == level]
        if not _hold_chapters(parts) and not any(_is_whole(part, total) for part in parts):
            return level
    return several[-1] if several else 0


def _is_whole(part: Sequence[Block], total: int) -> bool:
    """Whether this is nearly all there is, beside a title page and the like, and has headings of its own."""
    characters = sum(len(block.text) for block in part)
    return characters > max(LONG_PART, MOST_OF_BOOK * total) and sum(block.kind == "heading" for block in part) > 2


def _hold_chapters(parts: Sequence[Sequence[Block]]) -> bool:
    """Whether these are parts of a book rather than chapters: most are long, and most have another heading before any text."""
    long = sum(sum(len(block.text) for block in part) > LONG_PART for part in parts)
    without_text = sum(len(part) > 1 and part[1].kind == "heading" for part in parts)
    return min(long, without_text) * 2 > len(parts)


def _cut(blocks: Sequence[Block], level: int) -> Iterator[list[Block]]:
    """The blocks from each heading of `level` or above to the next."""
    part: list[Block] = []
    for block in blocks:
        if block.kind == "heading" and block.level <= level and part:
            yield part
            part = []
        part.append(block)
    if part:
        yield part


def _joined(parts: Iterator[list[Block]]) -> Iterator[list[Block]]:
    """Parts of nothing but headings, each joined to the one after it."""
    waiting: list[Block] = []
    for part in parts:
        waiting += part
        if any(block.kind != "heading" for block in part):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _titles(parts: Sequence[Sequence[Block]], level: int) -> list[str]:
    """A title for each part: of the headings at its beginning the last of `level` or above, with the one above it where titles recur."""
    paths: list[list[str]] = []
    above: list[Block] = []  # the headings under which the current part stands
    for part in parts:
        headings = list(takewhile(lambda block: block.kind == "heading", part))
        for block in [heading for heading in headings if heading.level <= level] or headings[:1]:
            above = [*(heading for heading in above if heading.level < block.level), block]
        paths.append([heading.text for heading in above] if headings else [""])
    own = Counter(path[-1] for path in paths)
    return [": ".join(path[-2:]) if own[path[-1]] > 1 else path[-1] for path in paths]
