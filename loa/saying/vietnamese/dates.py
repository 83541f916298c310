"""Dates: 15/8/2024, ngày 2-9-1945, 2024-08-15, tháng 4/1975, 10-11/9, 30/4, năm học 2023/24."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.fractions import said_as_fraction
from loa.saying.vietnamese.numbers import cardinal, month
from loa.saying.vietnamese.surroundings import cue, following, preceded

# After these "ngày" would be one too many; after the others of DATED it belongs.
_DAY_SAID = cue("ngày|mùng|mồng|rằm|sáng|trưa|chiều|tối|đêm|khuya|hôm|bữa|và ngày")
_DATED = cue(
    "ngày|mùng|mồng|rằm|sáng|trưa|chiều|tối|đêm|khuya|hôm|bữa|lễ|dịp|tết|quốc khánh|quốc tế|kỷ niệm|kỉ niệm|nghỉ|thiếu nhi|lao động|phụ nữ|"
    "nhà giáo|giải phóng|(?:thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật|CN|T[2-7])|hạn|trước|sau|đến hết|hết|kể từ|từ",
    within=1,
)
_NOT_DATED = cue("số|nhà|ngõ|hẻm|ngách|kiệt|huyết áp|tỷ lệ|tỉ lệ|tỷ số|tỉ số|trang")
_COUNTED = re.compile(
    r"\s*(?:điểm|số|tỉnh|xã|phường|huyện|quận|người|em|học sinh|trận|giờ|đại biểu|phiếu|hộ|nước|thành viên|doanh nghiệp)(?!\w)"
)
_MONTH_SAID = cue("tháng|T")
_QUARTER = cue("quý (?:[IV]{1,3}|[1-4])")
_MONTHS = cue(r"\d tháng")

DAY, MONTH, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"[12]\d{3}"
_DAY_BEFORE = re.compile(rf"(?<![\d/])(?P<day>{DAY})/(?P<month>{MONTH})(?:/{YEAR})? ?(?:và|,|-|–|đến|hoặc) ?$")
_BEGIN, _END = r"(?<![\d/])(?<!\d[.,\-])", r"(?![\d/])(?![.,\-]\d)"
_END_OF_RANGE = r"(?!\d)(?![.,/]\d)"  # a dash and another date may follow


def _day(match: re.Match[str], first: str, words: str) -> str:
    return words if preceded(match, _DAY_SAID) else f"{first} {words}"


def _full(match: re.Match[str]) -> str | None:
    """Day, month and year; a year of two figures as two figures are said. 3.2.15 is rather a section."""
    if len(match["year"]) == 2 and match.group()[-3] != "/" and not preceded(match, _DAY_SAID):
        return None
    words = f"{cardinal(int(match['day']))} tháng {month(int(match['month']))} năm {cardinal(int(match['year']))}"
    return _day(match, "ngày", words)


def _days(match: re.Match[str]) -> str | None:
    """Several days of one month: 10-11/9/2023."""
    if int(match["from"]) >= int(match["day"]):
        return None
    year = f" năm {cardinal(int(match['year']))}" if match["year"] else ""
    words = f"{cardinal(int(match['from']))} đến {cardinal(int(match['day']))} tháng {month(int(match['month']))}{year}"
    return _day(match, "ngày", words)


def _day_and_month(match: re.Match[str]) -> str | None:
    """30/4, where it is no fraction and no number of a house."""
    day, of = int(match["day"]), int(match["month"])
    dated = preceded(match, _DATED) or _behind_day(match)
    if match["mark"] in "-.":
        if not preceded(match, _DAY_SAID):
            return None
    elif preceded(match, _NOT_DATED) or _COUNTED.match(following(match)) or (not dated and said_as_fraction(day, of)):
        return None
    return _day(match, "ngày", f"{cardinal(day)} tháng {month(of)}")


def _behind_day(match: re.Match[str]) -> bool:
    """30/4 và 1/5: where one is a day, the other is."""
    other = _DAY_BEFORE.search(match.string, max(0, match.start() - 16), match.start())
    return other is not None and not said_as_fraction(int(other["day"]), int(other["month"]))


def _month_and_year(match: re.Match[str]) -> str | None:
    words = f"{month(int(match['month']))} năm {cardinal(int(match['year']))}"
    return words if preceded(match, _MONTH_SAID) else f"tháng {words}"


def _short_month(match: re.Match[str]) -> str:
    return f"tháng {month(int(match['month']))} năm {cardinal(int(match['year']))}"


def _alone(match: re.Match[str]) -> str:
    """The day of "ngày 02", and the fourth month of "tháng 4"; not the four days of "3 tháng 4 ngày"."""
    value = int(match.group())
    return month(value) if preceded(match, _MONTH_SAID) and not preceded(match, _MONTHS) else cardinal(value)


def _quarter(match: re.Match[str]) -> str | None:
    """The year of "quý II/2023"."""
    return f" năm {cardinal(int(match['year']))}" if preceded(match, _QUARTER) else None


def _season(match: re.Match[str]) -> str | None:
    """2023/24 and 2023-24: the year and the next one."""
    first = int(match["first"])
    last = int(match["last"]) if len(match["last"]) == 4 else first - first % 100 + int(match["last"])
    return f"{cardinal(first)} đến {cardinal(last)}" if last == first + 1 else None


def _rule(pattern: str, speak: object) -> Rule:
    return Rule(name="date", pattern=re.compile(pattern), speak=speak)  # type: ignore[arg-type]


RULES = (
    _rule(rf"(?:(?<=[IVX])|(?<=\d))/(?P<year>{YEAR}){_END_OF_RANGE}", _quarter),
    _rule(rf"{_BEGIN}(?P<year>{YEAR})-(?P<month>{MONTH})-(?P<day>{DAY}){_END}", _full),
    _rule(rf"{_BEGIN}(?P<from>{DAY})\s?[-–]\s?(?P<day>{DAY})/(?P<month>{MONTH})(?:/(?P<year>{YEAR}))?{_END}", _days),
    _rule(rf"(?<![\d/])(?<!\d[.,])(?P<day>{DAY})(?P<mark>[/.\-])(?P<month>{MONTH})(?P=mark)(?P<year>{YEAR}|\d\d){_END_OF_RANGE}", _full),
    _rule(rf"{_BEGIN}(?P<first>{YEAR})[/\-–](?P<last>\d{{4}}|\d{{2}}){_END}", _season),
    _rule(rf"(?<!\w)T(?P<month>{MONTH})/(?P<year>{YEAR}){_END_OF_RANGE}", _short_month),
    _rule(rf"{_BEGIN}(?P<month>{MONTH})[/\-](?P<year>{YEAR}){_END_OF_RANGE}", _month_and_year),
    _rule(rf"(?<![\d/])(?<!\d[.,])(?P<day>{DAY})(?P<mark>[/.\-])(?P<month>{MONTH}){_END_OF_RANGE}", _day_and_month),
    _rule(r"(?:(?<=[Nn]gày )|(?<=[Tt]háng )|(?<=[Mm][ùồ]ng ))\d{1,2}(?![\d/:h%])(?![.,\-–]\d)", _alone),
)
