"""Which lines of a table of contents begin chapters, and which name sections within one.

Tables are nested in two ways: novels have parts that hold chapters, textbooks have chapters that hold sections. Titles tell the two apart
where they say what they are ("Part One", "Chapter 3", "2.1. Tools"), else the text does: a part has none of its own, and what it holds is
as long as chapters are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from statistics import median
from typing import Protocol

from loa.reading import roles
from loa.reading.document import Block
from loa.reading.titles import CHAPTER, PART, SECTION, bare_number, title_of

LONG_PART = 30_000  # characters, half an hour
LONG_CHAPTER = 4_000  # characters: sections are shorter, as a rule
MOST_OF_BOOK = 0.8  # of its characters: what holds more is no chapter of it
_NUMBERED_CHAPTER = re.compile(r"\d{1,3}[.:)]\s+[^\W\d_]")  # "2. Prerequisites"
_NUMBERED_SECTION = re.compile(r"\d{1,3}\.\d{1,3}")  # "2.1. People"


class Entry(Protocol):
    """A line of a table of contents, or of an outline."""

    @property
    def title(self) -> str: ...

    @property
    def depth(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Extent:
    """The text of a book, passage by passage, as sums from its beginning: `characters[n]` are those before passage n."""

    characters: Sequence[int]
    paragraphs: Sequence[int]  # passages that are no headings

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Extent:
        return cls(
            characters=[0, *accumulate(len(block.text) for block in blocks)],
            paragraphs=[0, *accumulate(block.kind != "heading" for block in blocks)],
        )


@dataclass(eq=False)
class _Node:
    """An entry with what the table puts below it."""

    entry: Entry
    place: int | None  # the passage that it points to; None: to none
    extent: Extent
    begin: int = 0  # the passage that it, or else the first below it, points to
    end: int = 0  # the passage with which the next entry of its depth or above begins
    children: list[_Node] = field(default_factory=list)

    @property
    def characters(self) -> int:
        return self.extent.characters[self.end] - self.extent.characters[self.begin]

    @property
    def looks_like_part(self) -> bool:
        """Whether it has the look of a part: no text of its own, and long, and so are most of its children."""
        first = self.children[0].begin
        own_text = self.extent.paragraphs[first] - self.extent.paragraphs[self.begin]
        return own_text <= 0 and self.characters > LONG_PART and median(child.characters for child in self.children) > LONG_CHAPTER

    @cached_property
    def holds_chapters(self) -> bool | None:
        """Whether its children are chapters; None: only the look of it and its siblings could tell."""
        if not self.children:
            return False
        titles = [child.entry.title for child in self.children]
        levels = {title.level for title in map(title_of, titles) if title is not None and title.numbered}
        if levels & {PART, CHAPTER}:
            return True
        if SECTION in levels or any(map(_NUMBERED_SECTION.match, titles)):
            return False
        own = title_of(self.entry.title)
        if own is not None and own.level in (PART, CHAPTER):
            return own.level == PART
        if _NUMBERED_CHAPTER.match(self.entry.title):
            return False
        if self.place is None:  # a name above others, such as the author of some stories
            return True
        most = len(self.children) > 1 and self.characters > MOST_OF_BOOK * self.extent.characters[-1]
        return True if most or any(bare_number(title) is not None for title in titles) else None


def begin_chapters(toc: Sequence[Entry], places: Sequence[int | None], extent: Extent) -> list[bool]:
    """Whether each entry begins a chapter. What ends a chapter without being part of it, such as its notes, begins one of its own."""
    nodes, level = _tree(toc, places, extent)
    begins: set[_Node] = set()
    while level:
        begins.update(level)
        undecided = [node for node in level if node.holds_chapters is None]
        parts = sum(node.looks_like_part for node in undecided) * 2 > len(undecided)
        below: list[_Node] = []
        for node in level:
            if node.holds_chapters or (node.holds_chapters is None and parts):
                below += node.children
            elif node.children and _stands_apart(node.children[-1].entry.title):
                begins.add(node.children[-1])
        level = below
    return [node in begins for node in nodes]


def _tree(toc: Sequence[Entry], places: Sequence[int | None], extent: Extent) -> tuple[list[_Node], list[_Node]]:
    """All entries in their order, and those above which there is none."""
    nodes = [_Node(entry=entry, place=place, extent=extent) for entry, place in zip(toc, places, strict=True)]
    tops: list[_Node] = []
    above: list[_Node] = []
    for node in nodes:
        while above and above[-1].entry.depth >= node.entry.depth:
            above.pop()
        (above[-1].children if above else tops).append(node)
        above.append(node)
    following: list[_Node] = []  # the next of each depth that may end an entry before them, the highest first
    total = len(extent.characters) - 1
    for node in reversed(nodes):
        while following and following[-1].entry.depth > node.entry.depth:
            following.pop()
        end = following[-1].begin if following else total
        given = node.place if node.place is not None else (node.children[0].begin if node.children else end)
        node.begin, node.end = given, max(given, end)  # in a table that is not in reading order an end may come first
        following.append(node)
    return nodes, tops


def _stands_apart(title: str) -> bool:
    role = roles.of_title(title)
    return role is not None and role.apart
