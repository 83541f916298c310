"""The chapters of a book, with front and back matter marked, and its notes behind them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from loa.reading import matter, roles, titles
from loa.reading.cutting import LONGEST_TITLE, Book, Cutting, Part
from loa.reading.document import Block, Chapter
from loa.reading.outline import chapters_of
from loa.reading.page import Passage
from loa.reading.titles import fold


def parts_of(book: Book) -> tuple[Chapter, ...]:
    """The chapters in reading order, front and back matter marked, scattered notes collected behind them."""
    cutting = Cutting(book)
    parts, collected = _without_notes(cutting.parts())
    if not cutting.entries:
        chapters = _by_headings(book, parts)
    else:
        parts = _with_part_titles(parts)
        weighed = matter.weigh([part.signs() for part in parts])
        chapters = [
            Chapter(title=title, matter=side, role=role, blocks=part.blocks)
            for part, title, (side, role) in zip(parts, _titles(book, parts), weighed, strict=True)
        ]
    if collected:
        title = "Chú thích" if (book.language or "").startswith("vi") else "Notes"
        chapters.append(Chapter(title=title, matter="back", role="notes", blocks=tuple(passage.block for passage in collected)))
    return tuple(chapters)


def _without_notes(parts: Sequence[Part]) -> tuple[list[Part], list[Passage]]:
    """The parts without the notes in them, and the notes; chapters of notes that the table of contents names stay where they are."""
    kept: list[Part] = []
    collected: list[Passage] = []
    for part in parts:
        role = part.role
        if role is not None and role.name == "notes" and part.entry is None:
            collected += part.passages
            continue
        if role is None or role.name != "notes":
            collected += (passage for passage in part.passages if passage.is_note)
            part.passages = [passage for passage in part.passages if not passage.is_note]
        if part.passages:
            kept.append(part)
    return kept, collected


def _with_part_titles(parts: Sequence[Part]) -> list[Part]:
    """Parts of nothing but headings ("PART ONE") are spoken at the beginning of the next chapter of text."""
    kept: list[Part] = []
    waiting: list[Part] = []
    for part in parts:
        is_text = part.role.matter == "body" if part.role is not None else roles.partition(part.types) in (None, "body")
        if is_text and part.is_headings:
            waiting.append(part)
            continue
        if is_text:
            part.passages[:0] = [passage for heading in waiting for passage in heading.passages]
            waiting = []
        kept.append(part)
    return kept + waiting


def _titles(book: Book, parts: Sequence[Part]) -> list[str]:
    """A title for each part; those that recur are named with what they belong to."""
    own = [part.title or _page_title(book, part.path) for part in parts]
    counted = Counter(map(fold, own))
    return [
        f"{part.entry.above[-1]}: {title}" if counted[fold(title)] > 1 and part.entry is not None and part.entry.above else title
        for part, title in zip(parts, own, strict=True)
    ]


def _page_title(book: Book, path: str) -> str:
    """What the head of a page calls it, unless that is the name of the book or of several pages."""
    title = book.pages[path].title or ""
    same = sum(page.title == title for page in book.pages.values())
    return title if same == 1 and fold(title) != fold(book.title or "") and len(title) <= LONGEST_TITLE else ""


def _by_headings(book: Book, parts: Sequence[Part]) -> list[Chapter]:
    """The chapters of a book without a table of contents: by its headings, or by its files where they have none."""
    weighed = matter.weigh([part.signs() for part in parts])
    text = [part for part, (side, _) in zip(parts, weighed, strict=True) if side == "body"]
    blocks = _with_headings([block for part in text for block in part.blocks])
    headings = sum(block.kind == "heading" for block in blocks)
    if len(text) > 1 and headings < max(2, len(text) // 4):
        body = [Chapter(title=part.title or _page_title(book, part.path), blocks=part.blocks) for part in text]
    else:
        body = list(chapters_of(blocks)[1])
    around: dict[str, list[Chapter]] = {"front": [], "back": []}
    for part, (side, role) in zip(parts, weighed, strict=True):
        if side != "body":
            around[side].append(Chapter(title=part.title or _page_title(book, part.path), matter=side, role=role, blocks=part.blocks))
    return [*around["front"], *matter.by_titles(body), *around["back"]]


def _with_headings(blocks: Sequence[Block]) -> list[Block]:
    """Where no block is a heading: with paragraphs made headings that read like one, as "Chương 12" does."""
    if any(block.kind == "heading" for block in blocks):
        return list(blocks)
    return [_as_heading(block) for block in blocks]


def _as_heading(block: Block) -> Block:
    title = titles.title_of(block.text) if block.kind == "paragraph" and len(block.text) <= titles.LONGEST else None
    if title is None or title.level > titles.CHAPTER:
        return block
    return dataclasses.replace(block, kind="heading", level=title.level)
