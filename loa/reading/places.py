"""Where text stands in a tree of markup, and what that makes of it: a heading, a line of a poem, an item, a note."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from loa.reading import names, vocabulary
from loa.reading.document import Block, BlockKind
from loa.reading.page import Passage

_CODE_CHARACTERS = re.compile(r"[{}\[\]<>=;|\\$#&_/*+]")
_CODE_SHARE = 0.04  # of characters that programs are full of; prose and verse have next to none
_CAPITALS = 0.75  # of the lines of a poem, at least, as printers set them


@dataclass(slots=True)
class Place:
    """What a block makes of the text directly in it. Elements inside a line have the place around them."""

    element: etree._Element
    kind: BlockKind = "paragraph"
    level: int = 0
    language: str | None = None
    types: frozenset[str] = frozenset()
    verse: bool = False
    note: bool = False
    preserved: bool = False  # the ends of lines in the markup are ends of lines


@dataclass(slots=True)
class Found:
    """A passage; one of verse grows while lines of the same stanza follow."""

    kind: BlockKind
    lines: list[str]
    level: int
    language: str | None
    place: Place
    leads_back: bool

    def passage(self) -> Passage:
        block = Block(kind=self.kind, text="\n".join(self.lines), level=self.level, language=self.language)
        return Passage(block=block, types=self.place.types, is_note=self.place.note, leads_back=self.leads_back)


def kind_and_level(element: etree._Element, name: str, place: Place) -> tuple[BlockKind, int]:
    """What text directly in an element is, and the level of a heading."""
    if name in vocabulary.HEADINGS:
        return "heading", vocabulary.HEADINGS[name]
    if name in ("p", "div", "span"):
        if vocabulary.is_heading(element):
            stated = element.get("aria-level", "")
            return "heading", int(stated) if stated in tuple("123456") else 2
        return place.kind, place.level
    if name in vocabulary.ITEMS:
        return "item", 0
    return ("paragraph", 0) if place.kind == "heading" else (place.kind, 0)


def has_lines(poem: etree._Element) -> bool:
    """Whether a poem is marked up as nothing but text, whose lines can only be those of the file."""
    lines = [line for line in map(str.strip, (poem.text or "").split("\n")) if line]
    if len(lines) < 2 or any(names.local(child) in vocabulary.BLOCKS or names.local(child) == "br" for child in poem):
        return False
    return sum(line.lstrip("“‘\"'(—–-")[:1].isupper() for line in lines) >= _CAPITALS * len(lines)


def language_of(element: etree._Element) -> str | None:
    """As its attributes say, BCP 47."""
    return (element.get(names.LANGUAGE) or element.get("lang") or "").strip() or None


def is_text(element: etree._Element, said: frozenset[str]) -> bool:
    """Whether preformatted text is a poem, or prose of a typewriter, rather than a program."""
    if vocabulary.is_verse(element, said):
        return True
    text = "".join(element.itertext())
    return not vocabulary.is_code(element) and len(_CODE_CHARACTERS.findall(text)) < _CODE_SHARE * len(text)
