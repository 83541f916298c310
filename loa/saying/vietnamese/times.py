"""Times of the day and lengths of time: 14h30, 7:05, 8g30, 9:30 PM, 10:00:15, 7h-9h, phút 90+3."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal
from loa.saying.vietnamese.surroundings import cue, preceded

_SCORE = cue("tỷ số|tỉ số|thắng|thua|hòa|hoà|tỷ lệ|tỉ lệ|chung cuộc", within=3)

_HOUR, _SIXTY = r"(?:[01]?\d|2[0-4])", r"[0-5]\d"
_BEGIN, _END = r"(?<![\w:.,/])", r"(?![\d:/])(?![.,]\d)"


def _time(match: re.Match[str]) -> str | None:
    """Hours and minutes, also seconds; full hours are said without minutes, as a reader does."""
    parts = match.groupdict()
    if parts.get("colon") and not parts.get("second") and not parts.get("half") and preceded(match, _SCORE):
        return None
    words = [cardinal(int(parts["hour"])), "giờ"]
    minute, second = int(parts["minute"] or 0), int(parts.get("second") or 0)
    if minute or second:
        words += [cardinal(minute), "phút"]
    if second:
        words += [cardinal(second), "giây"]
    if half := parts.get("half"):
        words.append("sáng" if half[0] in "Aa" else "tối" if int(parts["hour"]) % 12 >= 6 else "chiều")
    return " ".join(words)


def _short_length(match: re.Match[str]) -> str:
    """2'30" of a song or a race."""
    return f"{cardinal(int(match['minute']))} phút {cardinal(int(match['second']))} giây"


_HALF = r"(?:\s?(?P<half>[AaPp](?:[Mm]|\.[Mm]\.))(?!\w))"

RULES = (
    Rule(
        name="time",
        pattern=re.compile(
            rf"{_BEGIN}(?P<hour>{_HOUR})\s?(?:[hHg]|giờ)\s?(?P<minute>{_SIXTY})\s?(?:['′pP]|phút)\s?(?P<second>{_SIXTY})\s?(?:s|giây|''|\"|″)?{_END}(?!\w)"
        ),
        speak=_time,
    ),
    Rule(
        name="time",
        pattern=re.compile(rf"{_BEGIN}(?P<hour>\d{{1,3}})[hHg](?P<minute>{_SIXTY})(?:['′pP]|\s?phút)?(?!\w){_END}"),
        speak=_time,
    ),
    Rule(name="time", pattern=re.compile(rf"{_BEGIN}(?P<hour>{_HOUR})(?P<minute>)\s?[hH](?!\w)(?!/){_END}"), speak=_time),
    Rule(name="time", pattern=re.compile(rf"{_BEGIN}(?P<hour>\d{{1,3}})(?P<minute>)[hH](?!\w){_END}"), speak=_time),
    Rule(name="time", pattern=re.compile(rf"{_BEGIN}(?P<hour>{_HOUR})(?P<minute>){_HALF}"), speak=_time),
    Rule(
        name="time",
        pattern=re.compile(rf"{_BEGIN}(?P<hour>{_HOUR})(?P<colon>:)(?P<minute>{_SIXTY})(?::(?P<second>{_SIXTY}))?{_HALF}?(?!\w){_END}"),
        speak=_time,
    ),
    Rule(name="time", pattern=re.compile(r"(?<![\w.,])(?P<minute>\d{1,3})['′](?P<second>[0-5]?\d)(?:''|\"|″)"), speak=_short_length),
)
