"""Roman numerals: thế kỷ XXI, chương IV, lần thứ I, Louis XIV, quý II. Not C of "vitamin C", not VI of "VI PHẠM"."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal, ordinal
from loa.saying.vietnamese.surroundings import cue, in_capitals, preceded

_THOUSANDS = re.compile(r"(M{0,3})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}

_ORDINAL = cue("thứ")
_CENTURY = cue("thế kỷ|thế kỉ|TK|thiên niên kỷ")
_NUMBERED = cue(
    "chương|phần|mục|tiểu mục|phụ lục|tập|quyển|cuốn|hồi|bài|khóa|khoá|kỳ|kì|quý|cấp|hạng|loại|bậc|nhóm|vùng|giai đoạn|đại hội|điều|"
    "tiết|cảnh|màn|thế chiến|chiến tranh thế giới|hội nghị|đợt|lớp|học kỳ|học kì|độ|vật|khu vực|khu|quân khu|quân đoàn|vành đai|"
    "Louis|Henry|Henri|Charles|Elizabeth|Rama|Napoléon|Napoleon|Philip|Philippe|George|Edward|William|Wilhelm|Friedrich|Nicholas|Nikolai|"
    "Pyotr|Alexander|Aleksandr|Catherine|Ekaterina|Francis|Phanxicô|Phaolô|Piô|Lêô|Leo|Biển Đức|Ramses|Ptolemy|Cleopatra|Darius|Ivan|Otto|"
    "Gustav|Leopold|Victoria|Juan Carlos|Felipe|James|Richard|Constantine|Justinian|Meiji|Sixtus|Clement|Gregory"
)
_CHAPTER = cue("chương|hồi")
_SMALL = frozenset("IVX")
_LIST = re.compile(r"(?:^|\n)[ (“\"]*$")


def value(numeral: str) -> int | None:
    """What a numeral is worth; None for letters that are none, as in "IIX"."""
    if not numeral or not _THOUSANDS.fullmatch(numeral):
        return None
    values = [_VALUES[letter] for letter in numeral]
    return sum(-one if one < following else one for one, following in zip(values, [*values[1:], 0], strict=True))


def _roman(match: re.Match[str]) -> str | None:
    number = value(match.group())
    if number is None or not (_SMALL.issuperset(match.group()) or _is_year(match.group()) or _plainly_large(match)):
        return None
    if preceded(match, _ORDINAL):
        return ordinal(number)
    if preceded(match, _CENTURY):
        return f"thứ {ordinal(number)}" if number <= 10 else cardinal(number)
    if preceded(match, _NUMBERED) or _begins_line(match):
        return cardinal(number)
    if len(match.group()) == 1 or in_capitals(match):
        return None
    return cardinal(number)


def _is_year(numeral: str) -> bool:
    """MCMXLV; MD and MC are short forms."""
    return len(numeral) > 3 and numeral[0] == "M"


def _plainly_large(match: re.Match[str]) -> bool:
    """XL and LXVI of a chapter, and a chapter's C; not the C of "loại C", nor CD."""
    if len(match.group()) == 1:
        return preceded(match, _CHAPTER)
    return not _SMALL.isdisjoint(match.group()) and (preceded(match, _NUMBERED) or preceded(match, _CENTURY))


def _begins_line(match: re.Match[str]) -> bool:
    """I. Mở đầu"""
    marked = match.string[match.end() : match.end() + 2] in (". ", ") ", ".", ")", "/ ")
    return marked and _SMALL.issuperset(match.group()) and _LIST.search(match.string, max(0, match.start() - 4), match.start()) is not None


def _to(match: re.Match[str]) -> str | None:
    return " đến " if _ends_with_numeral(match.string[max(0, match.start() - 12) : match.start()]) else None


def _second(match: re.Match[str]) -> str | None:
    """The right side of XVIII-XIX."""
    number = value(match.group())
    left = match.string[max(0, match.start() - 15) : match.start()].rstrip(" -–")
    return cardinal(number) if number and _ends_with_numeral(left) else None


def _ends_with_numeral(text: str) -> bool:
    return value(re.split(r"\W", text)[-1]) is not None


def _thousand_years(match: re.Match[str]) -> str:
    number = int(match.group())
    return f"thứ {ordinal(number)}" if preceded(match, _CENTURY) and 0 < number <= 10 else cardinal(number)


def _ordinal(match: re.Match[str]) -> str:
    return ordinal(int(match.group()))


_DASHED = re.compile(r"[IVX]\s?[–\-]")

RULES = (
    Rule(
        name="roman",
        pattern=re.compile(r"(?<![\w'’.\-])[IVXLCDM]{1,9}(?![\w'’])(?!-(?![IVX]+(?!\w))[^\W\d_])(?!\.[^\W\d_])"),
        speak=_roman,
        needs=re.compile(r"[IVXLCDM](?!\w)"),
    ),
    Rule(name="range", pattern=re.compile(r"(?<=[IVX])\s?[–\-]\s?(?=[IVX]{1,6}(?!\w))"), speak=_to, needs=_DASHED),
    Rule(name="roman", pattern=re.compile(r"(?:(?<=[IVX][–\-])|(?<=[IVX]\s[–\-]\s))[IVX]{1,6}(?![\w'’])"), speak=_second, needs=_DASHED),
)
ORDINALS = (
    Rule(name="ordinal", pattern=re.compile(r"(?:(?<=[Tt]hứ )|(?<=THỨ ))\d{1,4}(?![\w/:%])(?![.,\-–]\d)"), speak=_ordinal),
    Rule(name="ordinal", pattern=re.compile(r"(?:(?<=thế k[ỷỉ] )|(?<=Thế k[ỷỉ] ))\d{1,2}(?![\w/:%])(?![.,\-–]\d)"), speak=_thousand_years),
)
