"""Notes to the text that no markup calls so: found by their marks, which point to each other or are the same."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from loa.reading.contents import resolve
from loa.reading.page import Page, Passage

NEAR = 12  # passages between a mark such as "*", which occurs many times, and its note
_MARK = re.compile(r"(?<=[^\s*])(?:\*{1,4}|†{1,2}|‡{1,2}|§|\[\w{1,4}\])(?![\w*])")  # behind a word
_OPENING = re.compile(r"(?P<mark>\*{1,4}|†{1,2}|‡{1,2}|§|\[\d{1,3}\])\s*(?=[^\W\d_]|[“\"‘'(])")
_FOOTNOTE = re.compile(r"\[Footnote (?P<mark>\w{1,4}): ?(?P<text>.*?)\]?", re.DOTALL)  # as Project Gutenberg writes them


def unlinked(passages: Sequence[Passage]) -> tuple[list[Passage], int]:
    """Passages where paragraphs that begin with a mark are notes, if the mark stands behind a word before them; and how many did.

    The marks are taken out of the text.
    """
    found = list(passages)
    marks = 0
    marked: dict[str, list[int]] = {}  # mark → passages that hold it, as often as they do
    for place, passage in enumerate(passages):
        note = _note(passage)
        if note is not None:
            mark = note[0]
            places = marked.get(mark, [])
            if places and (mark[0] == "[" or place - places[-1] <= NEAR):
                before = places.pop()
                found[before] = _with_text(found[before], _without(found[before].block.text, mark))
                marks += 1
            elif not passage.block.text.startswith("[Footnote"):
                note = None
        if note is not None:
            found[place] = dataclasses.replace(_with_text(passage, note[1]), is_note=True)
        else:
            for match in _MARK.finditer(passage.block.text):
                marked.setdefault(match[0], []).append(place)
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


def _note(passage: Passage) -> tuple[str, str] | None:
    """The mark that a paragraph begins with, and the rest of it."""
    text = passage.block.text
    if passage.is_note or passage.block.kind not in ("paragraph", "item"):
        return None
    if opening := _OPENING.match(text):
        return opening["mark"], text[opening.end() :]
    footnote = _FOOTNOTE.fullmatch(text)
    return None if footnote is None else (f"[{footnote['mark']}]", footnote["text"])


def _with_text(passage: Passage, text: str) -> Passage:
    return dataclasses.replace(passage, block=dataclasses.replace(passage.block, text=text))


def _without(text: str, mark: str) -> str:
    """A text without the last such mark that stands behind a word."""
    last = [match for match in _MARK.finditer(text) if match[0] == mark][-1]
    return text[: last.start()] + text[last.end() :]
