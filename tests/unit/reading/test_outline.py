"""Chapters out of headings."""

from __future__ import annotations

import pytest

from loa.reading.document import Block
from loa.reading.outline import LONG_PART, chapters_of

LONG = "x" * (LONG_PART + 1)


def blocks(*marks: str) -> list[Block]:
    """ "# a" is a heading of level 1, "## b" one of level 2, anything else a paragraph."""
    made = []
    for mark in marks:
        level = len(mark) - len(mark.lstrip("#"))
        made.append(Block(kind="heading" if level else "paragraph", level=level, text=mark[level:].strip()))
    return made


@pytest.mark.parametrize(
    ("marks", "title", "chapters"),
    [
        ((), None, {}),
        (("one", "two"), None, {"": ["one", "two"]}),
        (("# Book", "text"), "Book", {"Book": ["Book", "text"]}),
        (("# Book", "by me", "## A", "a", "### A.1", "aa", "## B", "b"), "Book",
         {"Book": ["Book", "by me"], "A": ["A", "a", "A.1", "aa"], "B": ["B", "b"]}),
        (("# Book", "## A", "a", "## B", "b"), "Book", {"A": ["Book", "A", "a"], "B": ["B", "b"]}),
        (("before", "# A", "a", "# B", "b"), None, {"": ["before"], "A": ["A", "a"], "B": ["B", "b"]}),
        (("# A", "## A.1", "a", "## A.2", "a", "# B", "b"), None, {"A": ["A", "A.1", "a", "A.2", "a"], "B": ["B", "b"]}),
        (("# I", "## 1", LONG, "## 2", "b", "# II", "## 3", LONG), None, {"1": ["I", "1", LONG], "2": ["2", "b"], "3": ["II", "3", LONG]}),
        (("# Guide", "g", "# Tales", "## 1", LONG, "## 2", LONG), None,
         {"Guide": ["Guide", "g"], "1": ["Tales", "1", LONG], "2": ["2", LONG]}),  # nearly all is under one heading
        (("# I", "## 1", LONG, "# II", "## 1", LONG), None, {"I: 1": ["I", "1", LONG], "II: 1": ["II", "1", LONG]}),
        (("# A", "a", "# B"), None, {"A": ["A", "a"], "B": ["B"]}),
        (("## A", "a", "# B", "b", "## C", "c"), None, {"A": ["A", "a"], "B": ["B", "b"], "C": ["C", "c"]}),
    ],
)  # fmt: skip
def test_chapters_begin_where_a_reader_would_say(marks: tuple[str, ...], title: str | None, chapters: dict[str, list[str]]) -> None:
    found_title, found = chapters_of(blocks(*marks))
    assert found_title == title
    assert {chapter.title: [block.text for block in chapter.blocks] for chapter in found} == chapters
    assert len(found) == len(chapters)


def test_every_block_is_in_one_chapter_in_its_order() -> None:
    marks = ["# A", "a", "### deep", "b", "## B", "# C", "# D", "c", "###### e", "d"] * 7
    for level in (None, 0, 1, 2, 3, 6):
        _, chapters = chapters_of(blocks(*marks), level)
        assert [block for chapter in chapters for block in chapter.blocks] == blocks(*marks)
