"""What a rule needs is there wherever it has something to say: a quick look never costs a word."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loa.saying.english import abbreviations as english
from loa.saying.said import Rule
from loa.saying.say import PACKAGES
from loa.saying.vietnamese import abbreviations as vietnamese

WRITTEN = [
    line.split("\t")[0]
    for name in ("english.tsv", "vietnamese.tsv")
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    if line
]
PLACES = ("{}", "({} and", "see {} 5", "Xem {} 5.", "{}. Smith", "{} Smith", "{}Minh", "a {} b", "{}.")
SHORT = [
    *english._TITLES, *english._COUNTED, *english._WORDS, *english._PLAIN,
    *vietnamese.PLAIN, *vietnamese._TITLES, *vietnamese._NUMBERED, *vietnamese._SMALL, *vietnamese._CUES,
]  # fmt: skip
SIGNS = " \n.,;:-–—'’()[]/|@#&+*=~^<>%°×½²⁵₂₫€$0123456789aAbBđĐIVXTsStv"


def in_vain(text: str, language: str) -> Iterator[tuple[Rule, str]]:
    """What rules would say that are not tried, for want of what they need."""
    for rule in import_module(PACKAGES[language]).RULES:
        if rule.needs is not None and not rule.needs.search(text):
            yield from ((rule, match.group()) for match in rule.pattern.finditer(text) if match.group() and rule.speak(match) is not None)


@pytest.mark.parametrize("language", PACKAGES)
def test_every_rule_is_tried_where_it_has_something_to_say(language: str) -> None:
    texts = [*WRITTEN, *(place.format(short) for place in PLACES for short in SHORT)]
    assert not [found for text in texts for found in in_vain(text, language)]


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(SHORT), st.text(alphabet=SIGNS, max_size=8), st.text(max_size=3)), max_size=6).map("".join))
@example("0:\n0")
def test_no_text_is_said_worse_for_it(text: str) -> None:
    for language in PACKAGES:
        assert not list(in_vain(text, language))
