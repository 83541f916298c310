"""How Vietnamese is said: the table of rules, and what holds for every text."""

from __future__ import annotations

import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loa.saying import Said, say
from loa.saying.vietnamese.letters import readable, spelled
from loa.saying.vietnamese.numbers import DIGITS, LARGEST, cardinal

ROWS = [
    tuple(line.split("\t"))
    for line in Path(__file__).with_name("vietnamese.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("# ")
]

# Everything that rules look at, in any order, and everything else that Unicode has.
PIECES = """
0 1 4 5 12 30 31 99 1.234 1,5 1.234.567,89 2024 007 0912 345678 12345678901234567890 ² ½ ① Ⅳ ٣ ₂ ３
. , : ; / - – — + − × = % ‰ ° đ ₫ $ € k tr ( ) “ ” ' " @ # & _ * … ? ! ~ < > | ^ √ →
km m2 kg kWh °C h g p s GB x VND USD tỷ triệu nghìn ngày tháng năm thế kỷ quý thứ từ đến số thắng tỷ số lần giờ phút sáng lễ T2 CN
I IV XXI V C TP.HCM UBND GS. PGS.TS Q.1 P. QL1A BTC NĐ-CP QH14 A4 COVID-19 WHO AI v.v. tr. J. hoà uỷ quý Louis chương Điều
www.loa.vn info@loa.vn https://loa.vn/a?b=1 loa.vn 😂 👍🏽 🇻🇳 👾 ❤️ 漢字 привет α π nhà Hà
"""
texts = st.one_of(st.lists(st.sampled_from([*PIECES.split(), *([" "] * 40), "\n\n"]), max_size=14).map("".join), st.text(max_size=60))


@pytest.mark.parametrize(("written", "spoken", "rules"), ROWS, ids=[row[0] for row in ROWS])
def test_table(written: str, spoken: str, rules: str) -> None:
    said = say(written, "vi")
    assert said.spoken == spoken
    assert set(rules.split("+")) == {change.rule for change in said.changes} or (rules == "-" and not said.changes)


def test_table_is_large() -> None:
    assert len(ROWS) >= 250
    assert len({written for written, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("written", "spoken", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_saying_what_is_said_changes_nothing(written: str, spoken: str, _: str) -> None:
    again = say(spoken, "vi")
    assert again.spoken == spoken
    assert not again.unsayable


def holds_no_figure(text: str) -> bool:
    return not any(character.isdigit() or unicodedata.numeric(character, -1) >= 0 for character in text)


@settings(max_examples=1500, deadline=None)
@given(texts)
@example("漢 ½")  # a change that begins with the blank behind another
def test_whatever_the_text(text: str) -> None:
    """No digit is left, changes are in order and cover what differs, and offsets go forward."""
    said = say(text, "vi")
    assert said.text == unicodedata.normalize("NFC", text)
    assert holds_no_figure(said.spoken), said
    assert not any(character.isdigit() for part in said.unsayable for character in part), said
    position = 0
    for change in said.changes:
        assert position <= change.start < change.end
        assert said.text[change.start : change.end] == change.source
        position = change.end
    assert rebuilt(said) == said.spoken
    offsets = [said.source_offset(offset) for offset in range(len(said.spoken) + 1)]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(said.text) for offset in offsets)


@settings(max_examples=500, deadline=None)
@given(texts)
def test_nothing_is_dropped_in_silence(text: str) -> None:
    """Every letter of the text stands in what is said, or in a change; what is left out without words is listed."""
    said = say(text, "vi")
    for change in said.changes:
        if change.rule == "unsayable":
            assert change.source.strip() in said.unsayable
        elif not change.spoken.strip():
            assert not any(character.isalnum() for character in change.source), change


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([row[0] for row in ROWS]), min_size=1, max_size=4).map(" ".join))
def test_sentences_in_a_row_are_said_once(text: str) -> None:
    spoken = say(text, "vi").spoken
    assert say(spoken, "vi").spoken == spoken


def rebuilt(said: Said) -> str:
    spoken, position = [], 0
    for change in said.changes:
        spoken += (said.text[position : change.start], change.spoken)
        position = change.end
    return "".join((*spoken, said.text[position:]))


def test_composed_and_decomposed_letters_are_the_same() -> None:
    for written, spoken, _ in ROWS:
        assert say(unicodedata.normalize("NFD", written), "vi-VN").spoken == spoken


def test_any_number_of_callers_at_once() -> None:
    """Each gets its own text, whatever the others ask for at the same time."""
    work = [(written, spoken) for written, spoken, _ in ROWS] * 20
    with ThreadPoolExecutor(16) as pool:
        said = pool.map(lambda row: say(row[0], "vi").spoken, work, chunksize=7)
        assert [spoken for _, spoken in work] == list(said)


def test_what_nobody_can_say_is_listed() -> None:
    said = say("Hay 👾 quá, 漢字 và привет!", "vi")
    assert said.spoken == "Hay quá, và!"
    assert said.unsayable == ("👾", "漢字", "привет")


def test_the_place_of_a_word_is_where_it_is_written() -> None:
    said = say("Ngày 15/8/2024 ở TP.HCM", "vi")
    assert said.source_offset(said.spoken.index("mười lăm")) == said.text.index("15/8")
    assert said.source_offset(said.spoken.index("ở")) == said.text.index("ở")
    assert said.source_offset(said.spoken.index("Hồ Chí Minh")) == said.text.index("TP.HCM")


def test_a_long_paragraph_takes_a_moment() -> None:
    """Time grows with the length and no faster: ten times the text in less than thirty times the seconds of one, whatever repeats."""
    for unit in ("1", "1,", "1.", "1/", "1-", "a.", "A", "I", "x ", "(", "0 12 ", "www.", "a@", "😂", "1 000 ", "12:30 ", "/a", "đ/c "):
        short, long = (best(unit * (length // len(unit))) for length in (2_000, 20_000))
        assert long < 30 * short + 0.5, unit


def best(text: str) -> float:
    """Seconds for a text at the best of three tries: others use the machine, too."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        say(text, "vi")
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@pytest.mark.parametrize("number", [-1, LARGEST])
def test_numbers_without_a_name(number: int) -> None:
    with pytest.raises(ValueError, match="no name"):
        cardinal(number)


@given(st.integers(0, LARGEST - 1))
def test_every_number_has_a_name_of_its_own(number: int) -> None:
    assert value(cardinal(number).split()) == number


def value(words: list[str]) -> int:
    """The number that words name: an independent reading of them."""
    if "tỷ" in words:
        at = len(words) - 1 - words[::-1].index("tỷ")
        left, power = words[:at], 9
        while left and left[-1] == "tỷ":
            left, power = left[:-1], power + 9
        last_tens = value(words[at + 1 :]) if words[at + 1 :] else 0
        return value(left) * 10**power + last_tens
    for scale, power in (("triệu", 6), ("nghìn", 3)):
        if scale in words:
            at = words.index(scale)
            return value(words[:at]) * 10**power + (value(words[at + 1 :]) if words[at + 1 :] else 0)
    units = {word: index for index, word in enumerate(DIGITS)} | {"mốt": 1, "tư": 4, "lăm": 5}
    total = 0
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in ("trăm", "mươi", "linh"):
            continue
        if word == "mười":
            total += 10
        else:
            total += units[word] * {"trăm": 100, "mươi": 10}.get(following, 1)
    return total


def test_syllables() -> None:
    assert all(map(readable, ("nghiêng", "quý", "giá", "gì", "hòa", "hoà", "khuya", "quốc", "thuở", "giếng", "TIN", "yêu", "ươm", "xoong")))
    assert not any(map(readable, ("WHO", "BTC", "USA", "LOUIS", "xyz", "nght", "")))
    assert spelled("WHO") == "vê kép hát ô"
