"""Which lines of a nested table of contents begin chapters: tables as they stand in real books, in one notation.

A table is lines "  Title 5000": two blanks for each level, then the characters of text that stand between the title and the next line.
"""

from __future__ import annotations

import pytest

from loa.reading.contents import Entry
from loa.reading.document import Block
from loa.reading.sections import Extent, begin_chapters


def chapters(table: str) -> list[str]:
    """Titles of the lines that begin chapters."""
    toc: list[Entry] = []
    places: list[int | None] = []
    blocks: list[Block] = []
    for line in filter(str.strip, table.splitlines()):
        title, _, characters = line.strip().rpartition(" ")
        toc.append(Entry(title=title, path="", depth=1 + (len(line) - len(line.lstrip())) // 2))
        places.append(None if characters == "-" else len(blocks))
        if characters != "-":
            blocks.append(Block(kind="heading", text=title))
            if int(characters):
                blocks.append(Block(kind="paragraph", text="x" * int(characters)))
    begins = begin_chapters(toc, places, Extent.of(blocks))
    return [entry.title for entry, begin in zip(toc, begins, strict=True) if begin]


TEXTBOOK = """
Preface 3000
  How to Contact Us 500
1. Introduction 2000
  The Digital Famine 4000
  Usability 4000
2. Building a Better Book 3000
  Structure 20000
    Language 8000
  Metadata 9000
Index 9000
"""
MANUAL = """
About this manual 0
  Scope 3000
  Translations 500
Binary packages 0
  Names 4000
  Maintainers 39000
Source packages 900
  Changelogs 9000
Files 2000
  Links 8000
"""
NOVEL = """
Prologue 5000
Part One 0
  The Window 20000
  Time Passes 9000
Part Two 0
  The Lighthouse 25000
"""
UNNAMED_PARTS = """
Childhood 0
  Mother 12000
  The River 15000
  School 9000
Boyhood 0
  A Horse 14000
  The City 20000
  Winter 9000
"""
MIXED = """
Chapter 1. Overview 0
  Introduction 1500
  Features 6000
Part I. The Basic Knowledge 2000
  Chapter 2. The Basics 3000
    Concepts 9000
  Chapter 3. Import 9000
Glossary 5000
"""
ROOTED = """
A Guide for Maintainers 900
  Preface 3000
  1. Overview 2000
  2. Prerequisites 300
    2.1. People 1200
    2.2. How to contribute 300
  3. Tools 9000
"""
LARGEST_CHAPTER = """
1. Introduction 3000
2. A Detailed History 0
  2.1. The Early Releases 20000
  2.2. Later Releases 30000
3. Manifesto 5000
"""
COLLECTION = """
Fairy Stories 900
  Abram S. Isaacs -
    A Four-leaved Clover 900
      I. The Rabbi 2000
      II. Friendship 3000
  Hans Christian Andersen -
    The Real Princess 5000
    The Fir Tree 17000
"""
BIBLE = """
Genesis 0
  1 3000
  2 2500
Exodus 0
  1 2000
  2 2500
"""
PLAY = """
Act I 0
  Scene I 4000
  Scene II 5000
Act II 0
  Scene I 4000
"""
LAW = """
Chương I. Những quy định chung 0
  Mục 1. Phạm vi 4000
  Mục 2. Nguyên tắc 3000
Chương II. Quyền 0
  Mục 1. Quyền sở hữu 5000
"""
WITH_NOTES = """
The Sea 9000
  Tides 3000
  Waves 4000
  Notes 2000
The Land 9000
  Hills 3000
  Rivers 4000
"""


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (TEXTBOOK, ["Preface", "1. Introduction", "2. Building a Better Book", "Index"]),
        (MANUAL, ["About this manual", "Binary packages", "Source packages", "Files"]),
        (NOVEL, ["Prologue", "Part One", "The Window", "Time Passes", "Part Two", "The Lighthouse"]),
        (UNNAMED_PARTS, ["Childhood", "Mother", "The River", "School", "Boyhood", "A Horse", "The City", "Winter"]),
        (MIXED, ["Chapter 1. Overview", "Part I. The Basic Knowledge", "Chapter 2. The Basics", "Chapter 3. Import", "Glossary"]),
        (ROOTED, ["A Guide for Maintainers", "Preface", "1. Overview", "2. Prerequisites", "3. Tools"]),
        (LARGEST_CHAPTER, ["1. Introduction", "2. A Detailed History", "3. Manifesto"]),
        (
            COLLECTION,
            [
                *("Fairy Stories", "Abram S. Isaacs", "A Four-leaved Clover"),
                *("Hans Christian Andersen", "The Real Princess", "The Fir Tree"),
            ],
        ),
        (BIBLE, ["Genesis", "1", "2", "Exodus", "1", "2"]),
        (PLAY, ["Act I", "Act II"]),
        (LAW, ["Chương I. Những quy định chung", "Chương II. Quyền"]),
        (WITH_NOTES, ["The Sea", "Notes", "The Land"]),
        ("One 5000\nTwo 5000", ["One", "Two"]),
        ("", []),
    ],
)
def test_chapters_are_told_from_sections(table: str, wanted: list[str]) -> None:
    assert chapters(table) == wanted


def test_a_table_in_no_order_is_read_all_the_same() -> None:
    toc = [Entry(title=title, path="", depth=depth) for title, depth in (("B", 1), ("b", 2), ("A", 1), ("a", 2), ("?", 3))]
    blocks = [Block(kind="paragraph", text="x" * 9_000)] * 4
    assert begin_chapters(toc, [2, 3, 0, 1, None], Extent.of(blocks)) == [True, False, True, False, False]
