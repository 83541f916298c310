"""URLs and e-mail addresses: info@loa.vn is "info a còng loa chấm vê en nờ". Words stay words, letters that make none are named."""

from __future__ import annotations

import re

from loa.saying.addresses import EMAIL, HANDLE, PATH, URL, parts
from loa.saying.said import Rule
from loa.saying.vietnamese.letters import readable, spelled
from loa.saying.vietnamese.numbers import digits
from loa.saying.vietnamese.numerals import integer

_MARKS = {
    "@": "a còng", ".": "chấm", "/": "gạch chéo", "-": "gạch ngang", "_": "gạch dưới", ":": "hai chấm", "?": "hỏi chấm", "=": "bằng",
    "&": "và", "#": "thăng", "+": "cộng", "%": "phần trăm", "~": "dấu ngã", ",": "phẩy", "!": "chấm than", "*": "sao", "$": "đô la",
}  # fmt: skip
_VOWEL = re.compile("[aeiouyà-ỹ]", re.IGNORECASE)


def _address(match: re.Match[str]) -> str:
    return _said(match.group().rstrip("/"))


def _said(address: str) -> str:
    words = []
    for kind, part in parts(address):
        if kind == "word":
            words.append(part.lower() if readable(part) or (len(part) > 2 and _VOWEL.search(part)) else spelled(part))
        elif kind == "figures":
            words.append(integer(part) if len(part) < 3 else digits(part))
        elif part in _MARKS:
            words.append(_MARKS[part])
    return " ".join(words)


def _handle(match: re.Match[str]) -> str:
    """@name is "a còng", #topic "hát tắc"."""
    return ("a còng " if match["sign"] == "@" else "hát tắc ") + _said(match["name"])


RULES = (
    Rule(name="e-mail", pattern=EMAIL, speak=_address),
    Rule(name="handle", pattern=HANDLE, speak=_handle),
    Rule(name="URL", pattern=URL, speak=_address),
    Rule(name="path", pattern=PATH, speak=_address),
)
