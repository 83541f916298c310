"""What a document itself defines, and how its short forms are then said."""

from __future__ import annotations

import pytest

from loa.saying.context import Context
from loa.saying.say import say


@pytest.mark.parametrize(
    ("text", "language", "expansions"),
    [
        ("Ban Tổ chức (BTC) công bố.", "vi", {"vi": {"BTC": "Ban Tổ chức"}}),
        ("Sáng nay Ủy ban nhân dân (UBND) họp.", "vi", {"vi": {"UBND": "Ủy ban nhân dân"}}),
        ("vùng đồng bằng sông Cửu Long (ĐBSCL)", "vi", {"vi": {"ĐBSCL": "đồng bằng sông Cửu Long"}}),
        ("Hội đồng quản trị (sau đây gọi tắt là “HĐQT”) gồm", "vi", {"vi": {"HĐQT": "Hội đồng quản trị"}}),
        ("HĐQT (Hội đồng quản trị) gồm", "vi", {"vi": {"HĐQT": "Hội đồng quản trị"}}),
        ("the World Health Organization (WHO) said", "en", {"en": {"WHO": "World Health Organization"}}),
        ("the Department of Defense (DoD) said", "en", {"en": {"DoD": "Department of Defense"}}),
        ("the Food and Agriculture Organization (FAO)", "en", {"en": {"FAO": "Food and Agriculture Organization"}}),
        ("a non-governmental organization (“NGO”)", "en", {"en": {"NGO": "non-governmental organization"}}),
        ("tổ chức World Health Organization (WHO)", "vi", {"en": {"WHO": "World Health Organization"}}),
        ("Cong ty co phan (CTCP)", "vi", {"vi": {"CTCP": "Cong ty co phan"}}),
        ("Ban Tổ chức (BTC) và bộ tài chính (BTC)", "vi", {"vi": {"BTC": "Ban Tổ chức"}}),
        ("He laughed (HA) and left (see below) (BTC).", "en", {}),
        ("Tổ chức Y tế Thế giới (WHO)", "vi", {}),
        ("In 1990. Second (S) one; Word (Wo)", "en", {}),
        ("(BTC) BTC (", "vi", {}),
    ],
)
def test_definitions_are_found(text: str, language: str, expansions: dict[str, dict[str, str]]) -> None:
    assert {name: found for name, found in Context.of(text, language).expansions.items() if found} == expansions


def test_vietnamese_says_the_words_except_where_they_have_just_been_said() -> None:
    text = "Ban Tổ chức (BTC) họp. BTC quyết định. Trưởng BTC nói về BTC-2."
    changes = [change for change in say(text, "vi", context=Context.of(text, "vi")).changes if change.rule == "expansion"]
    assert [(change.start, change.spoken) for change in changes] == [
        (text.index("BTC quyết"), "Ban Tổ chức"),
        (text.index("BTC nói"), "Ban Tổ chức"),
        (text.index("BTC-2"), "Ban Tổ chức"),
    ]


@pytest.mark.parametrize("text", ["HĐQT (Hội đồng quản trị) gồm", "Hội đồng quản trị (gọi tắt là HĐQT) gồm"])
def test_a_definition_is_not_said_twice(text: str) -> None:
    assert "expansion" not in {change.rule for change in say(text, "vi", context=Context.of(text, "vi")).changes}


def test_english_knows_an_acronym_from_a_shouted_word() -> None:
    text = "The World Health Organization (WHO) met. WHO staff came."
    assert say("WHO staff came.", "en", context=Context.of(text, "en")).spoken == "W.H.O staff came."
    assert say("And WHO came?", "en").spoken == "And WHO came?"
    assert say("the WHO", "vi", context=Context.of(text, "vi")).changes == say("the WHO", "vi").changes
