"""Letters by their names, and whether letters need them."""

from __future__ import annotations

import unicodedata

from loa.saying.syllables import is_syllable

_LETTERS = {
    "A": "a", "Ă": "á", "Â": "ớ", "B": "bê", "C": "xê", "D": "đê", "Đ": "đê", "E": "e", "Ê": "ê", "F": "ép", "G": "giê", "H": "hát",
    "I": "i", "J": "gi", "K": "ca", "L": "e lờ", "M": "em", "N": "en", "O": "ô", "Ô": "ô", "Ơ": "ơ", "P": "pê",
    "Q": "quy", "R": "e rờ", "S": "ét", "T": "tê", "U": "u", "Ư": "ư", "V": "vê", "W": "vê kép", "X": "ích", "Y": "i", "Z": "dét",
}  # fmt: skip


def readable(word: str) -> bool:
    """Whether a Vietnamese reader can read the letters as one syllable: "TIN" and "hoà", not "WHO" or "BTC". Case does not matter."""
    return is_syllable(word.lower())


def spelled(letters: str) -> str:
    """Letters by name, as in the acronyms of the news, whose D is đê and whose O is ô: "GDP" → giê đê pê. Other marks are left out."""
    names = (_LETTERS.get(letter.upper()) or _LETTERS.get(_bare(letter)) for letter in letters)
    return " ".join(name for name in names if name)


def _bare(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0].upper()
