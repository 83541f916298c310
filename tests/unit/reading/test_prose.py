"""Lines of a fixed layout become the paragraphs, headings, verse and items that were set in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from loa.reading.document import Block
from loa.reading.lines import Line
from loa.reading.prose import blocks_of, heading_ranks, joined
from loa.reading.typography import Typography

LETTERS = 40  # of a full line
SIZE, LEADING, LEFT = 10.0, 13.0, 50.0

ENGLISH = [
    "   Call me Ishmael. Some years ago—never",
    "mind how long precisely—having little or",
    "no money in my purse, and nothing to in-",
    "terest me on shore, I thought I would.",
    "   It is a way I have of driving off the",
    "spleen, and regulating the circulation.",
]
FIRST = (
    "Call me Ishmael. Some years ago—never mind how long precisely—having little or no money in my purse, "
    "and nothing to interest me on shore, I thought I would."
)
VIETNAMESE = [
    "   Trời nắng chang chang, tiếng gà trưa",
    "gáy vang trong xóm nhỏ ven sông mà không",
    "ai ra đón khách ở xa mới về.",
    "   – Anh về bao giờ thế?",
    "   – Tôi về hôm qua, định ở lại đây với",
    "mọi người cho đến hết mùa hè năm nay.",
]


def typeset(
    rows: Sequence[str], *, page: int = 0, top: float = 50.0, size: float = SIZE, left: float = LEFT, bold: bool = False
) -> list[Line]:
    """Lines of rows of text: blanks in front set a row further in, an empty row is a gap."""
    lines, baseline = [], top
    for row in rows:
        baseline += LEADING * size / SIZE
        if text := row.strip():
            begin = left + size / 2 * (len(row) - len(row.lstrip()))
            lines.append(
                Line(text=text, page=page, left=begin, right=begin + size / 2 * len(text), baseline=baseline, size=size, bold=bold)
            )
    return lines


def read(*parts: Sequence[Line], indented: bool = True) -> list[Block]:
    """The blocks of lines in a document that has enough text of one size and one width."""
    filler = typeset(["x" * LETTERS, *("   " + "x" * (LETTERS - 3), "x" * LETTERS) * 20] if indented else ["x" * LETTERS] * 40, page=99)
    lines = [line for part in parts for line in part]
    for page in {line.page for line in lines}:  # so that every page shows its margins
        filler += typeset(["y" * LETTERS] * 4, page=page, top=-900)
    typography = Typography.of([*lines, *filler])
    return list(blocks_of(lines, typography, heading_ranks(lines, typography)))


def texts(blocks: Sequence[Block]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks]


def test_paragraphs_begin_where_lines_stand_further_in() -> None:
    assert [text for _, text in texts(read(typeset(ENGLISH)))] == [
        FIRST,
        "It is a way I have of driving off the spleen, and regulating the circulation.",
    ]


def test_speech_with_dashes_stays_as_it_is_in_vietnamese() -> None:
    assert texts(read(typeset(VIETNAMESE))) == [
        ("paragraph", "Trời nắng chang chang, tiếng gà trưa gáy vang trong xóm nhỏ ven sông mà không ai ra đón khách ở xa mới về."),
        ("paragraph", "– Anh về bao giờ thế?"),
        ("paragraph", "– Tôi về hôm qua, định ở lại đây với mọi người cho đến hết mùa hè năm nay."),
    ]


def test_gaps_part_paragraphs_and_short_lines_end_them() -> None:
    rows = ["A paragraph that is set without any dent", "and ends here.", "", "Another one begins after the gap above,", "and it ends."]
    assert [text for _, text in texts(read(typeset(rows), indented=False))] == [
        "A paragraph that is set without any dent and ends here.",
        "Another one begins after the gap above, and it ends.",
    ]


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    first = typeset(["   The last line of a page is as full as", "any other of them, and so the paragraph"])
    second = typeset(["that began there goes on at the top of", "the next.", "   Then comes another one, further in."], page=1)
    assert [text for _, text in texts(read(first, second))] == [
        "The last line of a page is as full as any other of them, and so the paragraph that began there goes on at the top of the next.",
        "Then comes another one, further in.",
    ]


def test_verse_keeps_its_lines() -> None:
    poem = [
        "Ao thu lạnh lẽo nước trong veo,",
        "Một chiếc thuyền câu bé tẻo teo.",
        "Sóng biếc theo làn hơi gợn tí,",
        "Lá vàng trước gió vèo,",
    ]
    [block] = read(typeset([f"   {row}" for row in poem]))
    assert (block.kind, block.text) == ("verse", "\n".join(poem))


def test_a_quotation_that_is_set_in_is_one_paragraph() -> None:
    rows = [
        "He wrote this to his brother at the time",
        "of the flood:",
        "    The water came at night, and we",
        "    went up to the roof, where all",
        "    of us sat until boats came and",
        "    were safe.",
        "That is what he wrote about it.",
    ]
    assert [text for _, text in texts(read(typeset(rows)))] == [
        "He wrote this to his brother at the time of the flood:",
        "The water came at night, and we went up to the roof, where all of us sat until boats came and were safe.",
        "That is what he wrote about it.",
    ]


def test_items_of_lists_lose_their_bullets_and_keep_their_numbers() -> None:
    rows = ["• gạo nếp và đậu xanh đã được ngâm qua", "  đêm cho mềm;", "• lá dong.", "", "1. Rửa lá cho sạch.", "2. Gói bánh."]
    assert texts(read(typeset(rows), indented=False)) == [
        ("item", "gạo nếp và đậu xanh đã được ngâm qua đêm cho mềm;"),
        ("item", "lá dong."),
        ("item", "1. Rửa lá cho sạch."),
        ("item", "2. Gói bánh."),
    ]


def test_headings_are_larger_or_bold_or_named_like_one() -> None:
    blocks = read(
        typeset(["PHẦN MỘT"], size=18),
        typeset(["Chương 1", "Mùa xuân trên quê hương"], size=14, top=100),
        typeset(["Một buổi sáng"], bold=True, top=200),
        typeset(["   Trời hôm ấy rất đẹp và mọi người đều", "ra đồng từ sớm."], top=230),
        typeset(["Chapter 2. The Carpet-Bag."], top=330),
    )
    assert [(block.kind, block.level, block.text) for block in blocks] == [
        ("heading", 1, "PHẦN MỘT"),
        ("heading", 2, "Chương 1. Mùa xuân trên quê hương"),
        ("heading", 3, "Một buổi sáng"),
        ("paragraph", 0, "Trời hôm ấy rất đẹp và mọi người đều ra đồng từ sớm."),
        ("heading", 4, "Chapter 2. The Carpet-Bag."),
    ]


def test_a_bold_sentence_is_no_heading() -> None:
    assert read(typeset(["This must not be forgotten."], bold=True))[0].kind == "paragraph"


def test_rows_of_a_table_are_sentences_and_a_lone_wide_gap_is_none() -> None:
    def row(cells: Sequence[str], top: float) -> Line:
        return Line(text=" ".join(cells), page=0, left=LEFT, right=200, baseline=top, size=SIZE, cells=tuple(cells))

    blocks = read([row(("Hà Nội", "8 triệu"), 100), row(("Huế", "1 triệu"), 113)], [row(("1.", "Mở đầu"), 200)])
    assert texts(blocks) == [("row", "Hà Nội; 8 triệu."), ("row", "Huế; 1 triệu."), ("item", "1. Mở đầu")]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["nothing to in-", "terest me"], "nothing to interest me"),
        (["EXAM-", "PLE"], "EXAMPLE"),
        (["a well-", "known fact"], "a well-known fact"),  # the document writes it so
        (["the sperm-", "whale"], "the sperm-whale"),  # both are words, together they are none
        (["we go a-", "whaling"], "we go a-whaling"),
        (["an Anglo-", "Saxon"], "an Anglo-Saxon"),
        (["a man-of-", "war"], "a man-of-war"),
        (["a dubi-", "ous-looking man"], "a dubious-looking man"),
        (["năm 1914-", "1918"], "năm 1914-1918"),
        (["Việt-", "Nam"], "Việt-Nam"),
        (["he said—", "and left"], "he said—and left"),
        (["so goes the story", "—to throw"], "so goes the story—to throw"),
        (["anh nói", "— vâng"], "anh nói — vâng"),
        (["trong cõi", "người ta"], "trong cõi người ta"),
        (["see https://www.", "loa.vn/books for more"], "see https://www.loa.vn/books for more"),
        (["see https://loa.vn/a_", "b/c for more"], "see https://loa.vn/a_b/c for more"),
        (["see https://www.loa.vn.", "the end"], "see https://www.loa.vn. the end"),
    ],
)
def test_lines_are_joined(lines: list[str], text: str) -> None:
    words = Counter(("interest", "well-known", "well", "known", "sperm", "whale", "whaling", "man", "of", "war", "dubious"))
    assert joined(lines, words) == text
