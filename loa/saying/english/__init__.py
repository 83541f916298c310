"""How English is said, by the rules of the modules of this package; special ones come before general ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from loa.saying.english import abbreviations, acronyms, addresses, codes, dates, money, quantities, roman, symbols, units
from loa.saying.said import Rule

# What has to be somewhere in a text for a group of rules to be worth trying: most prose has none of it. Each begins with a set of
# characters or with alternatives of one first letter each, for which re can skip ahead.
_FIGURES = re.compile(r"[\d¹²³⁰-₉¼-¾⅐-↉]")
_SIGNS = re.compile(r"[^A-Za-z0-9À-ÖØ-öø-ʯ\s.,;:!?'\"’‘“”()—–](?:(?<!-)|-)")  # also "--"
_NET = re.compile(r"@|#|/[A-Za-z_./]|\.\w")


def _where(needs: re.Pattern[str], rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, needs=needs) for rule in rules)


RULES: tuple[Rule, ...] = (
    *_where(_SIGNS, symbols.EMOJI_RULES),
    *_where(_NET, addresses.RULES),
    *_where(_FIGURES, (*money.STERLING, *dates.RULES, *money.RULES, *units.RULES)),
    *roman.RULES,
    *abbreviations.RULES,
    *_where(_FIGURES, (*quantities.NAMED, *codes.RULES, *dates.YEARS, *quantities.RULES)),
    *quantities.OPERATORS,
    *_where(_FIGURES, quantities.NUMBERS),
    *acronyms.RULES,
    *_where(_SIGNS, symbols.RULES),
    *quantities.REMAINING,
)
