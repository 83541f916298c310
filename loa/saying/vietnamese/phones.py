"""Telephone numbers, figure by figure, with a pause after each group: 0912 345 678, (024) 3825 1234, +84 912…, 1900 1234, gọi 113."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import digits
from loa.saying.vietnamese.surroundings import cue, preceded

_CALLED = cue("gọi|điện thoại|ĐT|SĐT|đt|sđt|tel|hotline|tổng đài|đường dây nóng|liên hệ|LH|zalo|phone|fax|số máy|di động|viber|cảnh sát|cấp cứu|cứu hỏa", within=2)
_GROUPS = (4, 3, 3)  # how an unbroken number is said: 0912 345 678


def _grouped(figures: str) -> str:
    parts = re.findall(r"\d+", figures)
    if len(parts) == 1 and len(figures) > 7:
        begin, parts = 0, []
        for length in _GROUPS:
            parts.append(figures[begin : begin + length])
            begin += length
        parts[-1] += figures[begin:]
    return ", ".join(digits(part) for part in parts)


def _phone(match: re.Match[str]) -> str:
    figures = re.sub(r"[()]", " ", match.group()).strip()
    return f"cộng {_grouped(figures[1:])}" if figures[0] == "+" else _grouped(figures)


def _called(match: re.Match[str]) -> str | None:
    return _grouped(match.group()) if preceded(match, _CALLED) else None


_BEGIN, _END = r"(?<![\w.,/])", r"(?![\w/%])(?![.,\-]\d)"

RULES = (
    Rule(name="phone", pattern=re.compile(rf"(?<!\w)\+\d{{1,3}}[ .\-]?(?:\(0?\d{{1,3}}\)[ .\-]?)?\d{{2,4}}(?:[ .\-]?\d{{2,4}}){{1,4}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}\(0\d{{1,3}}\)[ .\-]?\d{{3,4}}(?:[ .\-]?\d{{3,4}}){{1,2}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}0\d{{1,4}}(?:[ .\-]\d{{2,4}}){{2,4}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}0\d{{9,10}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}1[89]00[ .\-]?\d{{4,6}}{_END}|{_BEGIN}1[89]00[ .\-]\d{{2,3}}[ .\-]\d{{2,3}}{_END}"), speak=_phone),
    Rule(name="phone", pattern=re.compile(rf"{_BEGIN}\d{{3,11}}(?:[ .\-]\d{{2,4}}){{0,3}}{_END}(?!\s(?:người|đồng|triệu|tỷ|lần|số|năm|khách))"), speak=_called),
)
