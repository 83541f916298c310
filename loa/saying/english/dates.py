"""Dates, times of day, years and decades.

An hour and its minutes are said as two numbers, a year as two pairs. "3/4/2024" has the month first, as in the United States, unless it
can only have the day first, as a date with full stops does.
"""

from __future__ import annotations

import re

from loa.saying.english.acronyms import letters
from loa.saying.english.numbers import cardinal, ordinal, pairs, plural, year
from loa.saying.english.sentence import full_stop, word_before
from loa.saying.said import Rule
from loa.saying.tables import words

MONTHS = words("January February March April May June July August September October November December")
_SHORT_MONTHS = {month[:3]: month for month in MONTHS} | {"Sept": "September"}
_MONTH = rf"(?P<month>(?:{'|'.join(MONTHS)})\b|(?:{'|'.join(_SHORT_MONTHS)})\b\.?)"
_DAY = r"(?P<day>0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?"
_TO_DAY = r"(?:\s?(?:-|–|—|to|and|&)\s?(?P<last>[12][0-9]|3[01]|[1-9])(?:st|nd|rd|th)?(?![\d:/]))?"
_YEAR = r"(?P<year>[12][0-9]{3})(?![\d,]*\d|%)"

_DAYTIME = r"(?:\s?(?P<half>[aApP])(?:\.\s?[mM]\.|[mM]\b\.?))"
_HOUR = r"(?<![\d:.,/$£€-])(?P<hour>[01]?[0-9]|2[0-4])"

_BOOKS = words(
    "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra Nehemiah Esther Job Psalm Psalms "
    "Proverbs Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel Daniel Hosea Joel Amos Jonah Micah Nahum Habakkuk Zechariah Malachi "
    "Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians Philippians Colossians Thessalonians Timothy Titus Philemon "
    "Hebrews James Peter Jude Revelation Gen Ex Ps Isa Matt Rev"
)

# Words before which or after which four figures are a year, even one like 1066.
_OF_YEARS = frozenset(
    words(
        "in since by until till from of year years before after during circa c ca ad early late mid spring summer autumn fall winter "
        "around about between and to class copyright"
    )
)


def month(written: str) -> str:
    """ "Sept." → "September"."""
    return _SHORT_MONTHS.get(written.rstrip("."), written)


def _month_first(match: re.Match[str]) -> str:
    """ "July 4, 1776" → "July fourth, seventeen seventy-six"."""
    last = f" to {ordinal(int(match['last']))}" if match["last"] else ""
    ending = f", {year(int(match['year']))}" if match["year"] else ""
    return f"{month(match['month'])} {ordinal(int(match['day']))}{last}{ending}"


def _day_first(match: re.Match[str]) -> str:
    """ "4 July 1776" → "the fourth of July, seventeen seventy-six"."""
    article = "" if word_before(match).lower() == "the" else "the "
    last = f" to {article}{ordinal(int(match['last']))}" if match["last"] else ""
    ending = f", {year(int(match['year']))}" if match["year"] else (full_stop(match) if match["month"].endswith(".") else "")
    return f"{article}{ordinal(int(match['day']))}{last} of {month(match['month'])}{ending}"


def _month_and_year(match: re.Match[str]) -> str:
    return f"{month(match['month'])} {year(int(match['year']))}"


def _iso(match: re.Match[str]) -> str | None:
    number, day = int(match["number"]), int(match["day"])
    if not (1 <= number <= 12 and 1 <= day <= 31):
        return None
    said = f"{MONTHS[number - 1]} {ordinal(day)}, {year(int(match['year']))}"
    return f"{said}, {_time(match)}" if match["hour"] else said


def _slashed(match: re.Match[str]) -> str | None:
    first, second = int(match["first"]), int(match["second"])
    if match["mark"] == "." and len(match["year"]) == 2 and len(match["first"] + match["second"]) < 4:
        return None  # "6.3.10" is a section or a version
    if match["mark"] == "." or first > 12:
        first, second = second, first
    if not (1 <= first <= 12 and 1 <= second <= 31):
        return None
    number = int(match["year"])
    if len(match["year"]) == 2:
        number += 2000 if number < 50 else 1900
    return f"{MONTHS[first - 1]} {ordinal(second)}, {year(number)}"


def _time(match: re.Match[str]) -> str:
    """ "3:05 pm" → "three oh five P.M", "14:30" → "fourteen thirty"."""
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    groups = match.groupdict()
    if half := groups.get("half"):
        ending = f" {half.upper()}.M{full_stop(match)}"
    elif groups.get("oclock"):
        ending = " o’clock"
    else:
        ending = ""
    said = cardinal(hour)
    if minute:
        said += f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    elif not ending:
        said += " o’clock" if 0 < hour <= 12 else " hundred"
    if groups.get("second"):
        number = int(match["second"])
        said += f" and {cardinal(number)} second{'' if number == 1 else 's'}"
    return said + ending


def _years(match: re.Match[str]) -> str | None:
    """ "1914–18" → "nineteen fourteen to eighteen"."""
    first, last = match["first"], match["last"]
    if len(last) == 4:
        return f"{year(int(first))} to {year(int(last))}" if int(last) > int(first) else None
    if int(last) <= int(first[2:]):
        return None
    return f"{year(int(first))} to {cardinal(int(last))}"


def _year(match: re.Match[str]) -> str | None:
    """Four figures alone. From 1100 to 2099 they are said as a year, others only where a word says that they are one."""
    number = int(match["year"])
    if 1100 <= number < 2100 or word_before(match).lower() in _OF_YEARS:
        return year(number)
    return None


def _era(match: re.Match[str]) -> str:
    """ "44 B.C." → "forty-four B.C"."""
    if match["before"]:
        return f"A.D {year(int(match['before']))}"
    return f"{year(int(match['figures'].replace(',', '')))} {letters(match['era'])}{full_stop(match)}"


def _decade(match: re.Match[str]) -> str:
    """ "1990s" → "nineteen nineties", "'90s" → "nineties"."""
    figures = match["figures"]
    if len(figures) == 2:
        return plural(cardinal(int(figures)))
    return f"{year(int(figures))}s" if figures.endswith("00") else f"{cardinal(int(figures[:2]))} {plural(cardinal(int(figures[2:])))}"


_ERA = r"(?:B\.\s?C\.\s?E\.|A\.\s?D\.|B\.\s?C\.|C\.\s?E\.|BCE\b|BC\b|CE\b|AD\b)"

RULES = (
    Rule(
        name="date",
        pattern=re.compile(
            r"(?<![\w/-])(?P<year>[12][0-9]{3})(?P<mark>[-/])(?P<number>[01][0-9])(?P=mark)(?P<day>[0-3][0-9])"
            r"(?:[T ](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::[0-5][0-9](?:\.[0-9]+)?)?Z?)?(?![\w/-])"
        ),
        speak=_iso,
    ),
    Rule(
        name="date",
        pattern=re.compile(
            r"(?<![\w/.])(?P<first>[0-3]?[0-9])(?P<mark>[/.])(?P<second>[0-3]?[0-9])(?P=mark)(?P<year>[12][0-9]{3}|[0-9]{2})(?![\w/]|\.\d)"
        ),
        speak=_slashed,
    ),
    Rule(name="date", pattern=re.compile(rf"\b{_MONTH}\s{_DAY}{_TO_DAY}(?:,?\s{_YEAR}(?!\w))?(?![\w:%]|[.,/]\d)"), speak=_month_first),
    Rule(
        name="date",
        pattern=re.compile(
            rf"(?<![\w.,:/$£€-]){_DAY}{_TO_DAY}(?:\sof)?\s{_MONTH}(?!(?<=May)\s(?:be|not|have|well|also|I|we|he|she|they|it|you)\b)(?:,?\s{_YEAR}(?!\w))?"
        ),
        speak=_day_first,
    ),
    Rule(name="date", pattern=re.compile(rf"\b{_MONTH},?\s{_YEAR}(?!\w)(?![-–—]\d)"), speak=_month_and_year),
    Rule(
        name="verse",
        pattern=re.compile(
            rf"(?<=\b)(?P<book>(?:{'|'.join(_BOOKS)})\.?\s)(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})(?:[-–](?P<last>\d{{1,3}}))?(?!\w|:\d)"
        ),
        speak=lambda match: (
            f"{match['book']}{cardinal(int(match['chapter']))} {cardinal(int(match['verse']))}"
            + (f" to {cardinal(int(match['last']))}" if match["last"] else "")
        ),
    ),
    Rule(
        name="verse",  # "1 Corinthians"
        pattern=re.compile(r"(?<![\w.,-])[123](?=\s(?:Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John)\b)"),
        speak=lambda match: ordinal(int(match.group())).capitalize(),
    ),
    Rule(
        name="time",
        pattern=re.compile(rf"{_HOUR}(?:[:.](?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?)?{_DAYTIME}(?!\w)"),
        speak=_time,
    ),
    Rule(
        name="time",
        pattern=re.compile(rf"{_HOUR}:(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?P<oclock>\so['’]clock)?(?![\w:]|[.,]\d|\s?%)"),
        speak=_time,
    ),
    Rule(
        name="decade",
        pattern=re.compile(r"(?<![\w.,$£€-])(?P<mid>['’])?(?P<figures>(?:1[0-9]|20)?[1-9]0|(?:1[1-9]|20)00)['’]?s\b"),
        speak=_decade,
    ),
    Rule(
        name="year",
        pattern=re.compile(r"(?<![\w.,$£€/-])(?P<first>1[0-9]{3}|20[0-9]{2})[-–—/](?P<last>[12][0-9]{3}|[0-9]{2})(?![\w%-]|[.,]\d)"),
        speak=_years,
    ),
    Rule(
        name="year",
        pattern=re.compile(
            rf"(?:\bA\.?\s?D\.?\s?(?P<before>\d{{1,4}})|(?<![\w.,])(?P<figures>\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}})\s?(?P<era>{_ERA}))(?!\w)"
        ),
        speak=_era,
    ),
    Rule(
        name="year",
        pattern=re.compile(r"(?<!\w)['’](?P<year>[0-9]{2})(?![\w'’])"),
        speak=lambda match: pairs(f"19{match['year']}")[len("nineteen ") :],
    ),
)

# Behind units and money: "1500 m" is no year.
YEARS = (Rule(name="year", pattern=re.compile(r"(?<![\w.,$£€#:/+-])(?P<year>[12][0-9]{3})(?![\w%:/]|[.,]\d)"), speak=_year),)
