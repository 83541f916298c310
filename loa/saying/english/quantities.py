"""Numbers by themselves: ordinals, fractions, ratios, ranges, sums, and whatever figures no other rule has taken."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.english.numbers import NUMBER, VULGAR, amount, cardinal, mixed_number, ordinal, vulgar, year
from loa.saying.english.sentence import word_before
from loa.saying.said import Rule
from loa.saying.tables import words

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_DENOMINATORS = frozenset((*range(2, 21), 24, 25, 30, 32, 36, 40, 50, 60, 64, 100, 1000))
_LOOSE = r"(?<![\w.,])"
_PLAIN = rf"(?P<first>{NUMBER})"


def _vulgar(match: re.Match[str]) -> str:
    """ "1½" → "one and a half"."""
    return mixed_number(match["whole"], *vulgar(match["fraction"]))


def _fraction(match: re.Match[str]) -> str | None:
    over, under = int(match["over"]), int(match["under"])
    if (over, under) == (24, 7):
        return "twenty-four seven"
    if (over, under) == (9, 11):
        return "nine eleven"
    if over < under and under in _DENOMINATORS:
        return mixed_number(match["whole"], over, under)
    if match["whole"]:
        return None
    return f"{amount(match['over'])} over {amount(match['under'])}"


_NUMBERED = words("figure fig table example section chapter listing exercise equation form")


def _range(match: re.Match[str]) -> str:
    first, last = match["first"], match["last"]
    if "-" in match.group() and word_before(match).lower() in _NUMBERED:
        return f"{amount(first)} dash {amount(last)}"  # "Figure 4-1"
    if "–" in match.group() and (first + last).isdecimal() and len(last) < len(first) and int(last) < int(first):
        last = first[: -len(last)] + last  # "25–7"
    return f"{_figure(first)} to {_figure(last)}"


def _figure(written: str) -> str:
    """A number in a range: four plain figures may be years."""
    return year(int(written)) if re.fullmatch("1[1-9][0-9]{2}|20[0-9]{2}", written) else amount(written)


_OPERATORS = {
    "+": "plus",
    "-": "minus",
    "−": "minus",
    "–": "minus",
    "×": "times",
    "x": "times",
    "*": "times",
    "·": "times",
    "÷": "divided by",
    "/": "divided by",
    "=": "equals",
    "<": "is less than",
    ">": "is greater than",
    "≤": "is at most",
    "≥": "is at least",
    "≠": "is not",
    "≈": "is about",
    "±": "plus or minus",
    ":": "to",
    "^": "to the power of",
    "->": "to",
    "→": "to",
    "<=": "is at most",
    ">=": "is at least",
    "==": "equals",
    "!=": "is not",
    "~": "is about",
}


def _power(match: re.Match[str]) -> str | None:
    """ "10³" → "ten cubed", "x²" → "x squared", "10⁻⁶" → "ten to the minus six"; behind a word it is the mark of a note."""
    power = match["power"].translate(_SUPERSCRIPTS)
    base = re.search(r"\w*$", match.string[max(0, match.start() - 20) : match.start()])[0]  # type: ignore[index]  # it matches nothing at least
    if not re.fullmatch(r"-?\d{1,6}", power):
        return None
    if base.isalpha() and len(base) > (2 if power in ("2", "3") else 1):
        return ""
    if power[0] == "-":
        return f"to the minus {cardinal(int(power[1:]))}"
    return {"2": "squared", "3": "cubed"}.get(power) or f"to the {ordinal(int(power))}"


def _remaining(match: re.Match[str]) -> str:
    """Whatever figures are left, in any script."""
    written = match.group()
    if re.fullmatch("[0-9]+", written):
        return amount(written)
    if all(map(str.isdecimal, written)):
        return amount("".join(str(unicodedata.decimal(figure)) for figure in written))
    return " ".join(_value(character) for character in written)


def _value(character: str) -> str:
    value = unicodedata.numeric(character)
    if value == int(value):
        return cardinal(int(value))
    return amount(f"{value:.2f}")


def _operator(match: re.Match[str]) -> str | None:
    sign = match["sign"] or match["close"] or match["tight"]
    text = match.string
    if sign in "-–/" and not (text[match.start() - 2].isdigit() and re.match(r" [\d(]", text[match.end() : match.end() + 2])):
        return None  # a dash in a sentence, the two sides of a slash
    return _OPERATORS[sign]


def _numeral(match: re.Match[str]) -> str | None:
    written = match.group()
    if written.isdecimal():
        return _remaining(match)
    if unicodedata.category(written) in ("No", "Nl"):
        return _value(written)
    return None


# Before codes: "10x" and "1st" are none.
NAMED = (
    Rule(
        name="ordinal",
        pattern=re.compile(r"(?<![\w.,])(?P<figures>\d{1,3}(?:,\d{3})+|\d{1,12})(?:st|nd|rd|th|ST|ND|RD|TH|d)\b(?<![^1-9]0d)(?<!\dx)"),
        speak=lambda match: ordinal(int(match["figures"].replace(",", ""))),
    ),
    Rule(name="times", pattern=re.compile(rf"{_LOOSE}{_PLAIN}[x×](?!\w)"), speak=lambda match: f"{amount(match['first'])} times"),
)

RULES = (
    Rule(name="fraction", pattern=re.compile(rf"(?<![\d.,])(?:(?P<whole>\d[\d,]*)[\s-]?)?(?P<fraction>[{VULGAR}])"), speak=_vulgar),
    Rule(
        name="fraction",
        pattern=re.compile(r"(?<![\w.,/])(?:(?P<whole>\d+)[\s-])?(?P<over>\d{1,5})[/⁄](?P<under>[1-9]\d{0,4})(?![\w/]|[.,]\d)"),
        speak=_fraction,
    ),
    Rule(name="ratio", pattern=re.compile(r"(?<![\w.,:])(?P<first>\d{1,6}):(?P<last>\d{1,6})(?![\w:]|[.,]\d)"), speak=_range),
    Rule(name="range", pattern=re.compile(rf"{_LOOSE}(?<![-–—/:]){_PLAIN}\s?[–—]\s?(?P<last>{NUMBER})(?![\w–—/]|-\d)"), speak=_range),
    Rule(name="range", pattern=re.compile(rf"{_LOOSE}(?<![-–—/:]){_PLAIN}-(?P<last>{NUMBER})(?![\w–—/]|-\d)"), speak=_range),
    Rule(name="power", pattern=re.compile(r"(?<=[\w)])(?P<power>[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), speak=_power),
    Rule(
        name="times",
        pattern=re.compile(rf"{_LOOSE}{_PLAIN}\s?[x×]\s?(?P<last>{NUMBER})(?!\w)"),
        speak=lambda match: (
            f"{amount(match['first'])} {'times' if ' ' in match.group() and '×' in match.group() else 'by'} {amount(match['last'])}"
        ),
    ),
    Rule(name="times", pattern=re.compile(r"(?<=\w )[x×](?= ?\d)"), speak=lambda _: "by"),
    Rule(name="range", pattern=re.compile(r"(?<=[\d%])\s?[–—]\s?(?=[$£€]?\d)"), speak=lambda _: " to "),
)

OPERATORS = (
    Rule(
        name="operator",
        pattern=re.compile(
            r"(?<=[\w)²³] )(?P<sign><=|>=|==|!=|->|[-+−–×*·÷=<>≤≥≠≈±→~/^])(?= [\w(−√.])"
            r"|(?<=[\w)²³])(?P<close>[+=<>≤≥≠≈±^→])(?=[\w(−])|(?<=[0-9)])(?P<tight>[*÷×·])(?=[0-9(])"
        ),
        speak=_operator,
        needs=re.compile(r"[-+=<>≤≥≠≈±^→*÷×·−~/–](?:(?<![-–])| )"),
    ),
)

NUMBERS = (
    Rule(
        name="number",
        pattern=re.compile(rf"(?:(?<=^)|(?<=[\s(\[“\"‘'=<>≤≥≈×÷^]))[-−](?P<first>{NUMBER})(?!\w|,\d)"),
        speak=lambda match: f"minus {amount(match['first'])}",
    ),
    Rule(
        name="number",
        pattern=re.compile(rf"(?<![^\s(\[“\"‘'])\+(?P<first>{NUMBER})(?!\w|,\d)"),
        speak=lambda match: f"plus {amount(match['first'])}",
    ),
    Rule(name="number", pattern=re.compile(rf"(?<![\w,]){_PLAIN}(?!\w|,\d)"), speak=lambda match: amount(match["first"])),
)

REMAINING = (
    Rule(
        name="number",
        pattern=re.compile(r"[0-9]+|\d+|[^\W\d_a-zA-Z]"),
        speak=_numeral,
        needs=re.compile(r"[^\x00-/:-\x7f\u2010-\u2027]"),  # figures, and what is neither ASCII nor a dash or a quote
    ),
)
