"""Numbers as they are written: 1.234.567,89 and 1 234 567 in the Vietnamese way, 1,234,567.89 in the English one, 3.2.1 of a section.

A comma is a decimal point, a full stop between groups of three parts thousands. "1,234" therefore has decimals, and 3.5, which can be no
group, is said with "chấm", as versions are; before a unit it is "phẩy". Two decimals are said as a number, more of them figure by figure.
"""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.letters import spelled
from loa.saying.vietnamese.numbers import cardinal, digits
from loa.saying.vietnamese.surroundings import REACH, cue, preceded

_ENGLISH = r"\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d{1,3}(?:,\d{3})+\.\d+"
_GROUPED = r"[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d{0,2}(?: \d{3}){2,}|[1-9]\d{0,2} 000"
BEGIN, END = r"(?<!\d)(?<!\d[.,])", r"(?!\d)(?![.,]\d)"
NUMBER = rf"{BEGIN}(?:{_ENGLISH}|(?:{_GROUPED}|\d+)(?:[.,]\d+)?){END}"
SIGN = r"(?:(?<![^\s(\[“\"'=<>≤≥,])(?<!\d )[-−])?"  # of a negative number, not the dash of a range

_ENGLISH_NUMBER, _AMOUNT = re.compile(_ENGLISH), re.compile(_GROUPED)
_IDENTIFIER = 13  # figures without groups are read one by one from here on; 9 or more as soon as they are not round
_LONGEST = 27  # figures that are said as one number


def number(written: str, *, point: str = "chấm") -> str:
    """What matched SIGN and NUMBER, in words. `point`: how a full stop before decimals is said."""
    sign = "âm " if written[0] in "-−" else ""
    written = written.lstrip("-−").replace(" ", "")
    if _ENGLISH_NUMBER.fullmatch(written):
        whole, _, decimals = written.replace(",", "").partition(".")
        grouped, point = True, "phẩy"
    elif "," in written:
        whole, _, decimals = written.partition(",")
        grouped, point, whole = "." in whole, "phẩy", whole.replace(".", "")
    elif _AMOUNT.fullmatch(written):
        whole, decimals, grouped = written.replace(".", ""), "", True
    else:
        whole, _, decimals = written.partition(".")
        grouped = False
    said = sign + integer(whole, grouped=grouped)
    if not decimals:
        return said
    return f"{said} {point} {cardinal(int(decimals)) if len(decimals) < 3 and decimals[0] != '0' else digits(decimals)}"


def integer(figures: str, *, grouped: bool = False) -> str:
    """Figures as a number, or one by one where they are no amount: a zero leads, or they are very many."""
    if len(figures) > _LONGEST or (figures[0] == "0" and len(figures) > 1):
        return digits(figures)
    if not grouped and (len(figures) >= _IDENTIFIER or (len(figures) > 8 and not figures.endswith("000"))):
        return digits(figures)
    return cardinal(int(figures))


_INTERNET = cue("IP|máy chủ")
_TERM = rf"{NUMBER}(?:\s?[+\-−–×x*:÷/]\s?{NUMBER})*\s?="
_EQUATION = re.compile(_TERM)


def _section(match: re.Match[str]) -> str | None:
    return None if _AMOUNT.fullmatch(match.group()) else _figure_groups(match.group())


def _figure_groups(written: str) -> str:
    return " chấm ".join(integer(part) for part in written.split("."))


def _grouped_address(match: re.Match[str]) -> str | None:
    """192.168.100.200 looks like an amount."""
    return _figure_groups(match.group()) if preceded(match, _INTERNET) else None


def _chain(match: re.Match[str]) -> str:
    """90-60-90 goes from nowhere to nowhere."""
    return ", ".join(map(integer, match.group().split("-")))


def _minus(match: re.Match[str]) -> str | None:
    return " trừ " if _EQUATION.match(match.string, match.end(), match.end() + REACH) else None


# What may stand left of the dash of a range: a figure, or one with a unit.
_LEFT = r"(?:(?<=\d)|(?<=\d[%‰kKđ₫hgmlW°\"'])|(?<=\d(?:[kcmd][mgl²]|°C|tr)))"

INTERNET = Rule(name="address", pattern=re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)(?!\.\d)"), speak=_grouped_address)
SECTION = Rule(name="section", pattern=re.compile(r"(?<![\d,])(?<!\d\.)\d{1,9}(?:\.\d{1,9}){2,}(?!,?\d)(?!\.\d)"), speak=_section)
LETTERED = Rule(  # B.5.3 of an appendix
    name="section",
    pattern=re.compile(r"(?<![\w.])[A-ZĐ](?:\.\d{1,3}){1,4}(?!\w|,\d)(?!\.\w)"),
    speak=lambda match: f"{spelled(match.group()[0])} chấm {_figure_groups(match.group()[2:])}",
)
CHAIN = Rule(name="figures", pattern=re.compile(r"(?<![\w.,-])\d{1,4}(?:-\d{1,4}){2,6}(?![\w-])(?![.,]\d)"), speak=_chain)
MINUS = Rule(name="mathematics", pattern=re.compile(r"(?<=\d)\s?[-−]\s?(?=\d)"), speak=_minus)
RANGE = Rule(name="range", pattern=re.compile(rf"{_LEFT}\s?(?:[-–—~→]|->)\s?(?=[-−]?\d)"), speak=lambda _: " đến ")
NUMERAL = Rule(name="number", pattern=re.compile(SIGN + NUMBER), speak=lambda match: number(match.group()))
PLUS = Rule(
    name="number", pattern=re.compile(r"(?<![\w)])[+±]\s?(?=\d)"), speak=lambda match: "cộng trừ " if match.group()[0] == "±" else "cộng "
)
# Whatever else is written in figures, so that none is left.
FIGURES = Rule(name="figures", pattern=re.compile(r"\d+"), speak=lambda match: integer(match.group()))
