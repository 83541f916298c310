"""How Vietnamese is said: as a newsreader of the national radio would read it out. Each file has one kind of writing and says what it
chose.
"""

from __future__ import annotations

import re
from dataclasses import replace

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


def _where(needed: str, *rules: Rule) -> tuple[Rule, ...]:
    """Rules that are tried only where `needed` is found: one quick look at a text spares it most of them."""
    return tuple(replace(rule, needs=re.compile(needed)) for rule in rules)


_FIGURE = r"\d"
_STROKE = r"\d ?[/⁄∕:] ?\d"

RULES: tuple[Rule, ...] = (
    *_where(r"[@#]|/[A-Za-z_./]|\.[A-Za-z0-9]", *addresses.RULES),
    *_where("[©®\u20e3\u2122-\U0010ffff]", *emoji.RULES),
    *_where(r"\d[/\-][A-ZĐ\d]|QH\d", *codes.LAW),
    *_where(_FIGURE, codes.RESOLUTION),
    *_where("0x", codes.HEXADECIMAL),
    *_where(r"\d{3}|\+\d", *phones.RULES),
    *_where(r"\.\d+\.\d", numerals.INTERNET),
    *_where(_STROKE, fractions.ROUND_THE_CLOCK),
    *_where(r"[\dIVX] ?[/.\-–] ?\d|(?:[Nn]gày|[Tt]háng|[Mm][ùồ]ng) \d", *dates.RULES),
    *_where(r"\d\s?(?:[hHg:'′AaPp]|giờ)", *times.RULES),
    *_where(_FIGURE, *money.RULES),
    *_where(r"\d[\-–:]\d", *scores.RULES),
    *_where("[¼-¾⅐-⅞↉]", fractions.SIGN),
    *_where(_STROKE, *fractions.RULES),
    *_where(r"\.\d+\.\d", numerals.SECTION),
    *_where(_FIGURE, *units.RULES),
    *units.ALONE,
    *roman.RULES,
    *_where(_FIGURE, *roman.ORDINALS),
    *abbreviations.RULES,
    *_where(r"[A-ZĐ]\.\d", numerals.LETTERED),
    *_where("[₀-₉]", codes.FORMULA),
    *_where(_FIGURE, *codes.RULES),
    *acronyms.RULES,
    *_where(_FIGURE, numerals.CHAIN, numerals.MINUS, numerals.RANGE, codes.JOINED, numerals.NUMERAL, numerals.PLUS, numerals.FIGURES),
    *symbols.RULES,
    *spelling.RULES,
)
