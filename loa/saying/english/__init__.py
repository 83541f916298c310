"""How English is said, by the rules of the modules of this package; special ones come before general ones."""

from __future__ import annotations

from loa.saying.english import abbreviations, acronyms, addresses, codes, dates, money, quantities, roman, symbols, units
from loa.saying.said import Rule

RULES: tuple[Rule, ...] = (
    *symbols.EMOJI_RULES,
    *addresses.RULES,
    *money.STERLING,
    *dates.RULES,
    *money.RULES,
    *units.RULES,
    *roman.RULES,
    *abbreviations.RULES,
    *quantities.NAMED,
    *codes.RULES,
    *dates.YEARS,
    *quantities.RULES,
    *acronyms.RULES,
    *symbols.RULES,
    *quantities.REMAINING,
)
