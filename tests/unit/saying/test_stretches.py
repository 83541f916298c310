"""Stretches of Vietnamese and English: every line of stretches.tsv, and what holds for any text.

A line is the default language and the stretches that the text is cut into: `en<TAB>en:Problem / |vi:Vấn đề`; \\n stands for a line break.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loa.saying.stretches import Stretch, stretches
from loa.saying.syllables import is_syllable
from loa.saying.tables import words

CASES = [line.split("\t") for line in Path(__file__).with_name("stretches.tsv").read_text(encoding="utf-8").splitlines()]

PARTS = [part[3:].replace("\\n", "\n") for _, expected in CASES for part in re.split(r"\|(?=en:|vi:)", expected)]
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from([*PARTS, *' \n/|()[]“”"«»‘’—–:;.!?']), max_size=8).map("".join),
)


@pytest.mark.parametrize(("default", "expected"), CASES)
def test_a_text_is_cut_by_language(default: str, expected: str) -> None:
    wanted = [(part[:2], part[3:].replace("\\n", "\n")) for part in re.split(r"\|(?=en:|vi:)", expected)]
    text = "".join(part for _, part in wanted)
    assert [(stretch.language, stretch.text) for stretch in stretches(text, default)] == wanted


def test_the_table_is_large() -> None:
    assert len(CASES) >= 60


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["vi", "en", "vi-VN", "en-GB", "fr"]))
def test_nothing_is_lost_and_neighbours_differ(text: str, default: str) -> None:
    found = stretches(text, default)
    assert "".join(stretch.text for stretch in found) == text
    assert all(text[stretch.start : stretch.end] == stretch.text != "" for stretch in found)
    assert all(before.end == after.start and before.language != after.language for before, after in pairwise(found))


def test_other_languages_are_left_alone() -> None:
    text = "Bonjour. Hello, how are you? Xin chào các bạn."
    assert stretches(text, "fr-FR") == [Stretch(text=text, start=0, end=len(text), language="fr")]
    assert stretches("", "vi") == []


@pytest.mark.parametrize("piece", ['"', "“", "(", "[", "—", " / ", "«", "‘", "a/", "chào ", "the ", ": ", "(a)", "a"])
def test_a_long_run_of_one_thing_takes_no_time(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    started = perf_counter()
    stretches(text, "vi")
    assert perf_counter() - started < 20  # a pattern that takes the square of the length would need minutes


SYLLABLES = words("nghiêng khuỷu quốc giữa giết gì gìn hòa hoà thuỷ thủy đường yêu oanh quý quyển xoong khuya nghệ kẻ cá ghế ươm ngoằn")


@pytest.mark.parametrize("word", SYLLABLES)
def test_syllables_are_known(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", words("café naïve über straße ká cê ngế gế ghá bàch tồp lẵt đ the’ problem w zá jour àé école"))
def test_what_cannot_be_a_syllable_is_known(word: str) -> None:
    assert not is_syllable(word)
