"""What stands on pages beside the text is told from it, and columns are read one after the other."""

from __future__ import annotations

from loa.reading.lines import Line, Page
from loa.reading.pages import in_reading_order, without_footnotes, without_running_heads

WIDTH, HEIGHT = 400.0, 600.0


def line(text: str, baseline: float, *, page: int = 0, left: float = 50.0, size: float = 10.0, marks: int = 0) -> Line:
    return Line(text=text, page=page, left=left, right=left + size / 2 * len(text), baseline=baseline, size=size, marks=marks)


def page(number: int, *lines: Line) -> Page:
    return Page(number=number, width=WIDTH, height=HEIGHT, lines=lines)


def body(number: int, *, size: float = 10.0) -> list[Line]:
    words = ("mưa", "nắng", "gió", "sương", "tuyết", "bão")[number % 6]
    return [line(f"Dòng chữ về {words} thứ {place} của trang {number}.", 80 + 13 * place, page=number, size=size) for place in range(20)]


def texts(pages: list[Page]) -> list[str]:
    return [line.text for page in pages for line in page.lines]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = []
    for number in range(8):
        head = line("TRUYỆN KIỀU" if number % 2 else f"{number + 7} Nguyễn Du", 40, page=number)
        foot = line(f"– {number + 7} –", 560, page=number, left=190)
        pages.append(page(number, head, *body(number), foot))
    kept, count = without_running_heads(pages)
    assert count == 16
    assert texts(kept) == [text for number in range(8) for text in texts([page(number, *body(number))])]


def test_heads_that_change_with_the_chapter_go_with_those_at_their_height() -> None:
    titles = ["The Sea", "The Sea", "The Sea", "The Land", "The Land", "The Land", "The Sky"]
    pages = [page(number, line(title, 40, page=number), *body(number)) for number, title in enumerate(titles)]
    assert without_running_heads(pages)[1] == 7


def test_roman_numbers_of_front_matter_are_left_out() -> None:
    pages = [page(number, *body(number), line(numeral, 560, page=number)) for number, numeral in enumerate(("iii", "iv", "v", "vi"))]
    assert without_running_heads(pages)[1] == 4


def test_titles_of_chapters_at_the_head_of_a_page_stay() -> None:
    pages = [page(number, line(f"Chapter {number * 3 + 1}", 60, page=number, size=16), *body(number)) for number in range(5)]
    assert without_running_heads(pages)[1] == 0
    small = [page(number, line(f"Chapter {number * 3 + 1}", 60, page=number), *body(number)) for number in range(5)]
    assert without_running_heads(small)[1] == 0


def test_a_year_at_the_foot_of_a_page_is_no_page_number() -> None:
    pages = [page(number, *body(number)) for number in range(4)]
    pages[2] = page(2, *pages[2].lines, line("1984", 560, page=2))
    assert "1984" in texts(without_running_heads(pages)[0])


def test_footnotes_at_the_foot_are_left_out_and_counted() -> None:
    notes = [
        line("1 Xem chương ba của sách này.", 520, size=8),
        line("2 Theo lời kể của tác giả,", 530, size=8),
        line("viết năm 1920.", 540, size=8),
    ]
    text = [line("Câu chuyện này có hai chú thích.", 400, marks=2), *body(0)]
    kept, count = without_footnotes(page(0, *text, *notes), 10.0)
    assert count == 2
    assert not {note.text for note in notes} & set(texts([kept]))
    assert len(kept.lines) == len(text)


def test_the_end_of_a_note_that_began_on_the_page_before_is_left_out() -> None:
    kept, count = without_footnotes(page(0, *body(0), line("and so it went on for years.", 520, size=8)), 10.0)
    assert (len(kept.lines), count) == (20, 1)


def test_captions_and_small_print_that_is_no_note_stay() -> None:
    caption = page(0, *body(0), line("Hình 3. Bản đồ thành phố.", 520, size=8))
    assert without_footnotes(caption, 10.0) == (caption, 0)
    small = page(0, *body(0, size=8))
    assert without_footnotes(small, 10.0) == (small, 0)


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [line(f"left column line number {place:02}", 100 + 13 * place, left=40) for place in range(12)]
    right = [line(f"right column line number {place:02}", 100 + 13 * place, left=215) for place in range(9)]
    title = line("A title that runs over both of the columns of the page", 60, left=60)
    mixed = [title, *(piece for pair in zip(left, right, strict=False) for piece in pair), *left[9:]]
    [ordered] = in_reading_order([page(0, *mixed)])
    assert texts([ordered]) == texts([page(0, title, *left, *right)])
    assert [piece.column for piece in ordered.lines] == [0, *[1] * 12, *[2] * 9]


def test_a_page_with_few_lines_has_the_columns_of_the_others() -> None:
    def columns(number: int, count: int) -> Page:
        left = [line(f"left column line number {place:02}", 100 + 13 * place, page=number, left=40) for place in range(12)]
        right = [line(f"right column line number {place:02}", 100 + 13 * place, page=number, left=215) for place in range(count)]
        return page(number, *left, *right)

    last = in_reading_order([columns(0, 12), columns(1, 12), columns(2, 2)])[2]
    assert [piece.text[:5] for piece in last.lines] == ["left "] * 12 + ["right"] * 2


def test_cells_side_by_side_are_a_row() -> None:
    rows = [
        piece
        for place in range(8)
        for piece in (line(f"Tỉnh {place}", 100 + 13 * place), line(f"{place} triệu", 100 + 13 * place, left=210))
    ]
    [ordered] = in_reading_order([page(0, *rows)])
    assert [piece.cells for piece in ordered.lines] == [(f"Tỉnh {place}", f"{place} triệu") for place in range(8)]


def test_a_large_initial_goes_back_to_its_word() -> None:
    initial = line("C", 126, size=30)
    first = line("all me Ishmael. Some years ago", 106, left=68)
    [ordered] = in_reading_order([page(0, initial, first, *body(0)[3:])])
    assert "Call me Ishmael. Some years ago" in texts([ordered])
    assert "C" not in texts([ordered])
