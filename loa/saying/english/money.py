"""Money: "$5.50", "£1.2 million", "€3bn", "50k", "20 USD"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loa.saying.english.numbers import NUMBER, amount, cardinal, is_one
from loa.saying.english.sentence import full_stop
from loa.saying.said import Rule


@dataclass(frozen=True)
class Currency:
    """Its names; one without a plural of its own has the same twice."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


_DOLLAR = Currency("dollar", "dollars", "cent", "cents")
_DONG = Currency("dong", "dong")
_YEN = Currency("yen", "yen")
_SIGNS = {
    "$": _DOLLAR,
    "US$": Currency("U.S dollar", "U.S dollars", "cent", "cents"),
    "A$": Currency("Australian dollar", "Australian dollars", "cent", "cents"),
    "AU$": Currency("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": Currency("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "HK$": Currency("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "NZ$": Currency("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "S$": Currency("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "£": Currency("pound", "pounds", "penny", "pence"),
    "€": Currency("euro", "euros", "cent", "cents"),
    "¥": _YEN,
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "₫": _DONG,
    "₩": Currency("won", "won"),
    "₽": Currency("ruble", "rubles"),
    "₿": Currency("bitcoin", "bitcoins"),
    "฿": Currency("baht", "baht"),
}
_CODES = {
    "USD": _SIGNS["US$"],
    "EUR": _SIGNS["€"],
    "GBP": _SIGNS["£"],
    "JPY": _YEN,
    "VND": _DONG,
    "VNĐ": _DONG,
    "AUD": _SIGNS["A$"],
    "CAD": _SIGNS["C$"],
    "SGD": _SIGNS["S$"],
    "HKD": _SIGNS["HK$"],
    "CHF": Currency("Swiss franc", "Swiss francs"),
    "CNY": Currency("yuan", "yuan"),
    "RMB": Currency("yuan", "yuan"),
    "INR": _SIGNS["₹"],
    "KRW": _SIGNS["₩"],
    "THB": _SIGNS["฿"],
    "đ": _DONG,
}
_MAGNITUDES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "mm": "million",
    "bn": "billion",
    "b": "billion",
    "B": "billion",
    "tn": "trillion",
    "trn": "trillion",
    "T": "trillion",
}
_WORDS = r"hundred|thousand|million|billion|trillion"
_MAGNITUDE = rf"(?:(?P<short>(?:bn|mn|mm|tn|trn|[kKmMbBT]))(?!\w)|[\s-](?P<long>{_WORDS})\b)"
_SIGN = "|".join(sorted(map(re.escape, _SIGNS), key=len, reverse=True))
_CODE = "|".join(sorted(_CODES, key=len, reverse=True))
_NOUNS = r"[-\s](?:bills?|notes?|coins?)\b"


def _money(match: re.Match[str]) -> str:
    groups = match.groupdict()
    currency = _SIGNS.get(groups.get("sign") or "") or _CODES[groups.get("code") or ""]
    first, last = match["first"], groups.get("last")
    magnitude = _MAGNITUDES.get(groups.get("short") or "", "") or groups.get("long") or ""
    minus = "minus " if groups.get("minus") else ""
    adjective = re.search(r"\b[Aa]n?\s$", match.string[: match.start()][-4:]) and re.match(
        r"[-\s][a-z]", match.string[match.end() : match.end() + 2]
    )
    if adjective or re.match(_NOUNS, match.string[match.end() : match.end() + 8]):
        return f"{minus}{_plain(first, last, magnitude)} {currency.one}"
    if last is None and not magnitude and currency.cent and re.fullmatch(r"[\d,]*\.\d\d", first):
        return minus + _with_cents(first, currency)
    return f"{minus}{_plain(first, last, magnitude)} {currency.one if is_one(first) and not magnitude and last is None else currency.many}"


def _plain(first: str, last: str | None, magnitude: str) -> str:
    said = f"{amount(first)} to {amount(last)}" if last else amount(first)
    return f"{said} {magnitude}" if magnitude else said


def _with_cents(written: str, currency: Currency) -> str:
    """ "5.50" → "five dollars and fifty cents"."""
    whole, _, decimals = written.replace(",", "").rpartition(".")
    units, cents = int(whole or 0), int(decimals)
    parts = []
    if units or not cents:
        parts.append(f"{cardinal(units)} {currency.one if units == 1 else currency.many}")
    if cents:
        parts.append(f"{cardinal(cents)} {currency.cent if cents == 1 else currency.cents}")
    return " and ".join(parts)


_AMOUNT = rf"(?P<first>{NUMBER})(?:\s?(?:-|–|—|to)\s?(?:{_SIGN})?(?P<last>{NUMBER}))?"


def _sterling(match: re.Match[str]) -> str:
    """Before 1971: "£3 10s. 6d." → "three pounds ten shillings and six pence"."""
    pounds, shillings, pence = (int((match[name] or "0").replace(",", "")) for name in ("pounds", "shillings", "pence"))
    said = f"{cardinal(pounds)} pound{'' if pounds == 1 else 's'} {cardinal(shillings)} shilling{'' if shillings == 1 else 's'}"
    return f"{said} and {'one penny' if pence == 1 else f'{cardinal(pence)} pence'}" if pence else said


STERLING = (
    Rule(
        name="money",
        pattern=re.compile(r"£(?P<pounds>\d[\d,]*),?\s(?P<shillings>[01]?\d)s\b\.?(?:\s(?P<pence>1?\d)d\b\.?)?"),
        speak=lambda match: _sterling(match) + full_stop(match),
    ),
)  # before decades: "10s"

RULES = (
    Rule(name="money", pattern=re.compile(rf"(?<!\w)(?P<minus>[-−])?(?P<sign>{_SIGN})\s?{_AMOUNT}(?:{_MAGNITUDE})?"), speak=_money),
    Rule(
        name="money",
        pattern=re.compile(rf"(?<![\w.,])(?P<minus>[-−])?{_AMOUNT}(?:{_MAGNITUDE})?\s?(?:(?P<sign>[€£¥₹₫₩₽฿])|(?P<code>{_CODE})(?!\w))"),
        speak=_money,
    ),
    Rule(  # an old pound: "L100,000"
        name="money",
        pattern=re.compile(r"(?<!\w)L(?P<first>\d{1,3}(?:,\d{3})+)(?!\w)"),
        speak=lambda match: f"{amount(match['first'])} pounds",
    ),
    Rule(name="money", pattern=re.compile(rf"(?<!\w)(?P<code>{_CODE})\s?{_AMOUNT}(?:{_MAGNITUDE})?(?!\w)"), speak=_money),
    Rule(
        name="money",
        pattern=re.compile(rf"(?<![\w.,])(?P<first>{NUMBER})\s?¢"),
        speak=lambda match: f"{amount(match['first'])} cent{'' if is_one(match['first']) else 's'}",
    ),
    Rule(
        name="magnitude",  # "50k", "2.5M", "3bn"; "4K" is a screen, "5m" a length, "8168B" a model
        pattern=re.compile(
            rf"(?<![\w.,$£€-])(?!\d{{4,}}B)(?P<first>{NUMBER})(?:(?P<small>k|bn|mn|tn)|(?P<large>[MB])|(?<=\d\d\d)(?P<thousand>K))(?!\w)"
        ),
        speak=lambda match: f"{amount(match['first'])} {_MAGNITUDES[match['small'] or match['large'] or match['thousand']]}",
    ),
)
