"""Acronyms and single letters inside Vietnamese, and foreign words.

An acronym is said by the Vietnamese names of its letters, WHO: vê kép hát ô, unless READ has how it is really said. Capitals that a
Vietnamese reader can read as a syllable are a word written large, and so are five letters and more with a vowel (VINAMILK); in a heading
all in capitals, everything with a vowel is. Foreign words stay as they are written: every voice reads them in its own way, and one that a
voice reads badly belongs into the lexicon.
"""

from __future__ import annotations

import re

from loa.saying.said import Rule
from loa.saying.vietnamese.letters import readable, spelled
from loa.saying.vietnamese.surroundings import cue, in_capitals, preceded

# Said as words, or by the English names of their letters.
READ = {
    "AI": "ây ai", "IT": "ai ti", "CEO": "xi i ô", "CFO": "xi ép ô", "CTO": "xi ti ô", "PR": "pi a", "MC": "em xi", "DJ": "đi giây",
    "MV": "em vi", "BBC": "bi bi xi", "CNN": "xi en en", "FBI": "ép bi ai", "CIA": "xi ai ây", "TV": "ti vi", "PC": "pi xi",
    "IELTS": "ai eo", "TOEFL": "tô phồ", "TOEIC": "tô ích", "NATO": "na tô", "ASEAN": "a xê an", "UNESCO": "u nét xcô",
    "UNICEF": "u ni xép", "FIFA": "phi pha", "UEFA": "u ê pha", "APEC": "a pếch", "OPEC": "ô pếch", "NASA": "na sa", "COVID": "cô vít",
    "SARS": "xát", "AIDS": "ết", "VAR": "va", "OK": "ô kê", "WIFI": "oai phai", "LED": "lét", "SUV": "ét u vê", "EU": "e u",
    "UAE": "u a e", "VOA": "vê ô a", "KPI": "ca pê i", "VIP": "víp", "ID": "ai đi",
}  # fmt: skip
_FOREIGN_WORDS = (
    "SEA",
    "VISA",
    "PRO",
    "PLUS",
    "MAX",
    "MINI",
    "TOP",
    "HOT",
    "NEW",
    "SALE",
    "FREE",
    "SHOP",
    "ZALO",
)  # SEA Games, iPhone 15 PRO
_SHORT = 4  # letters: longer ones with a vowel are words
_VOWELS = re.compile("[AEIOUYĂÂÊÔƠƯ]")
_QUIET = ("AI", "EU", "VAR", "IT", "ID")  # in capitals, these may be ordinary words


def _acronym(match: re.Match[str]) -> str | None:
    letters = match.group()
    heading = in_capitals(match)
    if letters in READ and not (heading and letters in _QUIET):
        return READ[letters]
    if readable(letters) or letters in _FOREIGN_WORDS:
        return None
    if _VOWELS.search(letters) and (heading or len(letters) > _SHORT):
        return None
    return spelled(letters)


def _plural(match: re.Match[str]) -> str:
    return spelled(match["letters"])


def _letter(match: re.Match[str]) -> str:
    """Its name. The full stop of an initial, as in "P. Picasso", goes; that of a sentence stays: "… vitamin C. Nó …"."""
    said = spelled(match["letter"])
    ends = match["stop"] and preceded(match, _LETTERED)
    return f"{said}." if ends else said


_LETTERED = cue(
    "vitamin|công ty|tia|chất|biến|mạng|nhóm|loại|lớp|điểm|hệ|góc|hạng|khối|gen|virus|vi rút|bảng|khu|lô|phụ lục|mục|câu|đề|phương án|"
    "đáp án|cấp|hàng|cột"
)
_CAPITAL = "[A-ZĐĂÂÊÔƠƯ]"
_TWO_CAPITALS = re.compile(_CAPITAL * 2)

RULES = (
    Rule(name="acronym", pattern=re.compile(r"(?<!\w)(?:[Cc]ovid)(?!\w)"), speak=lambda _: READ["COVID"], needs=re.compile("ovid")),
    Rule(name="acronym", pattern=re.compile(r"(?<!\w)R&D(?!\w)"), speak=lambda _: "a en đi", needs=re.compile("R&D")),
    Rule(
        name="acronym",
        pattern=re.compile(r"(?<![\w'’])(?:[A-ZĐ]\.){2,5}(?![\w])"),
        speak=lambda match: spelled(match.group()),
        needs=re.compile(r"[A-ZĐ]\.[A-ZĐ]\."),
    ),
    Rule(name="acronym", pattern=re.compile(rf"(?<![\w'’]){_CAPITAL}{{2,9}}(?![\w'’])"), speak=_acronym, needs=_TWO_CAPITALS),
    Rule(name="acronym", pattern=re.compile(r"(?<![\w'’])(?P<letters>[A-ZĐ]{2,5})s(?!\w)"), speak=_plural, needs=_TWO_CAPITALS),
    # A consonant alone is no Vietnamese word.
    Rule(
        name="letter",
        pattern=re.compile(r"(?<![\w'’])(?P<letter>[B-DF-HJ-NP-TV-XZĐb-df-hj-np-tv-xzđ])(?P<stop>\.(?=\s?[A-ZĐ]))?(?![^\W⁰¹²³⁴-⁹]|['’])"),
        speak=_letter,
    ),
)
