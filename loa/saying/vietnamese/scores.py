"""Scores: thắng 2-1, hòa 0-0, tỷ số 3:2, 21-15. A dash between rising numbers is a range unless the sentence speaks of a match."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import cardinal
from loa.saying.vietnamese.surroundings import cue, following, preceded

_MATCH = cue(
    "tỷ số|tỉ số|thắng|thua|hòa|hoà|hạ|dẫn|gỡ|đánh bại|vượt qua|chung cuộc|hiệp (?:một|hai|1|2)|ván|séc|set|bại|cầm chân|kết quả|đè bẹp|"
    "vùi dập|chiến thắng|thất bại|thất thủ|ngược dòng|ấn định",
    within=7,
)
_NAMED = re.compile(
    r"\s?(?:%|°|người|tuổi|ngày|tháng|năm|tuần|giờ|phút|giây|lần|triệu|tỷ|tỉ|nghìn|ngàn|đồng|km|kg|m|trận|bàn|điểm|cái|con|chiếc)(?!\w)"
)
_HIGHEST = 30  # of a score that is known by its look alone


def _score(match: re.Match[str]) -> str | None:
    left, right = int(match["left"]), int(match["right"])
    if _NAMED.match(following(match)) and left < right:
        return None
    if preceded(match, _MATCH) or (match["mark"] != ":" and match.group()[len(match["left"])] == "-" and right <= left <= _HIGHEST):
        return f"{cardinal(left)} {cardinal(right)}"
    return None


RULES = (
    Rule(
        name="score",
        pattern=re.compile(r"(?<![\w.,/:\-–])(?P<left>\d{1,3})(?P<mark>[-–:])(?P<right>\d{1,3})(?![\w/:%°])(?![.,\-–]\d)"),
        speak=_score,
    ),
)
