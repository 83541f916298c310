"""Money: 5.000đ, 50.000 VND, $50, US$1.5 tỷ, €20, 50k, 2tr5, 1,5 triệu USD. "triệu" and "tỷ" are words already and stay."""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.numbers import DIGITS, cardinal
from loa.saying.vietnamese.numerals import NUMBER, SIGN, number

CURRENCIES = {
    "đ": "đồng", "₫": "đồng", "VND": "đồng", "VNĐ": "đồng", "vnđ": "đồng", "vnd": "đồng", "Đ": "đồng",
    "USD": "đô la Mỹ", "usd": "đô la Mỹ", "US$": "đô la Mỹ", "$": "đô la", "A$": "đô la Úc", "AUD": "đô la Úc", "CAD": "đô la Ca na đa",
    "SGD": "đô la Xin ga po", "HKD": "đô la Hồng Kông", "EUR": "ơ rô", "€": "ơ rô", "GBP": "bảng Anh", "£": "bảng Anh", "JPY": "yên Nhật",
    "¥": "yên", "CNY": "nhân dân tệ", "NDT": "nhân dân tệ", "RMB": "nhân dân tệ", "KRW": "uôn", "₩": "uôn", "THB": "bạt", "฿": "bạt",
    "LAK": "kíp", "₭": "kíp", "INR": "ru pi", "₹": "ru pi", "RUB": "rúp", "₽": "rúp", "CHF": "phrăng Thụy Sĩ",
}  # fmt: skip
_SHORT_SCALES = {"k": "nghìn", "K": "nghìn", "tr": "triệu", "Tr": "triệu", "M": "triệu", "B": "tỷ", "ty": "tỷ"}
_SCALE = r"(?:(?P<short>k|K|[Tt]r)|(?P<long>(?:\s?(?:trăm|nghìn|ngàn|vạn|triệu|tỷ|tỉ|tỷ|nghìn)(?!\w)){1,3}))"


_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")  # behind a sign, $1,234 is written in the English way


def _names(names: list[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_BEHIND = _names([name for name in CURRENCIES if name not in ("A$", "Đ")])
_BEFORE = _names(["US$", "A$", "$", "€", "£", "¥", "₩", "₫", "₹", "USD", "VND", "VNĐ", "EUR"])


def _amount(match: re.Match[str]) -> str:
    """The number, or the two of a range, with the scale behind it."""
    low = match["low"].replace(",", "") if _THOUSANDS.fullmatch(match["low"]) and match.start("low") > match.start() else match["low"]
    words = number(low, point="phẩy")
    if match.groupdict().get("high"):
        words += f" đến {number(match['high'], point='phẩy')}"
    parts = match.groupdict()
    if scale := _SHORT_SCALES.get(parts.get("short") or "") or (parts.get("long") or "").strip():
        words += f" {scale}"
    return words


def _priced(match: re.Match[str]) -> str:
    return f"{_amount(match)} {CURRENCIES[match['currency']]}"


def _and_a_half(match: re.Match[str]) -> str:
    """2tr5 is two million and a half, 1tr250 has 250 thousand more."""
    scale = _SHORT_SCALES.get(match["short"]) or match["short"]
    rest = match["rest"]
    more = "rưỡi" if rest == "5" else DIGITS[int(rest)] if len(rest) == 1 else cardinal(int(rest)) + (" nghìn" if scale == "triệu" else "")
    return f"{cardinal(int(match['whole']))} {scale} {more}"


def _scaled(match: re.Match[str]) -> str:
    return _amount(match)


_GLUED = r"(?P<short>k|K|[Tt]r)(?!\w)"

RULES = (
    Rule(
        name="money",
        pattern=re.compile(
            rf"(?<![\w$])(?P<currency>{_BEFORE})\s?(?P<low>\d{{1,3}}(?:,\d{{3}})+(?![.,]?\d)|{NUMBER})(?:\s?[-–]\s?\$?(?P<high>{NUMBER}))?"
            rf"(?:(?P<short>[kKMB]|tr)(?!\w)|(?P<long>(?:\s?(?:trăm|nghìn|ngàn|triệu|tỷ|tỉ)(?!\w)){{1,3}}))?"
        ),
        speak=_priced,
    ),
    Rule(name="money", pattern=re.compile(rf"(?P<low>{SIGN}{NUMBER}){_SCALE}?\s?(?P<currency>{_BEHIND})(?!\w)"), speak=_priced),
    # A capital Đ is money behind nothing and behind thousands; 3N2Đ is not.
    Rule(name="money", pattern=re.compile(r"(?<![\w.,])(?P<low>0|\d{1,3}(?:\.\d{3})+) ?(?P<currency>Đ)(?!\w)"), speak=_priced),
    Rule(
        name="money",
        pattern=re.compile(r"(?<![\w.,])(?P<whole>\d{1,3})(?P<short>tr|tỷ|tỉ|triệu|k)(?P<rest>\d{1}(?:\d\d)?)(?!\w)(?![.,]\d)"),
        speak=_and_a_half,
    ),
    Rule(name="money", pattern=re.compile(rf"(?P<low>{NUMBER}){_GLUED}"), speak=_scaled),
)
