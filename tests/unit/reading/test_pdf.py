"""PDFs become chapters of prose, or an error that says which and what to do."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from loa.errors import DocumentTooLarge, EmptyText, EncryptedDocument, ImageOnlyDocument, TextTooLong, UnreadableDocument
from loa.reading import pdf
from loa.reading.apart import read_apart
from loa.reading.document import Document
from loa.reading.limits import Limits
from tests.unit.reading.pdf_writer import MARGIN, Pdf, file_of

KIEU = "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau; trải qua một cuộc bể dâu. "
MOBY = "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail about a little. "


def read(written: Pdf | bytes, **limits: int) -> Document:
    return pdf.read(written.bytes() if isinstance(written, Pdf) else written, Limits(**limits))


def chapters(document: Document) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(chapter.title, [(block.kind, block.text) for block in chapter.blocks]) for chapter in document.chapters]


def book(*titles: str, size: float = 16.0) -> Pdf:
    """A chapter a title, two paragraphs each, on pages with heads and numbers."""
    written = Pdf()
    for title in titles:
        written.page()
        written.line(title, size=size, font="F2", leading=26)
        for text in (KIEU, MOBY):
            written.paragraph(text * 12)
    for number in range(len(written.pages)):
        written.pages.append(written.pages.pop(0))
        written.text(MARGIN, 30, "TRUYỆN KIỀU")
        written.text(330, 30, str(number + 1))
    return written


def test_chapters_are_those_of_the_outline() -> None:
    written = book("Chương 1: Mở đầu", "Chương 2: Ở đời")
    pages = len(written.pages) // 2
    written.outline = [("Phần một", 1, 0, None), ("Chương 1: Mở đầu", 2, 0, 40.0), ("Chương 2: Ở đời", 2, pages, 40.0)]
    document = read(written)
    prose = [("paragraph", (KIEU * 12).strip()), ("paragraph", (MOBY * 12).strip())]
    assert chapters(document) == [
        ("Chương 1: Mở đầu", [("heading", "Phần một"), ("heading", "Chương 1: Mở đầu"), *prose]),
        ("Chương 2: Ở đời", [("heading", "Chương 2: Ở đời"), *prose]),
    ]
    assert document.omissions == (f"{2 * pages} running heads and page numbers",)


def test_without_an_outline_chapters_are_made_by_headings() -> None:
    document = read(book("Chapter 1", "Chapter 2", "Chapter 3"))
    assert [(chapter.title, chapter.matter, len(chapter.blocks)) for chapter in document.chapters] == [
        (f"Chapter {number}", "body", 3) for number in (1, 2, 3)
    ]  # fmt: skip


def test_without_headings_there_is_one_chapter() -> None:
    written = Pdf()
    written.page()
    written.paragraph(MOBY * 3)
    assert chapters(read(written)) == [("", [("paragraph", (MOBY * 3).strip())])]


def test_an_outline_may_name_its_titles_differently_and_one_page_early() -> None:
    written = book("2.1 Naming", "2.2 Parsing")
    written.outline = [("Naming", 1, 0, 40.0), ("Parsing", 1, len(written.pages) // 2 - 1, 590.0)]
    assert [(title, blocks[0]) for title, blocks in chapters(read(written))] == [
        ("Naming", ("heading", "Naming")),
        ("Parsing", ("heading", "Parsing")),
    ]


def test_what_stands_before_the_outline_is_a_title_page() -> None:
    written = Pdf(outline=[("The Sea", 1, 1, 70.0), ("The Land", 1, 2, 70.0)])
    written.page()
    written.line("A Manual of Everything", size=24, leading=40)
    written.line("Copyright 2020 by those who wrote it")
    for title in ("The Sea", "The Land"):
        written.page()
        written.line(title, size=18, font="F2", leading=30)
        written.paragraph(MOBY * 8)
    document = read(written)
    assert document.title == "A Manual of Everything"
    assert [(chapter.title, chapter.matter, chapter.role) for chapter in document.chapters] == [
        ("", "front", "titlepage"), ("The Sea", "body", "chapter"), ("The Land", "body", "chapter"),
    ]  # fmt: skip


def test_what_stands_before_the_outline_and_has_a_name_is_a_chapter() -> None:
    written = Pdf(outline=[("The Sea", 1, 3, 70.0), ("The Land", 1, 4, 70.0)])
    written.page()
    written.line("A Manual of Everything", size=24, leading=40)
    for title in ("Contents", "Introduction", "The Sea", "The Land"):
        written.page()
        written.line(title, size=18, font="F2", leading=30)
        if title == "Contents":
            written.line("The Sea ................ 3")
        else:
            written.paragraph(MOBY * 8)
    document = read(written)
    assert document.title == "A Manual of Everything"
    assert [(chapter.title, chapter.matter, chapter.role) for chapter in document.chapters] == [
        ("", "front", "titlepage"), ("Introduction", "body", "introduction"),
        ("The Sea", "body", "chapter"), ("The Land", "body", "chapter"),
    ]  # fmt: skip


def test_long_text_before_the_outline_is_read() -> None:
    written = Pdf()
    written.page()
    written.line("What this is about", size=24, leading=40)
    for _ in range(6):
        written.paragraph(MOBY * 7)
        written.gap()
    for title in ("The Sea", "The Land"):
        written.outline.append((title, 1, len(written.pages), 70.0))
        written.page()
        written.line(title, size=18, font="F2", leading=30)
        written.paragraph(MOBY * 80)
    assert next((chapter.title, chapter.matter) for chapter in read(written).chapters) == ("What this is about", "body")


def test_chapters_stand_at_different_depths_of_an_outline() -> None:
    titles = ["Chapter 1. Overview", "Features", "Part I. The Basics", "Chapter 2. Accounts", "Kinds of Accounts", "Chapter 3. Reports"]
    written = Pdf(outline=[(title, level, page, 70.0) for page, (title, level) in enumerate(zip(titles, (1, 2, 1, 2, 3, 2), strict=True))])
    for title in titles:
        written.page()
        written.line(title, size=18, font="F2", leading=30)
        if not title.startswith("Part"):
            written.paragraph(MOBY * 8)
    assert [(title, [text for kind, text in blocks if kind == "heading"]) for title, blocks in chapters(read(written))] == [
        ("Chapter 1. Overview", ["Chapter 1. Overview", "Features"]),
        ("Chapter 2. Accounts", ["Part I. The Basics", "Chapter 2. Accounts", "Kinds of Accounts"]),
        ("Chapter 3. Reports", ["Chapter 3. Reports"]),
    ]


def test_a_number_above_a_title_belongs_to_it() -> None:
    written = Pdf(outline=[("Loomings", 1, 0, 70.0), ("The Carpet-Bag", 1, 1, 70.0)])
    for number, title in ((1, "Loomings"), (2, "The Carpet-Bag")):
        written.page()
        written.line(f"Chapter {number}", size=14, leading=24)
        written.line(title, size=18, font="F2", leading=30)
        written.paragraph(MOBY * 8)
    assert [title for title, _ in chapters(read(written))] == ["Chapter 1. Loomings", "Chapter 2. The Carpet-Bag"]


def test_front_and_back_matter_are_marked() -> None:
    written = Pdf()
    written.page()
    written.text(100, 200, "Truyện Kiều", size=24)
    for title in ("Lời cảm ơn", "Chương 1", "Chương 2", "Tài liệu tham khảo"):
        written.page()
        written.line(title, size=16, font="F2", leading=26)
        written.paragraph(KIEU * 8)
    document = read(written)
    assert [(chapter.matter, chapter.role) for chapter in document.chapters] == [
        ("front", "titlepage"), ("front", "acknowledgments"), ("body", "chapter"), ("body", "chapter"), ("back", "bibliography"),
    ]  # fmt: skip
    assert document.title == "Truyện Kiều"


def test_title_author_and_language_are_taken_where_they_say_something() -> None:
    written = Pdf(info={"Title": "Truyện Kiều", "Author": "Nguyễn Du"}, language="vi-VN")
    written.page()
    written.line("Trăm năm trong cõi người ta.")
    document = read(written)
    assert (document.title, document.author, document.language) == ("Truyện Kiều", "Nguyễn Du", "vi-VN")
    written.info, written.language = {"Title": "Microsoft Word - kieu.doc", "Author": "Admin"}, "?"
    document = read(written)
    assert (document.title, document.author, document.language) == (None, None, None)


def test_marks_of_footnotes_go_and_exponents_stay() -> None:
    written = Pdf()
    written.page()
    end = written.text(MARGIN, 60, "Đảo rộng 25 km")
    end = written.text(end, 56, "2", size=6)
    end = written.text(end, 60, " theo sử cũ,")
    end = written.text(end, 56, "12", size=6)
    written.text(end, 60, " nay đã khác.")
    document = read(written)
    assert chapters(document)[0][1] == [("paragraph", "Đảo rộng 25 km² theo sử cũ, nay đã khác.")]
    assert document.omissions == ("1 footnote mark",)


def test_exponents_of_figures_stay() -> None:
    written = Pdf()
    written.page()
    end = written.text(MARGIN, 60, "Có 10")
    end = written.text(end, 56, "12", size=6)
    written.text(end, 60, " ngôi sao.")
    assert chapters(read(written))[0][1] == [("paragraph", "Có 10¹² ngôi sao.")]


def test_raised_figures_of_a_font_are_told_from_each_other_too() -> None:
    written = Pdf()
    written.page()
    written.line("Có 10¹² ngôi sao, phím F2¹⁰ ở sử cũ.")
    assert chapters(read(written))[0][1] == [("paragraph", "Có 10¹² ngôi sao, phím F2 ở sử cũ.")]


@pytest.mark.parametrize("word", ["Alt-F2", "exim4", "sau 1999", "km25"])
def test_figures_behind_names_and_years_are_marks_of_footnotes(word: str) -> None:
    written = Pdf()
    written.page()
    end = written.text(MARGIN, 60, f"Đó là {word}")
    end = written.text(end, 56, "10", size=6)
    written.text(end, 60, " ở sử cũ.")
    assert chapters(read(written))[0][1] == [("paragraph", f"Đó là {word} ở sử cũ.")]


def test_footnotes_contents_and_programs_are_left_out() -> None:
    written = Pdf()
    written.page()
    written.line("Mở đầu ................ 3")
    written.gap()
    written.paragraph(KIEU * 8)
    written.gap()
    written.line("def kieu():", font="F3")
    written.line("    return None", font="F3")
    written.gap()
    written.paragraph(MOBY * 8)
    written.text(MARGIN, 562, "1 Chú thích này không ai muốn nghe giữa câu chuyện.", size=7)
    document = read(written)
    assert chapters(document) == [("", [("paragraph", (KIEU * 8).strip()), ("paragraph", (MOBY * 8).strip())])]
    assert document.omissions == ("1 footnote", "1 line of a table of contents", "1 code block")


def test_ligatures_decomposed_letters_and_bullets_are_mended() -> None:
    written = Pdf()
    written.page()
    written.line("\uf0b7 the o\ufb03ce of a Việt".replace("ệ", "e\u0323\u0302"))
    assert chapters(read(written))[0][1] == [("item", "the office of a Việt")]


def test_pages_that_lie_on_their_side_are_read() -> None:
    written = Pdf(rotation=90)
    written.page()
    for place in range(3):
        written.pages[-1].append(b"q 0 1 -1 0 0 0 cm")
        written.text(MARGIN, 600 + 100 + 13 * place, f"Dòng thứ {place} nằm ngang.")
        written.pages[-1].append(b"Q")
    assert "Dòng thứ 0 nằm ngang." in chapters(read(written))[0][1][0][1]


def test_a_pdf_with_a_password_is_refused() -> None:
    written = book("Chương 1")
    key = b"00" * 32
    written.encryption = b"/Encrypt<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>/ID[<00><00>]" % (key, key)
    with pytest.raises(EncryptedDocument, match="password"):
        read(written)
    written.encryption = b"/Encrypt<</Filter/EBX_HANDLER/V 4>>/ID[<00><00>]"
    with pytest.raises(EncryptedDocument, match="DRM"):
        read(written)


def test_a_pdf_of_pictures_is_refused_with_what_to_do() -> None:
    written = Pdf()
    for _ in range(20):
        written.page()
        written.picture()
    with pytest.raises(ImageOnlyDocument, match="OCR"):
        read(written)
    written.page()
    written.line("Scanned by a library")
    with pytest.raises(ImageOnlyDocument, match="20 of 21"):
        read(written)


def test_letters_that_nobody_knows_are_refused() -> None:
    written = Pdf()
    written.page()
    written.paragraph("".join(chr(0xE000 + place % 60) if place % 6 else " " for place in range(400)))
    with pytest.raises(ImageOnlyDocument, match="fonts"):
        read(written)


def test_a_pdf_without_text_is_empty() -> None:
    written = Pdf()
    written.page()
    with pytest.raises(EmptyText):
        read(written)


def test_half_a_pdf_and_rubbish_are_refused() -> None:
    whole = book("Chương 1").bytes()
    with pytest.raises(UnreadableDocument, match="in full"):
        read(whole[: len(whole) // 2])
    with pytest.raises(UnreadableDocument, match="damaged"):
        read(b"%PDF-1.7\nrubbish\n%%EOF\n")


def test_limits_are_kept() -> None:
    written = book("Chương 1")
    with pytest.raises(TextTooLong):
        read(written, characters=500)
    with pytest.raises(DocumentTooLarge, match="pages"):
        read(written, pages=1)


def test_what_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    packed = zlib.compress(b" " * 30_000_000, 9)
    bomb = file_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(packed), packed)])
    with pytest.raises(DocumentTooLarge, match="unpacks"):
        read(bomb)


def test_an_outline_that_leads_back_to_itself_ends() -> None:
    written = book("Chương 1")
    written.looped = True
    written.outline = [(f"Mục {place} của sách", 1, 0, 40.0) for place in range(50)]
    headings = [text for _, blocks in chapters(read(written)) for kind, text in blocks if kind == "heading"]
    assert len(headings) == 51


def test_only_so_much_of_an_outline_is_taken() -> None:
    written = book("Chương 1")
    written.outline = [(f"Mục {place} của sách", 1, 0, 40.0) for place in range(50)]
    headings = [text for _, blocks in chapters(read(written, outline=10)) for kind, text in blocks if kind == "heading"]
    assert len(headings) == 11


def test_a_pdf_is_read_by_a_process_that_can_open_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(book("Chương 1", "Chương 2").bytes())
    assert [chapter.title for chapter in read_apart(path).chapters] == ["Chương 1", "Chương 2"]
