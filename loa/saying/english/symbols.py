"""Signs and emoji in words, and marks that a voice would stumble over."""

from __future__ import annotations

import re
import unicodedata

from loa.saying.emoji import EMOJI, plain
from loa.saying.english.acronyms import letters
from loa.saying.english.numbers import digits
from loa.saying.said import Rule

_SIGNS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "−": "minus",
    "≈": "is about",
    "≠": "is not",
    "≤": "is at most",
    "≥": "is at least",
    "<": "is less than",
    ">": "is greater than",
    "∞": "infinity",
    "√": "the square root of",
    "∑": "the sum of",
    "∏": "the product of",
    "∫": "the integral of",
    "∂": "partial",
    "∈": "is in",
    "∀": "for all",
    "∃": "there is",
    "∅": "the empty set",
    "∪": "union",
    "∩": "intersection",
    "⊂": "is a subset of",
    "∝": "is proportional to",
    "∴": "therefore",
    "→": "to",
    "⇒": "implies",
    "⇔": "if and only if",
    "←": "from",
    "↑": "up",
    "↓": "down",
    "↔": "to and from",
    "°": "degrees",
    "%": "percent",
    "‰": "per mille",
    "§": "section",
    "¶": "paragraph",
    "©": "copyright",
    "®": "registered",
    "™": "trademark",
    "℠": "service mark",
    "№": "number",
    "℃": "degrees Celsius",
    "℉": "degrees Fahrenheit",
    "Ω": "ohms",
    "µ": "micro",
    "$": "dollars",
    "£": "pounds",
    "€": "euros",
    "¥": "yen",
    "₫": "dong",
    "₹": "rupees",
    "₩": "won",
    "₽": "rubles",
    "₿": "bitcoin",
    "฿": "baht",
    "¢": "cents",
    "¬": "not",
    "♯": "sharp",
    "♭": "flat",
    "′": "prime",
    "″": "double prime",
    "✓": "check",
    "✔": "check",
    "✗": "cross",
    "✘": "cross",
    "^": "to the power of",
    "~": "about",
    "#": "hash",
}  # fmt: skip
_GREEK = {
    letter: unicodedata.name(letter).removeprefix("GREEK SMALL LETTER ").lower() for letter in "αβγδεζηθικλμνξοπρστυφχψω"
}  # alpha to omega; "lamda" is Unicode's own spelling
_GREEK["λ"] = "lambda"
_EMOJI = {
    "❤": "red heart",
    "👍": "thumbs up",
    "👎": "thumbs down",
    "👌": "OK hand",
    "🙏": "folded hands",
    "😂": "tears of joy",
    "😊": "smiling face",
    "😍": "heart eyes",
    "😭": "loudly crying face",
    "🔥": "fire",
    "🎉": "party popper",
    "✨": "sparkles",
    "✅": "check mark",
    "❌": "cross mark",
    "⭐": "star",
    "☺": "smiling face",
}
_KEY = re.compile(r"([0-9#*])\ufe0f?\u20e3")


def emoji_name(emoji: str) -> str | None:
    """ "👍🏽" → "thumbs up"; None for what Unicode has no name for."""
    if key := _KEY.match(emoji):
        return f"key {digits(key[1]) if key[1].isdigit() else {'#': 'hash', '*': 'star'}[key[1]]}"
    if "\U0001f1e6" <= emoji[0] <= "\U0001f1ff":
        return f"flag of {letters(''.join(chr(ord(letter) - 0x1F1E6 + ord('A')) for letter in emoji[:2]))}"
    parts = [_EMOJI.get(part) or _unicode_name(part) for part in plain(emoji).split("\u200d") if part]
    return " ".join(part for part in parts if part) if all(part is not None for part in parts) else None


def _unicode_name(character: str) -> str | None:
    """Its name in words; "" for the sign of a sex, which only colours another emoji."""
    if character in "♂♀":
        return ""
    name = unicodedata.name(character[0], "").lower()
    name = re.sub(r" sign$|^heavy |^white |^black |^emoji component ", "", name).replace("-", " ")
    return name if name and not re.search(r"\d", name) else None


def _emoji(match: re.Match[str]) -> str | None:
    """The name between commas, where there are words beside it; the same emoji several times is said once."""
    if match["emoji"][0] in _SIGNS or not (name := emoji_name(match["emoji"])):
        return None
    before, after = match.string[: match.start()][-1:].isalnum(), match.string[match.end() : match.end() + 2]
    return f"{', ' if before else ''}{name}{',' if after[:1].isspace() and after[1:].isalnum() else ''}"


def _sign(match: re.Match[str]) -> str:
    return _SIGNS[match.group()]


def _slash(match: re.Match[str]) -> str | None:
    """Between two words a breath; at the edge of a stretch nothing."""
    text = match.string
    if not text[: match.start()].strip() or not text[match.end() :].strip():
        return ""
    return ", " if " " in match.group() else " "


_PER = "hour|minute|second|day|week|month|year|annum|person|night|unit|mile|gallon|head|page"

EMOJI_RULES = (Rule(name="emoji", pattern=re.compile(rf"(?P<blank>(?<=\w)\s)?(?P<emoji>{EMOJI.pattern})(?:\s?(?P=emoji))*"), speak=_emoji),)

RULES = (
    Rule(name="sign", pattern=re.compile(r"\b[CFGAD](?:#|♯)(?!\w)"), speak=lambda match: f"{match.group()[0]} sharp"),
    Rule(name="sign", pattern=re.compile(r"(?<![\w+])C\+\+(?!\w)"), speak=lambda _: "C plus plus"),
    Rule(name="sign", pattern=re.compile(r"\b[A-F]\+(?!\w)"), speak=lambda match: f"{match.group()[0]}-plus"),
    Rule(name="sign", pattern=re.compile(rf"(?<=\w)\s?/\s?(?=(?:{_PER})\b)"), speak=lambda _: " per "),
    Rule(name="sign", pattern=re.compile(r"[\[{]?…[\]}]|\[\.\.\.\]"), speak=lambda _: "…"),
    Rule(name="sign", pattern=re.compile(r"~(?=\s?(?:\d|[$£€]))|(?<=\s)~(?=\s)"), speak=lambda _: "about "),
    Rule(
        name="sign",
        pattern=re.compile(
            r"(?<!\S)[~^#]+(?!\S)|~+|(?<!\w)[\^#]+|[\^#]+(?!\w)|<[^\W\d_]?>|[<>](?=[\w/])(?<!\s[<>])|<(?=[^\W\d_])|(?<=[^\W\d_])>"
        ),
        speak=lambda _: "",
    ),
    Rule(name="greek", pattern=re.compile(r"(?<![Ͱ-Ͽἀ-῾])[α-ωΑ-Ω](?![Ͱ-Ͽἀ-῾])"), speak=lambda match: _greek(match.group())),
    Rule(name="sign", pattern=re.compile("§§"), speak=lambda _: "sections"),
    Rule(name="sign", pattern=re.compile(f"[{re.escape(''.join(_SIGNS))}]"), speak=_sign),
    Rule(name="slash", pattern=re.compile(r"\s?[/\\|⁄]+\s?"), speak=_slash),
    Rule(name="dash", pattern=re.compile(r"(?<!-)-{2,3}(?!-)|[‒―]"), speak=lambda _: "—"),
    Rule(name="underscore", pattern=re.compile(r"(?<=[^\W_])_+(?=[^\W_])"), speak=lambda _: " "),
    Rule(name="hyphen", pattern=re.compile("[‐‑]"), speak=lambda _: "-"),
    Rule(name="ligature", pattern=re.compile("[ﬀ-ﬆ]"), speak=lambda match: unicodedata.normalize("NFKC", match.group())),
)


def _greek(letter: str) -> str | None:
    name = _GREEK.get(letter.lower())
    return name.capitalize() if name and letter.isupper() else name
