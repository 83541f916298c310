"""How Vietnamese is said: as a newsreader of the national radio would read it out. Each file has one kind of writing and says what it chose."""

from __future__ import annotations

from loa.saying.said import Rule
from loa.saying.vietnamese import (
    abbreviations,
    acronyms,
    addresses,
    codes,
    dates,
    emoji,
    fractions,
    money,
    numerals,
    phones,
    roman,
    scores,
    spelling,
    symbols,
    times,
    units,
)

RULES: tuple[Rule, ...] = (
    *addresses.RULES,
    *emoji.RULES,
    *codes.RULES[:2],
    *phones.RULES,
    numerals.INTERNET,
    *dates.RULES,
    *times.RULES,
    *money.RULES,
    *scores.RULES,
    *fractions.RULES,
    numerals.SECTION,
    *units.RULES,
    *roman.RULES,
    *abbreviations.RULES,
    *codes.RULES[2:],
    *acronyms.RULES,
    numerals.MINUS,
    numerals.RANGE,
    numerals.NUMERAL,
    numerals.PLUS,
    numerals.FIGURES,
    *symbols.RULES,
    *spelling.RULES,
)
