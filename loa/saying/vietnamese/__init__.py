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

_FIGURE = re.compile(r"\d")


def _of_figures(*rules: Rule) -> tuple[Rule, ...]:
    """Rules whose every match holds a figure or stands beside one."""
    return tuple(replace(rule, needs=_FIGURE) for rule in rules)


RULES: tuple[Rule, ...] = (
    *addresses.RULES,
    *emoji.RULES,
    *_of_figures(
        *codes.LAW,
        codes.RESOLUTION,
        *phones.RULES,
        numerals.INTERNET,
        fractions.ROUND_THE_CLOCK,
        *dates.RULES,
        *times.RULES,
        *money.RULES,
        *scores.RULES,
    ),
    fractions.SIGN,
    *_of_figures(*fractions.RULES, numerals.SECTION, *units.RULES),
    *units.ALONE,
    *roman.RULES,
    *_of_figures(*roman.ORDINALS),
    *abbreviations.RULES,
    codes.FORMULA,
    *_of_figures(*codes.RULES),
    *acronyms.RULES,
    *_of_figures(numerals.MINUS, numerals.RANGE, codes.JOINED, numerals.NUMERAL, numerals.PLUS, numerals.FIGURES),
    *symbols.RULES,
    *spelling.RULES,
)
