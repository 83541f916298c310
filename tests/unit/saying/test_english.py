"""How English is said: every line of english.tsv, and what holds for any text."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loa.saying.english import numbers, roman
from loa.saying.said import Said
from loa.saying.say import say
from loa.saying.tables import words
from loa.text import sentences

CASES = [line.split("\t") for line in Path(__file__).with_name("english.tsv").read_text(encoding="utf-8").splitlines() if line]

ATOMS = [case[0] for case in CASES]
SIGNS = " \n.!?…,;:–—-\"'“”‘’()[]{}<>*_/\\@#$£€%&+=×°§²³½^~0123456789aAbBIVXsS.,"
ROUGH = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(SIGNS)), max_size=60)
JOINED = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=5).map("\n\n".join)
MIXED = st.lists(st.one_of(st.sampled_from(ATOMS), st.text(alphabet=SIGNS, max_size=12)), max_size=5).map("".join)


@pytest.mark.parametrize(("written", "spoken", "rule"), CASES, ids=ATOMS)
def test_a_text_is_said(written: str, spoken: str, rule: str) -> None:
    said = say(written, "en")
    assert said.spoken == spoken
    if rule == "-":
        assert not said.changes
    else:
        assert rule in {change.rule for change in said.changes}
    assert say(spoken, "en").spoken == spoken, "what is said stays as it is"


def test_the_table_is_large_and_has_no_case_twice() -> None:
    assert len(CASES) >= 180
    assert len(set(ATOMS)) == len(ATOMS)


def check(said: Said) -> None:
    """What holds for any text: no figure is left, and every place of what is said has its place in the text, in order."""
    for place in (said.spoken, "".join(said.unsayable)):
        assert not [character for character in place if unicodedata.category(character) in ("Nd", "No", "Nl")], said
    offsets = [said.source_offset(offset) for offset in range(len(said.spoken) + 1)]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(said.text) for offset in offsets)
    position = 0
    for change in said.changes:
        assert position <= change.start < change.end
        assert said.text[change.start : change.end] == change.source
        position = change.end


@settings(deadline=None)
@given(ROUGH)
def test_any_text_can_be_said(text: str) -> None:
    check(say(text, "en"))


@settings(deadline=None)
@given(MIXED)
@example("#² and #a², #٣x, #① and #¼")  # figures that are none of 0 to 9
@example("http://a.b/%C2%BD²")
@example("A.D. 791\ufe0f\u20e3")
def test_no_figure_is_left_in_any_mixture(text: str) -> None:
    check(say(text, "en"))


@settings(deadline=None)
@given(JOINED)
def test_what_is_said_stays_as_it_is(text: str) -> None:
    spoken = say(text, "en").spoken
    assert say(spoken, "en").spoken == spoken


@given(st.integers(min_value=0, max_value=10**40))
def test_every_number_has_words(number: int) -> None:
    for said in (numbers.cardinal(number), numbers.ordinal(number)):
        assert said.replace("-", "").replace(" ", "").isalpha()
    assert numbers.cardinal(-number - 1).startswith("minus ")


@given(st.integers(min_value=1, max_value=3999))
def test_roman_numerals_are_read(number: int) -> None:
    worths = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
    pairs = zip(worths, words("M CM D CD C XC L XL X IX V IV I"), strict=True)
    left, numeral = number, ""
    for worth, letters in pairs:
        numeral += letters * (left // worth)
        left %= worth
    assert roman.value(numeral) == number
    assert say(f"Chapter {numeral}.", "en").spoken == f"Chapter {numbers.cardinal(number)}."


def test_sentences_stay_sentences() -> None:
    text = "He left in 1905. 5 men came. Dr. Ames saw them at 5 p.m. Then No. 7 fell, etc. It was 3 ft. long. “$5?” 20% paid."
    said = say(text, "en")
    assert [sentence.text for sentence in sentences(said.spoken, "en")] == [
        "He left in nineteen oh five.",
        "Five men came.",
        "Doctor Ames saw them at five P.M.",
        "Then Number seven fell, etcetera.",
        "It was three feet long.",
        "“Five dollars?”",
        "Twenty percent paid.",
    ]


def test_callers_do_not_disturb_each_other() -> None:
    alone = {written: say(written, "en") for written in ATOMS}
    with ThreadPoolExecutor(8) as pool:
        for written, said in zip(ATOMS * 8, pool.map(lambda text: say(text, "en"), ATOMS * 8), strict=True):
            assert said == alone[written]


@pytest.mark.parametrize(
    "piece", ["1", "1,", "1.", "1-", "$1 ", "I", "A.", "a.b", "1:", "1/", "°", "x", "#a", "@a", "(", "1 000 ", "MP3", "-", "'", "1°1′"]
)
def test_a_long_run_of_one_thing_takes_no_time(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    started = perf_counter()
    say(text, "en")
    assert perf_counter() - started < 20  # a rule that takes the square of the length would need minutes
