"""Books: chapters, metadata, and what broken ones are read as."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loa.errors import EncryptedDocument, ImageOnlyDocument, UnreadableDocument
from loa.reading import epub as reader
from loa.reading.document import Document
from loa.reading.limits import Limits
from tests.unit.reading.epub_maker import CONTAINER, JPEG, LINES, PNG, PROSE, TWO, archive, chapter, epub, line, nav, point, xhtml


def read(content: bytes, limits: Limits | None = None) -> Document:
    return reader.read(content, limits or Limits())


def titles(document: Document, matter: str = "body") -> list[str]:
    return [chapter.title for chapter in document.chapters if chapter.matter == matter]


def starts(document: Document) -> list[str]:
    """The first block of each chapter of text."""
    return [chapter.blocks[0].text for chapter in document.chapters if chapter.matter == "body"]


POINTS = point("One", "one.xhtml") + point("Two", "two.xhtml")
FRAGMENTS = xhtml("".join(f'<section id="c{number}"><h2>Chapter {number}</h2><p>{PROSE}</p></section>' for number in (1, 2, 3)))


# Tables of contents


@pytest.mark.parametrize("contents", [{"toc": LINES}, {"points": POINTS}, {"toc": LINES, "points": point("Wrong", "one.xhtml")}, {}])
def test_chapters_of_both_kinds_of_tables_and_of_none(contents: dict[str, str]) -> None:
    assert titles(read(epub(TWO, **contents))) == ["One", "Two"]


def test_fragments_cut_one_file() -> None:
    toc = "".join(line(f"The {number}.", f"all.xhtml#c{number}") for number in (1, 2, 3))
    document = read(epub({"all.xhtml": FRAGMENTS}, toc=toc))
    assert titles(document) == ["The 1.", "The 2.", "The 3."]
    assert starts(document) == ["Chapter 1", "Chapter 2", "Chapter 3"]


def test_several_files_make_one_chapter() -> None:
    pages = {"one.xhtml": chapter("One"), "one-b.xhtml": xhtml(f"<p>More. {PROSE}</p>"), "two.xhtml": chapter("Two")}
    document = read(epub(pages, toc=LINES))
    assert titles(document) == ["One", "Two"]
    assert len(document.chapters[0].blocks) == 3


def test_nested_entries_become_chapters_and_headings_of_parts_are_spoken_with_them() -> None:
    pages = {
        "part.xhtml": xhtml("<h1>PART ONE</h1>"),
        "one.xhtml": chapter("One"),
        "part2.xhtml": chapter("PART TWO"),
        "two.xhtml": chapter("Two"),
    }
    toc = line("Part One", "part.xhtml", line("One", "one.xhtml")) + line("Part Two", "part2.xhtml", line("Two", "two.xhtml"))
    document = read(epub(pages, toc=toc))
    assert titles(document) == ["One", "Part Two", "Two"]
    assert starts(document) == ["PART ONE", "PART TWO", "Two"]


def test_chapters_of_one_name_are_named_with_their_parts() -> None:
    pages = {name: chapter("1") for name in ("a.xhtml", "b.xhtml")}
    toc = "".join(
        f"<li><span>{part}</span><ol>{line('Chapter 1', name)}</ol></li>" for part, name in (("Part A", "a.xhtml"), ("Part B", "b.xhtml"))
    )
    assert titles(read(epub(pages, toc=toc))) == ["Part A: Chapter 1", "Part B: Chapter 1"]


def test_of_entries_at_one_place_the_most_special_counts() -> None:
    assert titles(read(epub(TWO, toc=line("Part", "one.xhtml", LINES)))) == ["One", "Two"]


def test_sections_of_a_textbook_stay_in_its_chapters_also_on_pages_of_their_own() -> None:
    pages = {
        "preface.xhtml": chapter("Preface"),
        "contact.xhtml": chapter("How to Contact Us"),
        "one.xhtml": xhtml(f'<h1>1. One</h1><p>{PROSE}</p><h2 id="a">The First</h2><p>{PROSE}</p>'),
        "one-b.xhtml": chapter("The Second"),
        "two.xhtml": chapter("2. Two"),
    }
    toc = (
        line("Preface", "preface.xhtml", line("How to Contact Us", "contact.xhtml"))
        + line("1. One", "one.xhtml", line("The First", "one.xhtml#a") + line("The Second", "one-b.xhtml"))
        + line("2. Two", "two.xhtml")
    )
    document = read(epub(pages, toc=toc))
    assert titles(document, "front") == ["Preface"]
    assert titles(document) == ["1. One", "2. Two"]
    headings = [block.text for block in document.chapters[1].blocks if block.kind == "heading"]
    assert headings == ["1. One", "The First", "The Second"]


def test_a_list_of_what_is_in_a_chapter_is_not_read() -> None:
    listed = "<p><b>Table of Contents</b></p><ul><li><a href='#a'>A</a></li><li><a href='#b'>B</a></li></ul>"
    page = xhtml(f'<h1>One</h1>{listed}<h2 id="a">A</h2><p>{PROSE}</p><h2>B</h2><p>{PROSE}</p>')
    document = read(epub({**TWO, "one.xhtml": page}, toc=LINES))
    assert starts(document) == ["One", "Two"]
    assert [len(chapter.blocks) for chapter in document.chapters] == [5, 2]
    assert document.omissions == ("2 lines of a table of contents",)


def test_other_lists_are_read_under_whatever_name() -> None:
    box = "<h2>Contents</h2><ul><li>One charger</li><li>One phone</li><li>Warning: read the manual.</li></ul>"
    document = read(epub({**TWO, "one.xhtml": xhtml(f"<h1>One</h1>{box}<p>{PROSE}</p>")}, toc=LINES))
    assert [block.kind for block in document.chapters[0].blocks] == ["heading", "heading", *["item"] * 3, "paragraph"]
    assert document.omissions == ()


def test_a_chapter_behind_a_list_that_is_left_out_keeps_its_name() -> None:
    listed = '<h2 id="c">Contents</h2><ul><li>Chapter I</li><li>Chapter II</li></ul>'
    text = "".join(f'<h2 id="c{number}">Chapter {numeral}</h2><p>{PROSE}</p>' for number, numeral in ((1, "I"), (2, "II")))
    points = point("Contents", "all.xhtml#c") + point("Chapter I", "all.xhtml#c1") + point("Chapter II", "all.xhtml#c2")
    assert titles(read(epub({"all.xhtml": xhtml(listed + text)}, points=points))) == ["Chapter I", "Chapter II"]


def test_pictures_that_open_chapters_or_sections_change_no_chapters() -> None:
    plate = xhtml('<img src="1.png" alt="1"/>')
    pages = {
        "a.xhtml": plate,
        "a1.xhtml": chapter("1.1. One"),
        "a2.xhtml": plate,
        "a3.xhtml": chapter("1.3. Three"),
        "b.xhtml": chapter("B"),
    }
    sections = line("1.1. One", "a1.xhtml") + line("1.2. Two", "a2.xhtml") + line("1.3. Three", "a3.xhtml")
    document = read(epub(pages, toc=line("1. Name", "a.xhtml", sections) + line("2. Next", "b.xhtml")))
    assert titles(document) == ["1. Name", "2. Next"]
    assert starts(document) == ["1.1. One", "B"]


def test_a_page_of_contents_can_be_asked_for() -> None:
    page = xhtml("<h1>Contents</h1><ul><li>One</li><li>Two</li></ul>")
    document = read(epub({"contents.xhtml": page, **TWO}, toc=LINES))
    assert [(chapter.matter, chapter.role, len(chapter.blocks)) for chapter in document.chapters[:1]] == [("front", "contents", 3)]


@pytest.mark.parametrize(
    "href",
    ["one%20a.xhtml", "/OEBPS/one%20a.xhtml", "./x/../one%20a.xhtml", "ONE A.xhtml", "one a.xhtml#nowhere", "file:///C:/x/one%20a.xhtml"],
)
def test_references_however_they_are_written(href: str) -> None:
    pages = {"zero.xhtml": chapter("Zero"), "one a.xhtml": chapter("One")}
    assert titles(read(epub(pages, toc=line("0", "zero.xhtml") + line("1", href)))) == ["0", "1"]


def test_an_entry_whose_id_is_nowhere_is_found_by_its_heading() -> None:
    toc = "".join(line(f"Chapter {number}", f"all.xhtml#x{number}") for number in (1, 2, 3))
    assert starts(read(epub({"all.xhtml": FRAGMENTS}, toc=toc))) == ["Chapter 1", "Chapter 2", "Chapter 3"]


def test_an_entry_behind_its_own_heading() -> None:
    page = xhtml(f'<p>{PROSE}</p><h2>Chapter 2</h2><h3 id="x">Two</h3><p>{PROSE}</p>')
    document = read(epub({"all.xhtml": page}, toc=line("Chapter 1", "all.xhtml") + line("Chapter 2: Two", "all.xhtml#x")))
    assert [[block.text for block in chapter.blocks if block.kind == "heading"] for chapter in document.chapters] == [
        [],
        ["Chapter 2", "Two"],
    ]


def test_the_order_is_that_of_the_book() -> None:
    assert titles(read(epub(TWO, toc=line("Two", "two.xhtml") + line("One", "one.xhtml")))) == ["One", "Two"]


def test_a_plate_with_a_number_names_the_chapter_behind_it() -> None:
    pages = {"plate.xhtml": xhtml('<img src="1.png" alt="1"/>'), "one.xhtml": xhtml(f"<p>{PROSE}</p>"), "two.xhtml": chapter("Two")}
    assert titles(read(epub(pages, toc=line("Chapter One", "plate.xhtml") + line("Two", "two.xhtml")))) == ["Chapter One", "Two"]


# Without a table of contents


def test_headings_make_chapters() -> None:
    assert titles(read(epub({"all.xhtml": FRAGMENTS}))) == ["Chapter 1", "Chapter 2", "Chapter 3"]


def test_lines_that_read_like_headings_make_chapters() -> None:
    body = "".join(f"<p>Chương {number}</p><p>{PROSE}</p>" for number in (1, 2, 3))
    assert titles(read(epub({"all.xhtml": xhtml(body)}))) == ["Chương 1", "Chương 2", "Chương 3"]


def test_files_make_chapters_where_nothing_else_does() -> None:
    pages = {f"{number}.xhtml": xhtml(f"<p>{PROSE}</p>", title=f"The {number}.") for number in (1, 2, 3)}
    assert titles(read(epub(pages))) == ["The 1.", "The 2.", "The 3."]


# Front and back matter

FRONT = {
    "cover.xhtml": xhtml('<img src="c.jpg" alt="Cover"/>'),
    "title.xhtml": xhtml("<h1>A Book</h1><p>Ann Author</p>"),
    "rights.xhtml": xhtml('<section epub:type="copyright-page"><p>Copyright 2020.</p></section>'),
}
BACK = {
    "thanks.xhtml": chapter("Acknowledgments", "Thank you."),
    "index.xhtml": xhtml('<section epub:type="index"><h1>Things</h1><ul><li>Whale, 3</li></ul></section>'),
}


def test_front_and_back_matter() -> None:
    document = read(epub(FRONT | TWO | BACK, toc=LINES + line("Acknowledgments", "thanks.xhtml")))
    assert [(chapter.matter, chapter.role) for chapter in document.chapters] == [
        ("front", "titlepage"),
        ("front", "copyright"),
        ("body", "chapter"),
        ("body", "chapter"),
        ("back", "acknowledgments"),
        ("back", "index"),
    ]


def test_landmarks_and_guides_say_where_reading_begins() -> None:
    pages = {"words.xhtml": chapter("Words", "A few."), **TWO}
    toc = line("Words", "words.xhtml") + LINES
    for marked in (
        epub(pages, toc=toc, landmarks='<li><a epub:type="bodymatter" href="one.xhtml">Start</a></li>'),
        epub(pages, points=point("Words", "words.xhtml") + POINTS, guide='<reference type="text" title="Start" href="one.xhtml"/>'),
    ):
        assert titles(read(marked), "front") == ["Words"]
        assert titles(read(marked)) == ["One", "Two"]


def test_the_table_of_contents_is_no_chapter_of_text() -> None:
    content = epub({"nav.xhtml": nav(LINES), **TWO}, toc=LINES)
    assert next((chapter.matter, chapter.role) for chapter in read(content).chapters) == ("front", "contents")


def test_what_is_set_aside_comes_last() -> None:
    pages = {"one.xhtml": chapter("One"), "aside.xhtml": chapter("Answers"), "two.xhtml": chapter("Two")}
    document = read(epub(pages, toc=LINES, aside=["aside.xhtml"]))
    assert [(chapter.title, chapter.matter) for chapter in document.chapters] == [("One", "body"), ("Two", "body"), ("Answers", "back")]


def test_sections_of_one_file_are_told_apart() -> None:
    body = (
        '<section epub:type="frontmatter"><h1>A Book</h1></section>'
        f'<section epub:type="bodymatter"><div id="c1"><h2>One</h2><p>{PROSE}</p></div></section>'
        '<section epub:type="backmatter"><h2>More</h2><p>Words.</p></section>'
    )
    document = read(epub({"all.xhtml": xhtml(body)}, toc=line("One", "all.xhtml#c1")))
    assert [(chapter.title, chapter.matter) for chapter in document.chapters] == [("A Book", "front"), ("One", "body"), ("More", "back")]


# Notes


def test_notes_are_collected_behind_the_text() -> None:
    pages = {
        "one.xhtml": xhtml(
            f'<h1>One</h1><p>{PROSE}<a epub:type="noteref" href="#n">1</a></p><aside epub:type="footnote" id="n">A note.</aside>'
        ),
        "two.xhtml": xhtml(f'<h1>Two</h1><p>{PROSE}<sup><a href="notes.xhtml#n2">2</a></sup></p>'),
        "notes.xhtml": xhtml('<section epub:type="endnotes"><h1>Remarks</h1><p id="n2"><a href="two.xhtml#r">2</a> Another.</p></section>'),
    }
    document = read(epub(pages, toc=LINES))
    assert [(chapter.title, chapter.matter, chapter.role) for chapter in document.chapters][2:] == [("Notes", "back", "notes")]
    assert [block.text for block in document.chapters[2].blocks] == ["A note.", "Remarks", "2. Another."]
    assert document.omissions == ("2 footnote marks",)


def test_a_chapter_of_notes_that_is_listed_stays_one() -> None:
    pages = TWO | {"notes.xhtml": xhtml('<h1>Remarks</h1><div epub:type="rearnotes"><div epub:type="rearnote"><p>A note.</p></div></div>')}
    document = read(epub(pages, toc=LINES + line("Notes", "notes.xhtml")))
    assert [(chapter.title, chapter.role, len(chapter.blocks)) for chapter in document.chapters][-1] == ("Notes", "notes", 2)


def test_notes_in_other_files_that_nothing_calls_so() -> None:
    pages = {
        "one.xhtml": xhtml(f'<h1>One</h1><p>{PROSE}<a id="r1" href="end.xhtml#n1">[1]</a></p>'),
        "end.xhtml": xhtml('<h1>Two</h1><p>Text.</p><p><a id="n1" href="one.xhtml#r1">[1]</a> A note.</p>'),
    }
    document = read(epub(pages, toc=line("One", "one.xhtml") + line("Two", "end.xhtml")))
    assert [block.text for chapter in document.chapters for block in chapter.blocks][2:] == ["Two", "Text.", "1. A note."]
    assert document.chapters[-1].role == "notes"


# Metadata and covers


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("<dc:title>T</dc:title><dc:creator>A</dc:creator><dc:language>en-us</dc:language>", ("T", "A", "en-US")),
        (
            (
                '<dc:title id="s">Sub</dc:title><dc:title id="t">Main</dc:title><meta refines="#t" property="title-type">main</meta>'
                "<dc:creator>A</dc:creator><dc:creator>B</dc:creator><dc:creator>C</dc:creator><dc:language>eng</dc:language>"
            ),
            ("Main", "A, B and C", "en"),
        ),
        (
            (
                '<dc:title>T</dc:title><dc:creator opf:role="trl">X</dc:creator><dc:creator opf:role="aut">A</dc:creator>'
                '<dc:creator opf:role="aut">B</dc:creator><dc:language>vie</dc:language>'
            ),
            ("T", "A và B", "vi"),
        ),
        (
            (
                '<dc:title>T</dc:title><dc:creator id="a">A</dc:creator><meta refines="#a" property="role">aut</meta>'
                '<dc:creator id="b">B</dc:creator><meta refines="#b" property="role">ill</meta><dc:language>de_AT</dc:language>'
            ),
            ("T", "A", "de-AT"),
        ),
        ("<dc:title>T</dc:title><dc:creator>A</dc:creator><dc:creator>A</dc:creator><dc:language>und</dc:language>", ("T", "A", "vi")),
        ("<dc:title>Unknown</dc:title><dc:creator>Unknown</dc:creator>", ("The head", None, "vi")),
        ("", ("The head", None, "vi")),
    ],
)
def test_metadata(metadata: str, expected: tuple[str | None, str | None, str | None]) -> None:
    page = xhtml(f"<h1>One</h1><p>{PROSE}</p>", title="The head", attributes='lang="vi"')
    document = read(epub({"one.xhtml": page}, metadata=metadata))
    assert (document.title, document.author, document.language) == expected


COVER = '<item id="pic" href="c.jpg" media-type="image/jpeg"/>'


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (lambda: epub(TWO, manifest=COVER.replace("/>", ' properties="cover-image"/>'), files={"OEBPS/c.jpg": JPEG}), "image/jpeg"),
        (lambda: epub(TWO, manifest=COVER, metadata='<meta name="cover" content="pic"/>', files={"OEBPS/c.jpg": PNG}), "image/png"),
        (lambda: epub(TWO, manifest=COVER, metadata='<meta name="cover" content="c.jpg"/>', files={"OEBPS/c.jpg": JPEG}), "image/jpeg"),
        (
            lambda: epub(FRONT | TWO, manifest=COVER, guide='<reference type="cover" href="cover.xhtml"/>', files={"OEBPS/c.jpg": JPEG}),
            "image/jpeg",
        ),
        (lambda: epub(FRONT | TWO, manifest=COVER, files={"OEBPS/c.jpg": JPEG}), "image/jpeg"),
        (
            lambda: epub(TWO, manifest='<item id="x" href="img/Cover.png" media-type="image/png"/>', files={"OEBPS/img/Cover.png": PNG}),
            "image/png",
        ),
        (lambda: epub(TWO, manifest=COVER, metadata='<meta name="cover" content="pic"/>', files={"OEBPS/c.jpg": b"GIF89a"}), None),
        (lambda: epub(TWO, metadata='<meta name="cover" content="nothing"/>'), None),
    ],
    ids=["property", "meta", "meta by name", "guide", "first page", "name", "no picture", "nothing"],
)
def test_covers(content: Callable[[], bytes], media_type: str | None) -> None:
    cover = read(content()).cover
    assert (cover.media_type if cover is not None else None) == media_type


# Broken books


@pytest.mark.parametrize(
    "content",
    [
        lambda: epub(TWO, toc=LINES, files={"mimetype": "text/plain"}),
        lambda: epub({"one.xhtml": chapter("One").replace("</p>", "<br></p>&nbsp;"), "two.xhtml": chapter("Two")}, toc=LINES),
        lambda: epub({name: page.encode("utf-16") for name, page in TWO.items()}, toc=LINES),
        lambda: epub({"ONE.XHTML": chapter("One"), "Two.xhtml": chapter("Two")}, toc=LINES),
        lambda: epub(TWO, toc=LINES.replace("</li>", "")),
        lambda: epub(TWO, points=POINTS + "</navPoint>"),
        lambda: epub(TWO, points=POINTS.replace("One<", "One &nbsp; <")),
        lambda: epub(TWO, toc="<li><span>Nothing</span></li>", points=POINTS),
        lambda: epub(TWO, toc=LINES, opf=BROKEN_OPF),
        lambda: archive({"package.opf": BROKEN_OPF, **TWO}),
        lambda: archive({"META-INF/CONTAINER.XML": UPPER_CONTAINER, "package.opf": BROKEN_OPF, **TWO}),
    ],
    ids=[
        "mimetype", "not well-formed", "UTF-16", "case", "open list", "open NCX", "entities", "empty nav", "broken package",
        "no container", "upper case",
    ],
)  # fmt: skip
def test_broken_books_are_read(content: Callable[[], bytes]) -> None:
    assert titles(read(content())) == ["One", "Two"]


UPPER_CONTAINER = CONTAINER.replace("OEBPS/package.opf", "PACKAGE.OPF")
BROKEN_OPF = (
    "<package><metadata><title>A &nbsp; B</title></metadata><manifest><item id='a' href='one.xhtml' media-type='text/plain'>"
    "<item id='b' href='/wrong/place/two.xhtml' media-type='image/png'></manifest><spine><itemref idref='nowhere'/></spine>"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: archive({"mimetype": "application/epub+zip"}), "package"),
        (lambda: archive({"META-INF/container.xml": "nothing"}), "damaged"),
        (lambda: b"PK\x03\x04 and so on", "damaged"),
        (lambda: epub(TWO)[:-40], "damaged"),
    ],
)
def test_what_is_no_book(content: Callable[[], bytes], message: str) -> None:
    with pytest.raises(UnreadableDocument, match=message):
        read(content())


# Protection

ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
    '<enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="{path}"/></enc:CipherData>'
    "</enc:EncryptedData></encryption>"
)
AES = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"


@pytest.mark.parametrize(
    ("files", "scheme"),
    [
        ({"META-INF/encryption.xml": ENCRYPTION.format(algorithm=AES, path="OEBPS/one.xhtml")}, "DRM"),
        ({"META-INF/rights.xml": "<rights/>"}, "Adobe"),
        ({"META-INF/encryption.xml": ENCRYPTION.format(algorithm=AES, path="OEBPS/two.xhtml"), "META-INF/license.lcpl": "{}"}, "LCP"),
        ({"META-INF/encryption.xml": ENCRYPTION.format(algorithm=AES, path="OEBPS/two.xhtml"), "META-INF/sinf.xml": "<sinf/>"}, "Apple"),
    ],
)
def test_protected_books_are_refused_by_name(files: dict[str, str], scheme: str) -> None:
    with pytest.raises(EncryptedDocument, match=scheme):
        read(epub(TWO, toc=LINES, files=files))


@pytest.mark.parametrize("algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_hidden_fonts_are_no_protection(algorithm: str) -> None:
    files = {"META-INF/encryption.xml": ENCRYPTION.format(algorithm=algorithm, path="OEBPS/font.otf")}
    assert titles(read(epub(TWO, toc=LINES, files=files))) == ["One", "Two"]


# Pictures


def test_books_of_pictures_are_refused() -> None:
    scans = {f"{page}.xhtml": xhtml(f'<img src="{page}.jpg" alt=""/><p>{page}</p>') for page in range(10)}
    with pytest.raises(ImageOnlyDocument, match="10 pictures"):
        read(epub(scans, toc=line("1", "1.xhtml")))
    drawn = {f"{page}.xhtml": xhtml('<svg xmlns="http://www.w3.org/2000/svg"><image href="x.jpg"/></svg>') for page in range(10)}
    with pytest.raises(ImageOnlyDocument):
        read(epub(drawn))


def test_an_illustrated_book_is_read() -> None:
    pages = {
        f"{page}.xhtml": xhtml(f'<h1>{page}</h1><img src="{page}.jpg" alt=""/><p>Once upon a time there was a page with a picture.</p>')
        for page in range(5)
    }
    assert len(read(epub(pages)).chapters) == 5
