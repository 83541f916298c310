"""Telephone numbers, figure by figure, with a pause after each group: 0912 345 678, (024) 3825 1234, +84 912…, 1900 1234, gọi 113."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import digits
from loa.saying.vietnamese.surroundings import cue, preceded

_CALLED = cue(
    "gọi|điện thoại|ĐT|SĐT|tel|hotline|tổng đài|đường dây nóng|liên hệ|LH|zalo|phone|fax|số máy|di động|viber|cảnh sát|cấp cứu|cứu hỏa",
    within=2,
)
_CODED = cue("mã|OTP|PIN|CMND|CCCD|MST|tài khoản|STK|mật khẩu|số sê ri|seri", within=4)
_GROUPS = {8: (4, 4), 9: (3, 3, 3), 10: (4, 3, 3), 11: (4, 3, 4)}  # how an unbroken number is said, by its figures: 0912 345 678
_SHORTEST = 9  # figures, with the code of the place


def _grouped(figures: str) -> str:
    parts = re.findall(r"\d+", figures)
    if len(parts) == 1 and (lengths := _GROUPS.get(len(figures))):
        ends = [*accumulate(lengths, initial=0)]
        parts = [figures[begin:end] for begin, end in pairwise(ends)]
    return ", ".join(digits(part) for part in parts)


def _phone(match: re.Match[str]) -> str | None:
    if sum(map(str.isdigit, match.group())) < _SHORTEST:
        return None  # 05.03.2021 is a day
    figures = re.sub(r"[()]", " ", match.group()).strip()
    return f"cộng {_grouped(figures[1:])}" if figures[0] == "+" else _grouped(figures)


def _called(match: re.Match[str]) -> str | None:
    return _grouped(match.group()) if preceded(match, _CALLED) else None


def _coded(match: re.Match[str]) -> str | None:
    """Numbers that name something: a password, an account."""
    return digits(match.group()) if preceded(match, _CODED) else None


_BEGIN, _END = r"(?<![\w.,/])", r"(?![\w/%])(?![.,\-]\d)"

RULES = (
    Rule(name="figures", pattern=re.compile(rf"{_BEGIN}\d{{4,19}}{_END}(?! (?:đồng|triệu|tỷ|người|sản phẩm))"), speak=_coded),
    Rule(
        name="phone",
        pattern=re.compile(rf"(?<!\w)\+\d{{1,3}}[ .\-]?(?:\(0?\d{{1,3}}\)[ .\-]?)?\d{{2,4}}(?:[ .\-]?\d{{2,4}}){{1,4}}{_END}"),
        speak=_phone,
    ),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}\(0\d{{1,3}}\)[ .\-]?\d{{3,4}}(?:[ .\-]?\d{{3,4}}){{1,2}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}0\d{{1,4}}(?:[ .\-]\d{{2,4}}){{2,4}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}0\d{{9,10}}{_END}"), speak=_phone),
    Rule(
        name="phone",
        pattern=re.compile(rf"{_BEGIN}1[89]00(?:[ .\-]?\d{{4,6}}|[ .\-]\d{{2,3}}[ .\-]\d{{2,3}}){_END}"),
        speak=lambda match: _grouped(match.group()),
    ),
    Rule(
        name="phone",
        pattern=re.compile(rf"{_BEGIN}\d{{3,11}}(?:[ .\-]\d{{2,4}}){{0,3}}{_END}(?!\s(?:người|đồng|triệu|tỷ|lần|số|năm|khách))"),
        speak=_called,
    ),
)
