"""Notes to the text that no markup calls so: found by their marks, which point to each other or are the same."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from loa.reading.contents import resolve
from loa.reading.page import Page, Passage

NEAR = 12  # passages between a mark such as "*", which occurs many times, and its note
_OPENING = re.compile(r"(?P<mark>\*{1,4}|†{1,2}|‡{1,2}|§|\[\d{1,3}\])\s*(?=[^\W\d_]|[“\"‘'(])")
_FOOTNOTE = re.compile(r"\[Footnote (?P<mark>\w{1,4}): ?(?P<text>.*?)\]?", re.DOTALL)  # as Project Gutenberg writes them


def unlinked(passages: Sequence[Passage]) -> tuple[list[Passage], int]:
    """Passages where paragraphs that begin with a mark are notes, if the mark stands behind a word before them; and how many did.

    The marks are taken out of the text.
    """
    found = list(passages)
    marks = 0
    for place, passage in enumerate(passages):
        block = passage.block
        if passage.is_note or block.kind not in ("paragraph", "item"):
            continue
        if opening := _OPENING.match(block.text):
            mark, text = opening["mark"], block.text[opening.end() :]
        elif footnote := _FOOTNOTE.fullmatch(block.text):
            mark, text = f"[{footnote['mark']}]", footnote["text"]
        else:
            continue
        marked = _marked(found, place, mark)
        if marked is None and not block.text.startswith("[Footnote"):
            continue
        if marked is not None:
            before = found[marked].block
            found[marked] = dataclasses.replace(found[marked], block=dataclasses.replace(before, text=_without(before.text, mark)))
            marks += 1
        found[place] = dataclasses.replace(passage, block=dataclasses.replace(block, text=text), is_note=True)
    return found, marks


def linked(pages: Mapping[str, Page]) -> dict[str, frozenset[int]]:
    """For each page the passages that are notes because a mark elsewhere leads to them, and they lead back."""
    marked = {resolve(path, mark) for path, page in pages.items() for mark in page.marks}
    return {
        path: frozenset(place for anchor, place in page.anchors.items() if (path, anchor) in marked and _leads_back(page, place))
        for path, page in pages.items()
    }


def _leads_back(page: Page, place: int) -> bool:
    return place < len(page.passages) and page.passages[place].leads_back


def _marked(passages: Sequence[Passage], place: int, mark: str) -> int | None:
    """The passage before `place` in which the mark of a note stands behind a word."""
    nearest = place - NEAR if mark[0] != "[" else place - 50 * NEAR
    for before in range(place - 1, max(-1, nearest - 1), -1):
        text = passages[before].block.text
        if mark in text and not passages[before].is_note and _without(text, mark) != text:
            return before
    return None


def _without(text: str, mark: str) -> str:
    """A text without the last such mark that stands behind a word."""
    for match in reversed(list(re.finditer(rf"(?<=[^\s*]){re.escape(mark)}(?![\w*])", text))):
        return text[: match.start()] + text[match.end() :]
    return text
