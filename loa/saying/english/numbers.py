"""Numbers in English words, as they are said in the United States: "one hundred five", "two thousand twenty-four"."""

from __future__ import annotations

import unicodedata

from loa.saying.tables import words

_ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_GROUPS = ("", *words("thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
LONGEST = 3 * len(_GROUPS)  # figures of a number that has a name; a longer one is said figure by figure

# "1,234,567.89", "42", ".5"; figures of other scripts are said one by one, see symbols.py.
WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
NUMBER = rf"(?:{WHOLE}(?:\.[0-9]+)?|\.[0-9]+)"


def cardinal(number: int) -> str:
    """42 → "forty-two". Numbers of more than 36 figures are said figure by figure."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number < 100:
        return _under_hundred(number)
    if len(figures := str(number)) > LONGEST:
        return digits(figures)
    powers = range((len(figures) - 1) // 3, -1, -1)
    groups = ((number // 1000**power % 1000, _GROUPS[power]) for power in powers)
    return " ".join(f"{_under_thousand(group)} {name}".strip() for group, name in groups if group)


def ordinal(number: int) -> str:
    """42 → "forty-second"."""
    said = cardinal(number)
    head, last = said[: (at := max(said.rfind(" "), said.rfind("-")) + 1)], said[at:]
    return head + (_ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"))


def plural(said: str) -> str:
    """ "forty" → "forties", "six" → "sixes"."""
    if said.endswith("y"):
        return f"{said[:-1]}ies"
    return f"{said}es" if said.endswith("x") else f"{said}s"


def digits(figures: str) -> str:
    """Figure by figure: "007" → "zero zero seven"."""
    return " ".join(_ONES[int(figure)] for figure in figures)


def pairs(figures: str) -> str:
    """One to four figures as in names of roads, models and years: "747" → "seven forty-seven", "1905" → "nineteen oh five"."""
    if len(figures) < 3 or figures[0] == "0":
        return digits(figures) if figures[0] == "0" else cardinal(int(figures))
    head, tail = cardinal(int(figures[:-2])), int(figures[-2:])
    if tail == 0:
        return cardinal(int(figures)) if figures[-3] == "0" else f"{head} hundred"
    return f"{head} oh {cardinal(tail)}" if tail < 10 else f"{head} {cardinal(tail)}"


def year(number: int) -> str:
    """1905 → "nineteen oh five", 2005 → "two thousand five", 2024 → "twenty twenty-four", 800 → "eight hundred"."""
    if number < 1000 or number > 9999 or number % 1000 < 10:
        return cardinal(number)
    return pairs(str(number))


def amount(written: str) -> str:
    """A number as it is written: "1,234.50" → "one thousand two hundred thirty-four point five zero", "007" → "zero zero seven"."""
    whole, _, decimals = written.replace(",", "").partition(".")
    by_figure = len(whole) > LONGEST or (len(whole) > 1 and whole[0] == "0")
    said = digits(whole) if by_figure else cardinal(int(whole or 0))
    return f"{said} point {digits(decimals)}" if decimals else said


def is_one(written: str) -> bool:
    """Whether a noun after the number is in the singular."""
    return written == "1"


def fraction(numerator: int, denominator: int) -> str:
    """3, 4 → "three quarters"; 5, 16 → "five sixteenths"."""
    part = {2: "half", 4: "quarter"}.get(denominator) or ordinal(denominator)
    if numerator != 1:
        part = "halves" if part == "half" else f"{part}s"
    return f"{cardinal(numerator)} {part}"


def mixed_number(whole: str | None, numerator: int, denominator: int) -> str:
    """None, 3, 4 → "three quarters"; "1", 1, 2 → "one and a half"."""
    said = fraction(numerator, denominator)
    if not whole:
        return said
    if numerator == 1:
        said = f"{'an' if denominator in (8, 11, 18) else 'a'} {said.removeprefix('one ')}"
    return f"{amount(whole)} and {said}"


def vulgar(sign: str) -> tuple[int, int]:
    """¾ → 3, 4."""
    over, under = unicodedata.normalize("NFKC", sign).split("⁄")
    return int(over), int(under)


def _under_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def _under_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    return " ".join(([f"{_ONES[hundreds]} hundred"] if hundreds else []) + ([_under_hundred(rest)] if rest else []))
