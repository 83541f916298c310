"""One piece of markup as a listener meets it: blocks of text with the places that a table of contents may point to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from loa.reading.document import Block


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A block and where it stands."""

    block: Block
    types: frozenset[str] = frozenset()  # what the sections around it say that they are: words of epub:type and role
    is_note: bool = False  # a note to the text, which nobody reads between two sentences
    leads_back: bool = False  # has a link "↩", or begins with one such as "1." or "[3]", as notes do that nothing calls so


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one file of markup holds."""

    title: str | None  # as the head names it
    language: str | None  # of the whole, BCP 47
    passages: tuple[Passage, ...]
    anchors: dict[str, int]  # id → the passage that it stands in or before; the number of passages: after the last
    marks: frozenset[str]  # where the marks of notes point to, relative to the file
    pictures: int  # with or without a description
    omitted: Counter[str]  # what was left out, in the singular: "footnote mark" → 12

    @property
    def characters(self) -> int:
        return sum(len(passage.block.text) for passage in self.passages)


def omissions(omitted: Counter[str]) -> tuple[str, ...]:
    """What was left out, in words: "12 footnote marks"."""
    return tuple(f"{count:,} {what if count == 1 else _plural(what)}" for what, count in sorted(omitted.items()) if count)


def total(pages: Iterable[Page]) -> Counter[str]:
    """What was left out of all pages."""
    omitted: Counter[str] = Counter()
    for page in pages:
        omitted.update(page.omitted)
    return omitted


def _plural(what: str) -> str:
    noun, space, rest = what.partition(" without")
    return f"{noun}s{space}{rest}"
