"""Cleaning and cutting text: nothing lost, doubled or reordered, and no cut where a voice would stumble."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loa.errors import EmptyText
from loa.text import Piece, normalise, shortened, speakable, split, splitting

LANGUAGES = st.sampled_from(["en-US", "vi-VN", "fr"])
MARKS = " \n.!?…,;:–—-\"'“”‘’()[]{}*_/@#0123456789"
CHARACTERS = st.one_of(st.characters(), st.sampled_from(MARKS), st.sampled_from("aAbBđĐếẾ\u0301\u200d👍🏽"))
CHUNKS = st.sampled_from(
    ["No. ", "U.S. ", "word ", "Word", "...", "”", "\n\n", "\n", " * * * ", "\u2028", "https://a.b/c ", "1 000 ", "x" * 70, "—", "\ud800"]
)
ROUGH = st.text(alphabet=CHARACTERS, max_size=200) | st.lists(CHARACTERS | CHUNKS, max_size=80).map("".join)

WORDS = ["a", "I", "Anh", "ngày", "sentence", "Nguyễn", "well-known", "don’t", "Then", "he", "Tôi"]
ATOMS = [  # none of these may be cut anywhere
    "3.14", "1.234,56", "10:30", "20/11/2025", "-5°C", "6-7%/năm", "1 000 000", "$5.50", "+84 912 345 678",
    "https://example.org/a.b,c;d?e=f", "www.loa.example", "me.you@example.com", "TP.HCM", "Q.1", "Q. 1", "P. 5",
    "Dr. Smith", "Mr. J. K. Rowling", "U.S. Army", "No. 5", "e.g. this", "i.e., that", "a.m. sharp", "Fig. 3",
]  # fmt: skip
VIETNAMESE_ATOMS = ["TP. HCM", "GS.TS. Lê", "PGS. TS. Hà", "ThS. Bình", "Cty. Sen"]
ENDS = [*[""] * 20, ",", ";", ":", " –", "—", ".", "!", "?", "…", ".”", "."]  # most words have none, so that sentences grow over the limit


def check(text: str, pieces: list[Piece]) -> None:
    """Nothing lost, doubled or reordered: the pieces are stretches of the text, in order, with only white space around them."""
    position = 0
    for piece in pieces:
        assert text[piece.start : piece.end] == piece.text
        assert piece.text == piece.text.strip() != ""
        assert text[position : piece.start].strip() == ""
        position = piece.end
    assert text[position:].strip() == ""


@settings(max_examples=1500, deadline=None)
@given(text=ROUGH, language=LANGUAGES, limit=st.integers(20, 120))
def test_whatever_the_text_nothing_is_lost_doubled_or_reordered(text: str, language: str, limit: int) -> None:
    pieces = split(text, language, limit)
    check(text, pieces)
    assert all(speakable(piece.text) for piece in pieces) or len(pieces) == 1


def prose(atoms: list[str]) -> st.SearchStrategy[tuple[str, list[tuple[int, int]]]]:
    """Texts of words and atoms, and where each atom lies in them."""
    tokens = [(word, end, gap) for word in WORDS + atoms for end in ENDS for gap in (*[" "] * 12, "\n\n")]

    def build(chosen: list[int]) -> tuple[str, list[tuple[int, int]]]:
        text, places = "", []
        for word, end, gap in (tokens[index] for index in chosen):
            if word in atoms:
                places.append((len(text), len(text) + len(word)))
            text += word + end + gap
        return text, places

    return st.lists(st.integers(0, len(tokens) - 1), min_size=20, max_size=60).map(build)


@settings(max_examples=500, deadline=None)
@given(prose=prose(ATOMS), limit=st.integers(60, 120))
def test_in_english_no_cut_falls_inside_an_atom(prose: tuple[str, list[tuple[int, int]]], limit: int) -> None:
    check_atoms(prose, "en-US", limit)


@settings(max_examples=500, deadline=None)
@given(prose=prose(ATOMS + VIETNAMESE_ATOMS), limit=st.integers(60, 120))
def test_in_vietnamese_no_cut_falls_inside_an_atom(prose: tuple[str, list[tuple[int, int]]], limit: int) -> None:
    check_atoms(prose, "vi-VN", limit)


def check_atoms(prose: tuple[str, list[tuple[int, int]]], language: str, limit: int) -> None:
    text, atoms = prose
    pieces = split(text, language, limit)
    check(text, pieces)
    cuts = [piece.start for piece in pieces]
    for start, end in atoms:
        assert not [cut for cut in cuts if start < cut < end], text[start:end]
    for cut in cuts[1:]:
        assert text[cut - 1].isspace() or text[cut - 1] == "—"
    assert all(len(piece.text) <= limit for piece in pieces)


@given(st.lists(st.sampled_from([*WORDS, "Dr. Smith", "3.14"]), min_size=1, max_size=60).map(" ".join))
def test_cutting_again_changes_nothing(text: str) -> None:
    for piece in split(text, "en-US", 60):
        assert [again.text for again in split(piece.text, "en-US", 60)] == [piece.text]


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en-US", "Dr. Smith met Mr. J. K. Rowling of the U.S. Army at 3.14 p.m. |He paid $5.50, e.g. for tea."),
        ("en-US", "“Stop!” he said. |“Why?” |She left… |Then? |Yes! |It was cold in the U.S. |They left."),
        ("en-US", "See https://a.b/c.d?e=f. |Write to me@x.org. |OK. |That was plan B. |The end came in 1990. |5 men stayed."),
        ("en-US", "1. First the bread. |2. Then the wine. |IV. The house of Prof. Lee, Inc. |It stood in St. Louis."),
        ("en-US", "He said no. |I did not ask for No. 5 … or so. |(Nobody did.) |It was Jan. 5 at Smith & Co. in town etc. |We won."),
        ("en-US", "Wait... what? |Oh. |“Go.” |‘Now.’ |He wrote: “I came. |I saw.”"),
        ("vi-VN", "GS.TS. Nguyễn Văn A. ở TP. HCM, Q. 1, nay là TP.HCM. |Anh ấy nói: “Xin chào.” |Rồi đi."),
        ("vi-VN", "Giá 1.234 đồng v.v. |Sau đó em đi. |– Vâng! |– Còn PGS. TS. Lê Hà, ThS. Bình ở P. 5, Q.1? |Hôm nay 20/11."),
        ("vi-VN", "Ăn no. |Ngủ ngon. |Năm 2020. |Ông về TP.HCM. |Tại Tp. Đà Nẵng, ông Tr. làm ở Cty. Hoa Sen từ 3.5 giờ."),
        ("vi-VN", "“Đi đâu đấy?” cô hỏi. |Không ai trả lời… |Đêm xuống."),
    ],
)
def test_sentences(monkeypatch: pytest.MonkeyPatch, language: str, marked: str) -> None:
    monkeypatch.setattr(splitting, "SHORT_SENTENCE", 0)
    assert [piece.text for piece in split(marked.replace("|", ""), language)] == [sentence.strip() for sentence in marked.split("|")]


def test_short_sentences_join_their_neighbour_inside_a_paragraph() -> None:
    text = "No. Never! I will not go there again, whatever you say. Well.\n\nYes.\n\nHe went."
    assert [piece.text for piece in split(text, "en-US")] == [text.split("\n\n", maxsplit=1)[0], "Yes.", "He went."]


def test_pauses_follow_the_marks() -> None:
    sentence = "This is a sentence that has more than forty characters. "
    pieces = split(sentence * 2 + "\n\n" + "and so on, " * 12 + "\n\nEnd.", "en-US", 100)
    assert [piece.pause for piece in pieces] == [
        splitting.SENTENCE_PAUSE, splitting.PARAGRAPH_PAUSE, splitting.CLAUSE_PAUSE, splitting.PARAGRAPH_PAUSE, 0.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cuts"),
    [
        ("one two three four, five six seven eight; nine ten eleven", ["one two three four, five six seven eight;", "nine ten eleven"]),
        ("one two three four, five six seven eight nine ten eleven", ["one two three four,", "five six seven eight nine ten eleven"]),
        ("one two three four—five six seven eight nine ten eleven", ["one two three four—", "five six seven eight nine ten eleven"]),
        ("one two three four five 1 000 000 eight nine ten eleven", ["one two three four five", "1 000 000 eight nine ten eleven"]),
        ("one two three four five Mr. J. K. Six eight nine ten eleven", ["one two three four five", "Mr. J. K. Six eight nine ten eleven"]),
        ("one two three four five six seven eight nine ten eleven", ["one two three four five six", "seven eight nine ten eleven"]),
    ],
)
def test_long_sentences_are_cut_where_a_reader_would_pause(text: str, cuts: list[str]) -> None:
    assert [piece.text for piece in split(text, "en-US", 45)] == cuts


def test_only_a_word_longer_than_the_limit_is_cut_inside_and_never_through_a_character() -> None:
    text = "see " + "e\u0301" * 100 + " there"
    pieces = split(text, "en-US", 21)
    check(text, pieces)
    assert pieces[0].text == "see"
    assert all(not unicodedata.combining(piece.text[0]) for piece in pieces)
    assert all(len(piece.text) <= 21 for piece in pieces)


@pytest.mark.parametrize("text", ["", "  \n\n ", "***", "* * *\n\n…"])
def test_text_without_a_voice(text: str) -> None:
    check(text, split(text, "en-US"))
    assert len(split(text, "en-US")) <= 1


def test_marks_alone_go_with_a_neighbour() -> None:
    assert [piece.text for piece in split("***\n\nFirst part.\n\n* * *\n\nSecond part.", "en-US")] == [
        "***\n\nFirst part.\n\n* * *",
        "Second part.",
    ]


def test_a_tiny_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        split("Hello.", "en-US", 5)


@pytest.mark.parametrize("mark", [".", "No. ", ". ", "x", "(", ".)", "“", "— ", "\n", "1 ", "a\u0301"])
def test_no_text_takes_more_than_linear_time(mark: str) -> None:
    """Half a million characters of anything; a quadratic step would take minutes and run into the time limit of the tests."""
    text = mark * (500_000 // len(mark))
    check(text, split(text, "en-US"))


# --- normalise ---------------------------------------------------------------------------------------------------------


@settings(max_examples=1500, deadline=None)
@given(ROUGH)
def test_normalise_is_final(text: str) -> None:
    try:
        clean = normalise(text)
    except EmptyText:
        return
    assert normalise(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    clean.encode("utf-8")
    assert all(line == "" or line == " ".join(line.split()) for line in clean.split("\n"))
    assert "\n" not in clean.replace("\n\n", "")
    assert not [letter for letter in clean if unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in "\n\u200c\u200d"]


@given(st.lists(st.sampled_from([*WORDS, *ATOMS]), min_size=1).map(" ".join))
def test_normalise_leaves_clean_prose_alone(text: str) -> None:
    assert normalise(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  Xin\u00a0 chào\t bạn \r\n", "Xin chào bạn"),
        ("Tie\u0302\u0301ng Vie\u0323\u0302t", "Tiếng Việt"),
        ("one\ntwo\n\n\n  three\r\n\r\nfour", "one two\n\nthree\n\nfour"),
        ("a\u202egnorw\u202c b\u200bc\u00add\ufeff\x00\x07", "agnorw bcd"),
        ("Chapter\n\n* * *\n\n-----\n\nNext", "Chapter\n\nNext"),
        ("What!!!!!!! No......... ------", "What!!! No... ---"),
        ("First line.\nSecond one!\nThird…", "First line.\n\nSecond one!\n\nThird…"),
        ("A line that is wrapped\nat some column. And it\ngoes on.", "A line that is wrapped at some column. And it goes on."),
        ("\ud800lone", "lone"),
    ],
)
def test_normalise(text: str, clean: str) -> None:
    assert normalise(text) == clean


@pytest.mark.parametrize("text", ["", "   \n\t", "\x00\x01\u200b\u202e", "…!?", "\u0301", "\ud800", "👍"])
def test_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(EmptyText):
        normalise(text)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("exactly ten", "exactly ten"),
        ("one two three", "one two…"),
        ("one, two – three", "one, two…"),
        ("unbreakables", "unbreakabl…"),
        ("x" * 9 + "e\u0301\u0323", "x" * 9 + "…"),
        ("👍🏽" * 6, "👍🏽" * 5 + "…"),
    ],
)
def test_a_title_is_cut_at_a_word_and_never_inside_a_letter(text: str, cut: str) -> None:
    assert shortened(text, 11) == cut


@given(ROUGH)
def test_a_title_is_never_longer_than_it_may_be(text: str) -> None:
    assert len(shortened(text, 20)) <= 20
