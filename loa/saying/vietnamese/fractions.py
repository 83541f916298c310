"""Fractions and other numbers with a stroke: 3/4 dân số, 45/63 tỉnh, 9/10 điểm, ngõ 12/3, 24/7, tỷ lệ 1:1000, ½."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal
from loa.saying.vietnamese.numerals import BEGIN, END, integer, number
from loa.saying.vietnamese.surroundings import cue, following, preceded

_NATIONAL_DAYS = {(2, 9)}  # 2/9 is a day before it is two ninths
_NUMBERED = cue("số")
_HOUSE = cue("nhà|số nhà|ngõ|hẻm|ngách|kiệt|ấp|tổ|địa chỉ|đ/c|xuyệt")
_PROPORTION = cue("tỷ lệ|tỉ lệ|tỷ số|tỉ số|tỷ xích|tỉ xích|bản đồ", within=2)
_POINTS = re.compile(r"\s?(?:điểm|tỉnh|xã|phường|huyện|quận|người|em|trận|đại biểu|phiếu|hộ|nước|thành viên|giờ|mmHg)(?!\w)")
_STREET = re.compile(r"\s(?:đường |phố |[A-ZĐÀ-Ỹ]\w+ [A-ZĐÀ-Ỹ])")


def said_as_fraction(upper: int, lower: int) -> bool:
    """Whether upper/lower, which could be a day, is rather a fraction: 3/4 is, 30/4 and 5/12 are not."""
    return upper < lower <= 10 and (upper, lower) not in _NATIONAL_DAYS


def _fraction(match: re.Match[str]) -> str:
    upper, lower = match["upper"], match["lower"]
    if preceded(match, _HOUSE) or ((len(upper) > 1 or preceded(match, _NUMBERED)) and _STREET.match(following(match))):
        return f"{integer(upper)} xuyệt {integer(lower)}"
    if _POINTS.match(following(match)) and (lower != "2" and lower != "3"):
        return f"{integer(upper)} trên {integer(lower)}"
    small = len(upper) <= 2 and int(upper) <= 10
    return _parts(int(upper), int(lower)) if small and lower in _NAMED else f"{integer(upper)} trên {integer(lower)}"


_NAMED = {str(lower) for lower in (*range(2, 11), 100, 1000, 10000, 1000000)}


def _parts(upper: int, lower: int) -> str:
    return f"{cardinal(upper)} phần {'tư' if lower == 4 else cardinal(lower)}"


def _ratio(match: re.Match[str]) -> str | None:
    """With blanks around the colon it is a division, unless the sentence says otherwise."""
    if " " in match.group() and not preceded(match, _PROPORTION):
        return None
    return f"{number(match['left'])} trên {number(match['right'])}"


def _sign(match: re.Match[str]) -> str:
    """½, alone or behind a number: 2½."""
    upper, _, lower = unicodedata.normalize("NFKC", match["sign"]).partition("\u2044")
    whole = f"{integer(match['whole'])} và " if match["whole"] else ""
    return whole + (_parts(int(upper), int(lower)) if upper and lower else cardinal(int(upper or 0)))


def _round_the_clock(match: re.Match[str]) -> str:
    return "hai tư trên " + ("bảy" if match.group().endswith("7") else "hai tư")


ROUND_THE_CLOCK = Rule(name="fraction", pattern=re.compile(rf"{BEGIN}(?<!/)24/(?:7|24)(?!/){END}"), speak=_round_the_clock)
RULES = (
    Rule(
        name="fraction",
        pattern=re.compile(rf"{BEGIN}(?<!/)(?P<upper>\d{{1,9}}) ?[/⁄∕] ?(?P<lower>\d{{1,9}})(?![/\w]){END}"),
        speak=_fraction,
    ),
    Rule(name="ratio", pattern=re.compile(r"(?<![\d:.,])(?P<left>\d{1,9}) ?: ?(?P<right>\d{1,9})(?![\d:])(?![.,]\d)"), speak=_ratio),
)
SIGN = Rule(name="fraction", pattern=re.compile(r"(?P<whole>(?<!\d)\d{1,9})?\s?(?P<sign>[¼-¾⅐-⅞↉])"), speak=_sign)
