"""What a listener hears of markup."""

from __future__ import annotations

import time

import pytest

from loa.errors import TextTooLong
from loa.reading import xml
from loa.reading.limits import Limits
from loa.reading.page import Page
from loa.reading.walk import page_of
from tests.unit.reading.epub_maker import xhtml


def page(body: str) -> Page:
    return page_of(xml.markup(xhtml(body), Limits()), Limits())


def heard(body: str) -> list[tuple[str, str]]:
    return [(passage.block.kind, passage.block.text) for passage in page(body).passages if not passage.is_note]


def text(body: str) -> str:
    return " | ".join(spoken for _, spoken in heard(body))


CASES = {
    "headings": ("<h2>One</h2><p>Two.</p>", [("heading", "One"), ("paragraph", "Two.")]),
    "number above a title": ("<h1>CHAPTER I<br/>Loomings</h1>", [("heading", "CHAPTER I. Loomings")]),
    "title in two lines": ("<h1>The Call<br/>of the Wild</h1>", [("heading", "The Call of the Wild")]),
    "heading by class": ('<p class="chapter-title">One</p><p>Two.</p>', [("heading", "One"), ("paragraph", "Two.")]),
    "items": ("<ul><li>One</li><li><p>Two</p><ul><li>Three</li></ul></li></ul>", [("item", "One"), ("item", "Two"), ("item", "Three")]),
    "terms": ("<dl><dt>Loa</dt><dd>A speaker.</dd></dl>", [("item", "Loa"), ("item", "A speaker.")]),
    "links": ('<p>See <a href="http://x.org">the site</a>.</p>', [("paragraph", "See the site.")]),
    "spans": ("<p>H<span>el</span>lo <b>you</b><i>!</i></p>", [("paragraph", "Hello you!")]),
    "blanks": ("<p>One\n   two&#160;three</p>", [("paragraph", "One two three")]),
    "soft hyphens": ("<p>li\u00adsten\u200bing</p>", [("paragraph", "listening")]),
    "text beside blocks": ("One<p>Two</p>Three", [("paragraph", "One"), ("paragraph", "Two"), ("paragraph", "Three")]),
    "ornaments": ("<p>One.</p><p>* * *</p><p>Two.</p>", [("paragraph", "One."), ("paragraph", "Two.")]),
    "code": ("<p>Use <code>ls</code>:</p><pre>if (a[0] == 1) { b(); }</pre>", [("paragraph", "Use ls:")]),
    "preformatted verse": ("<pre>Roses are red,\nViolets are blue</pre>", [("verse", "Roses are red,\nViolets are blue")]),
    "hidden": ('<p hidden="hidden">a</p><p aria-hidden="true">b</p><p style="display: none">c</p><p>d</p>', [("paragraph", "d")]),
    "scripts": ("<p>a</p><script>b</script><style>c</style>", [("paragraph", "a")]),
    "ruby": ("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字</p>", [("paragraph", "漢字")]),
    "ruby of Hán": ("<p>chữ <ruby>國<rt>quốc</rt></ruby></p>", [("paragraph", "chữ quốc")]),
    "formula with words": ('<p>Area <math alttext="pi r squared"><mi>π</mi></math>.</p>', [("paragraph", "Area pi r squared.")]),
    "exponents": ("<p>10<sup>5</sup> m<sup>2</sup>, the 1<sup>st</sup>, H<sub>2</sub>O</p>", [("paragraph", "10⁵ m², the 1st, H2O")]),
    "two breaks": ("<p>One.<br/><br/>Two.</p>", [("paragraph", "One."), ("paragraph", "Two.")]),
    "an address": ("<p>Ann<br/>12 High Street<br/>London</p>", [("verse", "Ann\n12 High Street\nLondon")]),
    "switch": ("<p><epub:switch><epub:case>a</epub:case><epub:default>b</epub:default></epub:switch></p>", [("paragraph", "b")]),
}


@pytest.mark.parametrize("case", CASES)
def test_blocks(case: str) -> None:
    body, expected = CASES[case]
    assert heard(body) == expected


def test_prose_that_a_machine_has_wrapped_is_one_paragraph() -> None:
    lines = (
        "It was a bright cold day in April, and the clocks were",
        "striking thirteen. Winston Smith, his chin nuzzled into",
        "his breast.",
    )
    assert heard(f"<p>{'<br/>'.join(lines)}</p>") == [("paragraph", " ".join(lines))]


def test_levels_of_headings() -> None:
    assert [passage.block.level for passage in page("<h1>a</h1><h4>b</h4><p>c</p>").passages] == [1, 4, 0]


# Verse

POEMS = {
    "paragraphs": '<div class="poem"><p>One,</p><p>two.</p></div>',
    "breaks": '<p epub:type="z3998:verse">One,<br/>two.</p>',
    "spans": '<div class="stanza"><span class="i0">One,<br/></span><span class="i2">two.<br/></span></div>',
    "spans and breaks": '<blockquote epub:type="z3998:poem"><p><span>One,</span><br/><span class="i1">two.</span></p></blockquote>',
    "lines of the file": '<div class="block extract-verse">\n  One,\n  Two.</div>',
}


@pytest.mark.parametrize("poem", POEMS)
def test_verse_keeps_its_lines(poem: str) -> None:
    [(kind, text)] = heard(POEMS[poem])
    assert (kind, text.lower()) == ("verse", "one,\ntwo.")


@pytest.mark.parametrize(
    "gap", ['</div><div class="stanza">', "<p>&#160;</p>", "<p></p>"], ids=["stanzas", "a blank line", "an empty line"]
)
def test_stanzas_are_blocks(gap: str) -> None:
    body = f'<div class="poem"><div class="stanza"><p>One</p><p>two</p>{gap}<p>three</p></div></div>'
    assert heard(body) == [("verse", "One\ntwo"), ("verse", "three")]


def test_long_lines_that_are_called_verse_are_paragraphs() -> None:
    assert heard(f'<p class="verse">{"word " * 60}</p>')[0][0] == "paragraph"


# Notes and page numbers


@pytest.mark.parametrize(
    "mark",
    [
        '<a epub:type="noteref" href="#n1">1</a>',
        '<a role="doc-noteref" href="#n1">*</a>',
        '<sup><a href="#n1">1</a></sup>',
        '<a href="notes.xhtml#n1"><sup>12</sup></a>',
        '<sup class="reference" id="r1"><a href="#n1">[3]</a></sup>',
        '<a class="footnote-ref" href="#n1">1</a>',
        '<a href="#n1">[1]</a>',
        '<a href="#n1">†</a>',
        '<a href="#n1">1</a>',
        "<sup>7</sup>",
        "<sup>*</sup>",
    ],
)
def test_marks_of_notes_are_left_out(mark: str) -> None:
    found = page(f"<p>He spoke.{mark} She did not.</p>")
    assert [passage.block.text for passage in found.passages] == ["He spoke. She did not."]
    assert found.omitted["footnote mark"] == 1


@pytest.mark.parametrize(
    "kept",
    [
        'see <a href="#c3">chapter 3</a>',
        'see chapter <a href="#c3">3</a>',
        '<a epub:type="annoref" href="#a">warrior</a> brave',
        "in 10<sup>2</sup>",
    ],
)
def test_words_that_are_no_marks_stay(kept: str) -> None:
    assert page(f"<p>Look, {kept}.</p>").omitted["footnote mark"] == 0
    assert heard(f"<p>Look, {kept}.</p>")[0][1].startswith("Look, ")


@pytest.mark.parametrize(
    "note",
    [
        '<aside epub:type="footnote" id="n1"><p>A note.</p></aside>',
        '<div role="doc-footnote"><p>A note.</p></div>',
        '<p class="footnote">A note.</p>',
        '<div class="footnotes"><p>A note.</p></div>',
        '<li epub:type="endnote"><p>A note. <a href="#r1">↩</a></p></li>',
    ],
)
def test_notes_are_apart(note: str) -> None:
    found = page(f"<p>Text.</p>{note}<p>More.</p>")
    assert [(passage.block.text, passage.is_note) for passage in found.passages] == [("Text.", False), ("A note.", True), ("More.", False)]


def test_a_note_within_a_paragraph_does_not_cut_it() -> None:
    assert text('<p>One <aside epub:type="footnote">note</aside> two.</p>') == "One two."


def test_notes_without_markup_are_found_by_their_marks() -> None:
    found = page("<p>A whale is a fish.* Hence this.</p><p>Next.</p><p>*It is none.</p>")
    assert [(passage.block.text, passage.is_note) for passage in found.passages] == [
        ("A whale is a fish. Hence this.", False),
        ("Next.", False),
        ("It is none.", True),
    ]
    assert found.omitted["footnote mark"] == 1


def test_a_star_without_a_mark_before_it_is_text() -> None:
    assert text("<p>A whale.</p><p>*It is none.</p>") == "A whale. | *It is none."


@pytest.mark.parametrize(
    "number",
    [
        '<span epub:type="pagebreak" title="12">12</span>',
        '<span role="doc-pagebreak" aria-label="12">12</span>',
        '<span class="pagenum">[Pg 12]</span>',
        '<a class="pagenum" id="Page_12">12</a>',
        '<span class="lnum">12</span>',
    ],
)
def test_page_numbers_are_left_out(number: str) -> None:
    found = page(f"<p>One {number}two.</p>")
    assert [passage.block.text for passage in found.passages] == ["One two."]
    assert found.omitted["page number"] == 1


# Tables

TABLES = {
    "headers": (
        "<table><tr><th>Year</th><th>Pages</th></tr><tr><td>1851</td><td>635</td></tr></table>",
        [("row", "Year: 1851; Pages: 635.")],
    ),
    "head": (
        "<table><thead><tr><td>Year</td><td>Pages</td></tr></thead><tbody><tr><td>1851</td><td>635</td></tr></tbody></table>",
        [("row", "Year: 1851; Pages: 635.")],
    ),
    "rows that are named": (
        "<table><tr><th></th><th>Low</th><th>High</th></tr><tr><th>May</th><td>7</td><td>19</td></tr></table>",
        [("row", "May. Low: 7; High: 19.")],
    ),
    "no headers": ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td></td></tr></table>", [("row", "a; b."), ("row", "c.")]),
    "spanning rows": (
        '<table><tr><th>A</th><th>B</th></tr><tr><td rowspan="2">x</td><td>1</td></tr><tr><td>2</td></tr></table>',
        [("row", "A: x; B: 1."), ("row", "A: x; B: 2.")],
    ),
    "caption": (
        "<table><caption>Sizes</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>",
        [("paragraph", "Sizes"), ("row", "A: 1; B: 2.")],
    ),
    "paragraphs in cells": (
        "<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr><tr><td>d</td><td>e</td></tr></table>",
        [("row", "a b; c."), ("row", "d; e.")],
    ),
    "layout": ("<table><tr><td><p>One.</p></td></tr><tr><td><p>Two.</p></td></tr></table>", [("paragraph", "One."), ("paragraph", "Two.")]),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_tables_are_sentences(case: str) -> None:
    body, expected = TABLES[case]
    assert heard(body) == expected


# Pictures


@pytest.mark.parametrize(
    ("alt", "spoken"),
    [
        ("A whale beneath a small boat", "A whale beneath a small boat."),
        ("Một con cá voi dưới thuyền", "Một con cá voi dưới thuyền."),
        ("", ""),
        ("image", ""),
        ("cover image of the book", ""),
        ("fig 3.png", ""),
        ("IMG_0001.jpg", ""),
        ("Logo", ""),
    ],
)
def test_descriptions_of_pictures_are_spoken_where_they_mean_something(alt: str, spoken: str) -> None:
    found = page(f'<figure><img src="x.png" alt="{alt}"/></figure>')
    assert [passage.block.text for passage in found.passages] == ([spoken] if spoken else [])
    assert found.pictures == 1
    assert found.omitted["picture without a description"] == (not spoken)


def test_a_description_that_repeats_the_caption_is_not_spoken() -> None:
    assert (
        text('<figure><img alt="The great white whale"/><figcaption>Fig. 1. The great white whale</figcaption></figure>')
        == "Fig. 1. The great white whale"
    )


def test_a_picture_of_a_letter_is_the_letter() -> None:
    assert text('<p><img src="c.png" alt="C"/>all me Ishmael.</p>') == "Call me Ishmael."


# Languages


def test_languages_of_blocks() -> None:
    body = '<p>Hello.</p><p xml:lang="fr">Bonjour.</p><p><i lang="la">Veni, vidi.</i></p><p>Say <i lang="la">veni</i>.</p>'
    assert [passage.block.language for passage in page(body).passages] == [None, "fr", "la", None]


def test_the_language_of_the_page_is_no_language_of_blocks() -> None:
    found = page_of(xml.markup(xhtml("<p>Xin chào.</p>", attributes='xml:lang="en"'), Limits()), Limits())
    assert found.language == "en"
    assert found.passages[0].block.language is None


# Places


def test_anchors_stand_at_the_text_that_follows() -> None:
    found = page(
        '<a id="a"/><h1 id="b">One</h1><div id="c"><span id="d"/><p>Two <i id="e">x</i><a name="f"/></p></div>'
        '<p id="g">Three</p><p id="h"/>'
    )
    assert found.anchors == {"a": 0, "b": 0, "c": 1, "d": 1, "e": 1, "f": 2, "g": 2, "h": 3}


def test_too_much_text_is_refused_while_it_is_collected() -> None:
    limits = Limits(characters=100)
    with pytest.raises(TextTooLong):
        page_of(xml.markup(xhtml("<p>" + "word " * 30 + "</p>"), limits), limits)


def test_marks_of_one_paragraph_belong_to_as_many_notes() -> None:
    found = page("<p>One[1] and two.[2]</p><p>[Footnote 1: A note.]</p><p>[2] Another.</p>")
    assert [passage.block.text for passage in found.passages] == ["One and two.", "A note.", "Another."]
    assert found.omitted["footnote mark"] == 2


def test_a_note_is_near_its_star() -> None:
    assert not any(passage.is_note for passage in page("<p>A whale.*</p>" + "<p>More.</p>" * 20 + "<p>*It is none.</p>").passages)


HOSTILE = {
    "cells": "<table>" + ("<tr>" + "<td>b</td>" * 300 + "</tr>") * 60 + "</table>",
    "small tables": "<table><tr><td>a</td><td>b</td></tr><tr><td>a</td><td>b</td></tr></table>" * 3_000,
    "cells that span": "<table>" + "<tr><td colspan='999' rowspan='999'>a</td></tr>" * 3_000 + "</table>",
    "lines of a poem": '<div class="poem">' + "<p>line</p>" * 20_000 + "</div>",
    "lines in spans": '<div class="poem">' + '<span class="line">line</span>' * 20_000 + "</div>",
    "captions": "<figure>" + '<img alt="one two three four"/>' * 10_000 + f"<figcaption>{'cap ' * 10_000}</figcaption></figure>",
    "superscripts": "<p>" + "a<sup>1</sup>" * 30_000 + "</p>",
    "superscripts that stay open": "<p>" + "a<sup>1</sup>" * 30_000,
    "marks": "<p>" + 'a<a href="#x">1</a>' * 30_000 + "</p>",
    "breaks": "<p>" + "a<br/>" * 50_000 + "</p>",
    "ids": "<p>" + "".join(f'<i id="a{place}"/>' for place in range(50_000)) + "x</p>",
    "stars": ("<p>x* * * *</p>" * 10 + "<p>*y</p>") * 1_500,
    "notes that nothing marks": "<p>a</p>" * 10_000 + "<p>[1] b</p>" * 5_000,
    "notes in a paragraph": "<p>x" + '<span epub:type="footnote">n</span>' * 10_000 + "</p>",
    "classes": "".join(f'<p class="c{place} menu{place}">x</p>' for place in range(10_000)),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_with_the_length_of_a_page_and_no_faster(kind: str) -> None:
    content = xhtml(HOSTILE[kind])
    begun = time.process_time()
    page_of(xml.markup(content, Limits()), Limits())
    assert time.process_time() - begun < 5
