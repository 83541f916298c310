"""One piece of markup as a listener meets it: blocks of text with the places that a table of contents may point to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, compress

from loa.reading.document import Block
from loa.reading.titles import fold, names_contents

SHORTEST_CONTENTS = 2  # lines
COMES_AGAIN = 0.5  # of the lines of a table of contents are headings
_NOUN = re.compile(r"(.+?)((?: (?:of|without) .+)?)")


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
    left_out: frozenset[str] = frozenset()  # ids whose passage was left out; they stand for the next one. "": the beginning

    @property
    def characters(self) -> int:
        return sum(len(passage.block.text) for passage in self.passages)


def headings_of(pages: Iterable[Page]) -> frozenset[str]:
    """All headings, folded."""
    return frozenset(fold(passage.block.text) for page in pages for passage in page.passages if passage.block.kind == "heading")


def without_lists(page: Page, headings: Collection[str]) -> Page:
    """The page without the lists of what is in it ("Table of Contents" and its lines), unless it holds nothing else.

    `headings` of the whole book: what is listed has to be there.
    """
    kept = [True] * len(page.passages)
    for place, passage in enumerate(page.passages):
        if passage.block.kind not in ("heading", "paragraph") or not names_contents(passage.block.text):
            continue
        end = place + 1
        while end < len(kept) and page.passages[end].block.kind == "item":
            end += 1
        listed = sum(fold(item.block.text) in headings for item in page.passages[place + 1 : end])
        if listed >= max(SHORTEST_CONTENTS, COMES_AGAIN * (end - place - 1)):
            kept[place:end] = [False] * (end - place)
    passages = tuple(compress(page.passages, kept))
    if len(passages) == len(kept) or all(passage.block.kind == "heading" for passage in passages):
        return page
    lines = sum(not keep and passage.block.kind == "item" for keep, passage in zip(kept, page.passages, strict=True))
    places = [0, *accumulate(kept)]
    gone = {anchor for anchor, place in page.anchors.items() if place < len(kept) and not kept[place]}
    return replace(
        page,
        passages=passages,
        anchors={anchor: places[place] for anchor, place in page.anchors.items()},
        omitted=page.omitted + Counter({"line of a table of contents": lines}),
        left_out=frozenset(gone if kept[0] else gone | {""}),
    )


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
    """ "lines of a table of contents", "pictures without a description"."""
    noun, rest = _NOUN.fullmatch(what).groups()  # type: ignore[union-attr]
    return f"{noun}s{rest}"
