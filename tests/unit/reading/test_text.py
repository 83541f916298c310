"""Plain text becomes chapters of paragraphs, verse and items, as a listener would want them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.errors import DocumentTooLarge, TextTooLong
from loa.reading import Limits, read
from loa.reading.document import Document
from loa.reading.text import document_of
from loa.reading.titles import title_of
from loa.text import speakable

WRAPPED = """\
Alice was beginning to get very tired of sitting by her sister on the
bank, and of having nothing to do: once or twice she had peeped into the
book her sister was reading, but it had no pictures or conversations in
it, and what is the use of a book, thought Alice, without pictures or
conversations?"""
TEXT = f"{WRAPPED}\n\nSo she was considering in her own mind."
POEM = (
    "Trăm năm trong cõi người ta,\nChữ tài chữ mệnh khéo là ghét nhau.\nTrải qua một cuộc bể dâu,\nNhững điều trông thấy mà đau đớn lòng."
)


def document(text: str) -> Document:
    return read(text.encode(), "a.txt")


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for chapter in document(text).chapters for block in chapter.blocks]


def titles(text: str) -> list[str]:
    return [chapter.title for chapter in document(text).chapters if chapter.matter == "body"]


# --- lines ------------------------------------------------------------------------------------------------------------


def test_wrapped_lines_are_joined() -> None:
    assert kinds(TEXT) == [("paragraph", WRAPPED.replace("\n", " ")), ("paragraph", "So she was considering in her own mind.")]


def test_a_paragraph_may_begin_with_an_indent_instead_of_an_empty_line() -> None:
    text = "\n".join(f"    {WRAPPED}\n    “Curiouser!” cried Alice." for _ in range(3))
    assert kinds(text) == [("paragraph", WRAPPED.replace("\n", " ")), ("paragraph", "“Curiouser!” cried Alice.")] * 3


def test_lines_may_be_paragraphs() -> None:
    long = "Anh ấy đi ra ngoài đường và nhìn thấy một người bạn cũ đang đứng chờ ở đó. " * 3
    assert kinds(f"{long}\nChào anh!\nChào em.\n{long}") == [
        ("paragraph", long.strip()), ("paragraph", "Chào anh!"), ("paragraph", "Chào em."), ("paragraph", long.strip())
    ]  # fmt: skip


@pytest.mark.parametrize("around", ["{poem}", f"{TEXT}\n\n{{poem}}\n\n{TEXT}"])
def test_verse_keeps_its_lines(around: str) -> None:
    assert ("verse", POEM) in kinds(around.format(poem=POEM))
    indented = "“How doth the little crocodile\n    Improve his shining tail,\nAnd pour the waters of the Nile\n    On every golden scale!"
    assert ("verse", "\n".join(line.strip() for line in indented.splitlines())) in kinds(around.format(poem=indented))


def test_lists_become_items() -> None:
    assert kinds("What we need:\n\n- flour\n- water,\n  warm\n\n1. Mix.\n2. Bake.") == [
        ("paragraph", "What we need:"), ("item", "flour"), ("item", "water, warm"), ("item", "1. Mix."), ("item", "2. Bake.")
    ]  # fmt: skip


def test_words_that_are_parted_at_line_ends_are_whole_again_and_hyphens_stay() -> None:
    text = TEXT.replace(
        "once or twice she had peeped into the\nbook", "once or twice she had peeped at conver-\nsations, twenty-\none of the book"
    )
    assert "peeped at conversations, twenty-one of the book" in kinds(text)[0][1]
    assert kinds("soft\u00ad\nhyphen and a line that is long enough\u00ad\ner to tell us") != []


def test_what_a_listener_does_not_want_is_left_out_and_counted() -> None:
    read_aloud = document(f"[Illustration: A _rabbit_]\n\nA _white_ rabbit[12] ran by.[3] snake_case stays_\n\n* * *\n\n{TEXT}")
    assert read_aloud.chapters[0].blocks[0].text == "A white rabbit ran by. snake_case stays_"
    assert len(read_aloud.chapters[0].blocks) == 3
    assert read_aloud.omissions == ("2 footnote marks", "1 illustration")


def test_page_numbers_are_dropped_and_their_sentence_goes_on() -> None:
    pages = "\n\n".join(f"The text of a page that ends in the middle of\n\n{page}\n\na sentence. And another one." for page in range(7, 12))
    read_aloud = document(pages)
    assert read_aloud.omissions == ("5 page numbers",)
    assert {block.text for block in read_aloud.chapters[0].blocks} == {
        "The text of a page that ends in the middle of a sentence. And another one."
    }


# --- headings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Chapter 1", "CHAPTER I.", "Chapter the First", "CHAPTER XLIV. The Chart.", "Chapter Twenty-One: Home", "Book One",
        "PART II — The Return", "ACT III", "Scene 2", "Letter 4", "Canto IV", "Prologue", "EPILOGUE",
        "Translator's Note", "Table of Contents", "Appendix B",
        "CHƯƠNG II", "Chương 12: Mưa", "Chương mười hai", "Hồi thứ nhất", "Hồi thứ ba mươi mốt", "Phần I", "PHẦN THỨ HAI", "Quyển 3",
        "Bài 7. Ôn tập", "Tập một", "Lời nói đầu", "LỜI TỰA", "Mục lục", "Vĩ thanh",
        "Phụ lục A", "Phụ lục B. Tự động hoá", "Appendix C: Licences", "Chương ba Về nguồn", "THE SIXTH SENSE", "TRUYỆN NGẮN",
    ],
)  # fmt: skip
def test_a_heading(line: str) -> None:
    found = title_of(line)
    assert found is not None
    assert found.text == line


@pytest.mark.parametrize(
    "line",
    [
        "Chapter 1 was the best that I have read.", "Chapters 1 and 2", "Chapter", "Part of the answer", "Book me a room",
        "Chapter one hundred ways", "Chương trình này rất hay.", "Phần lớn người ta", "Hồi đó tôi còn nhỏ.",
        "Bài hát hai mươi", "Chương 1 của cuốn sách này",
        "Lời nói đầu tiên của anh", "Hello there", "12", "I", "", "Chapter 1, " + "x" * 120, "Introduction to the world,", "中文",
    ],
)  # fmt: skip
def test_no_heading(line: str) -> None:
    assert title_of(line) is None


def test_chapters_in_english_and_vietnamese() -> None:
    assert titles(f"Chapter 1\n\n{TEXT}\n\nCHAPTER II.\nThe Pool of Tears\n\n{TEXT}\n\nChapter Three: End\n\n{TEXT}") == [
        "Chapter 1", "CHAPTER II. The Pool of Tears", "Chapter Three: End"
    ]  # fmt: skip
    long = "Trời sáng rồi, anh ấy đi ra ngoài đường và nhìn thấy một người bạn cũ đang đứng chờ ở đó từ rất lâu trong mưa. " * 2
    assert titles(f"Mở đầu\n{long}\nHồi thứ nhất\nMẸ TÔI\n{long}\nHồi thứ hai\n\nCha tôi\n\n{long}") == [
        "Mở đầu", "Hồi thứ nhất. MẸ TÔI", "Hồi thứ hai. Cha tôi"
    ]  # fmt: skip


def test_bare_numbers_far_apart_are_chapters() -> None:
    story = f"{TEXT}\n\n" * 12
    assert titles("".join(f"{number}\n\n{story}" for number in ("I", "II", "III", "IV"))) == ["1", "2", "3", "4"]


def test_lines_in_capitals_are_chapters_where_nothing_else_is() -> None:
    story = f"{TEXT}\n\n" * 8
    assert titles(f"THE DOG\n\n{story}THE CAT\n\n{story}") == ["THE DOG", "THE CAT"]
    assert titles(f"Chapter 1\n\n{story}STOP!\n\n{story}Chapter 2\n\n{story}") == ["Chapter 1", "Chapter 2"]
    assert titles("STOP!\n\nShe stopped.\n\nGO ON!\n\nShe went on.") == ["STOP!"]


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_table_of_contents_makes_no_chapters(gap: str) -> None:
    names = [f"Chapter {number}. Of Things" for number in range(1, 6)]
    contents = gap.join(["Contents", *(f"{name} ........ {page}" for page, name in enumerate(names))])
    body = "\n\n".join(f"{name}\n\n{TEXT}" for name in names)
    made = document(f"{contents}\n\n{body}").chapters
    assert [chapter.title for chapter in made] == ["Contents", *names]
    assert (made[0].matter, made[0].role) == ("front", "contents")
    assert [block.kind for block in made[0].blocks] == ["heading", *["item"] * 5]


def test_lists_of_what_is_in_a_chapter_are_left_out() -> None:
    sections = [f"{number}.1. Hardware\n\n{TEXT}\n\n    {number}.2. Software\n\n{TEXT}" for number in (1, 2, 3)]
    lists = [f"{number}.1. Hardware\n    {number}.2. Software" for number in (1, 2, 3)]
    parts = [
        f"Chương {number}. Máy\n\nMục lục\n\n{listed}\n\n{text}"
        for number, (listed, text) in enumerate(zip(lists, sections, strict=True), 1)
    ]
    made = document("\n\n".join(parts))
    assert [chapter.title for chapter in made.chapters] == ["Chương 1. Máy", "Chương 2. Máy", "Chương 3. Máy"]
    assert [block.text for block in made.chapters[1].blocks[:2]] == ["Chương 2. Máy", "2.1. Hardware"]
    assert made.omissions == ("6 lines of a table of contents",)


def test_notes_within_chapters_are_no_chapters() -> None:
    note = f"Ghi chú\n\n{TEXT}"
    assert titles(f"Chương 1. Máy\n\n{TEXT}\n\n{note}\n\n{note}\n\n{note}\n\nChương 2. Mạng\n\n{TEXT}") == [
        "Chương 1. Máy",
        "Chương 2. Mạng",
    ]
    ended = "\n\n".join(f"Chapter {number}\n\n{TEXT}\n\nNotes\n\n{TEXT}" for number in (1, 2, 3))
    assert titles(ended) == ["Chapter 1", "Notes", "Chapter 2", "Notes", "Chapter 3"]  # one a chapter may be its end notes


def test_a_title_page_is_front_matter() -> None:
    front, body = document(f"Alice in Wonderland\n\nby Lewis Carroll\n\nChapter 1\n\n{TEXT}\n").chapters
    assert (front.title, front.matter, front.role) == ("", "front", "titlepage")
    assert (body.title, body.matter) == ("Chapter 1", "body")


def test_front_and_back_matter_is_known_by_its_title() -> None:
    made = document(f"Mục lục\n\nChương 1\n\nLời cảm ơn\n\n{TEXT}\n\nChương 1\n\n{TEXT}\n\nChú thích\n\n{TEXT}").chapters
    assert [(chapter.matter, chapter.role) for chapter in made if chapter.title in ("Chương 1", "Chú thích")][-2:] == [
        ("body", "chapter"), ("back", "notes")
    ]  # fmt: skip


def test_the_frame_of_project_gutenberg() -> None:
    text = (
        "The Project Gutenberg eBook of Alice\n\nTitle: Alice\n\nAuthor: Lewis Carroll\n\nLanguage: English\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK ALICE ***\n\nProduced by A. Nonymous\nand others\n\n"
        f"CHAPTER I.\n\n{TEXT}\n\n"
        "End of the Project Gutenberg EBook of Alice\n\n*** END OF THIS PROJECT GUTENBERG EBOOK ALICE ***\n\nLicence."
    )
    made = document(text.replace("\n", "\r\n"))
    assert (made.title, made.author, made.language) == ("Alice", "Lewis Carroll", "en")
    assert [(chapter.title, chapter.matter, chapter.role) for chapter in made.chapters] == [
        ("Project Gutenberg", "front", "licence"), ("CHAPTER I.", "body", "chapter"), ("Project Gutenberg", "back", "licence")
    ]  # fmt: skip
    assert made.chapters[1].blocks[-1].text == "So she was considering in her own mind."
    assert made.chapters[0].blocks[-1].text.startswith("Produced by")


# --- anything ---------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("ab A.I1 \n\n-*_[]\t\f\r:,—“”"), max_size=300))
def test_no_letter_is_lost(text: str) -> None:
    said = "".join(block.text for chapter in document_of(text, Limits()).chapters for block in chapter.blocks)
    letters = [character for character in text if character in "abAI"]
    assert [character for character in said if character in "abAI"] == letters


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    made = document_of(text, Limits())
    assert speakable(text) or not any(speakable(block.text) for chapter in made.chapters for block in chapter.blocks)


def test_the_text_has_limits() -> None:
    assert read("ngày".encode(), "a.txt", Limits(characters=4)).chapters[0].blocks[0].text == "ngày"
    with pytest.raises(TextTooLong) as caught:
        read("ngày!".encode(), "a.txt", Limits(characters=4))
    assert caught.value.details == {"characters": 5, "limit": 4}
    with pytest.raises(DocumentTooLarge, match="more than 10 paragraphs"):
        read(b"Hello.\n\n" * 11, "a.txt", Limits(blocks=10))
    with pytest.raises(DocumentTooLarge, match="more than 10 headings"):
        read(b"Chapter 1\n\nHello.\n\n" * 11, "a.txt", Limits(outline=10))
