"""Markdown becomes what a person would read aloud, in time and memory in proportion to its length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.errors import DocumentTooLarge, EmptyText, TextTooLong
from loa.reading import Limits, markdown, read
from loa.reading.document import Document


def document(source: str, limits: Limits | None = None) -> Document:
    return read(source.encode(), "a.md", limits)


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        ("# Title #\nText\nwraps.\n\nSecond **bold** and _soft_ ~~gone~~.", ["Title", "Text wraps.", "Second bold and soft gone."]),
        ("- one\n- two\n  more\n\n  again", ["one", "two more", "again"]),
        ("See [the docs](https://x.y/z) and <https://a.b>.", ["See the docs and https://a.b."]),
        ("Run `make demo` now.\n\n```sh\nrm -rf /\n```\n\n    indented code\n\nDone.", ["Run make demo now.", "Done."]),
        ("| Name | Age |\n|---|---|\n| Lan | 30 |\n| Minh | |\n", ["Name: Lan; Age: 30.", "Name: Minh."]),
        ("> quoted\n> text\n\n---\n\nend", ["quoted text", "end"]),
        ("Text\n\n---\n\nMore", ["Text", "More"]),
        ("Roses are red  \nViolets are blue  \nSugar is sweet", ["Roses are red\nViolets are blue\nSugar is sweet"]),
        ("<div align='x'>\n<b>Hi</b> there<script>bad()</script>\n</div>\n\n<!-- not\nsaid -->\n\nc &amp; d\\*", ["Hi there", "c & d*"]),
        ("x" * 10_001 + "*y*", ["x" * 10_001 + "*y*"]),
        ("\ufeffText\r\nwraps.\r\n", ["Text wraps."]),
    ],
)
def test_what_is_read(source: str, blocks: list[str]) -> None:
    (chapter,) = document(source).chapters
    assert [block.text for block in chapter.blocks] == blocks


def test_headings_make_chapters_and_the_one_above_all_is_the_title() -> None:
    made = document("# Book\n\nBy me.\n\n## One\n\na\n\n### Deep\n\nb\n\n## Two\n\nc\n\n## Notes\n\nd")
    assert made.title == "Book"
    assert [(chapter.title, chapter.matter, len(chapter.blocks)) for chapter in made.chapters] == [
        ("Book", "body", 2), ("One", "body", 4), ("Two", "body", 2), ("Notes", "back", 2)
    ]  # fmt: skip


def test_front_matter_says_what_the_document_is() -> None:
    made = document('---\r\ntitle: "Truyện Kiều"\r\nauthor: Nguyễn Du\r\nlang: vi\r\ntags: [x]\r\n---\r\n\r\n# Một\r\n\r\nTrăm năm.')
    assert (made.title, made.author, made.language) == ("Truyện Kiều", "Nguyễn Du", "vi")
    assert [block.text for block in made.chapters[0].blocks] == ["Một", "Trăm năm."]


def test_footnotes_are_taken_out_of_their_sentences() -> None:
    body, notes = document("One[^1] sentence.\n\n[^1]: The note.").chapters
    assert [block.text for block in body.blocks] == ["One sentence."]
    assert (notes.matter, notes.role, [block.text for block in notes.blocks]) == ("back", "notes", ["The note."])


@given(st.text(alphabet=st.sampled_from("ab \n#*_`[]()<>!|-1.>\\&;~\"'^:"), max_size=200))
def test_no_markdown_breaks_the_reader(source: str) -> None:
    try:
        made = document(source)
    except EmptyText:
        return
    assert all(block.text.strip() for chapter in made.chapters for block in chapter.blocks)


@pytest.mark.parametrize(
    "mark", ["[", "<!--", "<?", "<script>", ">", "- ", "*a ", "`", "<a ", "![", "&amp", "\\", "](", "<b '", "[^", "[^a]: x\n\n", "- a\n"]
)
def test_reading_takes_time_in_proportion_to_the_length(mark: str) -> None:
    """Ten times the length in less than thirty times the time: with one that reads in the square of the length it would be a hundred."""
    parser = markdown.parser(Limits())

    def seconds(length: int) -> float:
        source = "<div>\n" * (mark[0] == "<") + mark * (length // len(mark))
        began = time.process_time()
        parser.render(source)
        return time.process_time() - began

    parser.render("warm")
    assert min(seconds(100_000) for _ in range(2)) < 30 * max(seconds(10_000), 0.01)


def test_it_has_limits() -> None:
    with pytest.raises(TextTooLong):
        document("Hello.", Limits(characters=5))
    with pytest.raises(DocumentTooLarge, match="more than 100 parts"):
        document("a\n\n" * 101, Limits(blocks=100))
    with pytest.raises(DocumentTooLarge, match="more than 10 headings"):
        document("# a\n" * 11, Limits(outline=10))
