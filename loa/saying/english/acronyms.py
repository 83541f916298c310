"""Acronyms: which are said by letters ("F.B.I") and which as words (NASA).

Letters are written with full stops between them, and none at the end: so espeak-ng says "A" as the letter, gives the whole one stress, and
no sentence ends there. What is in neither table is spelled where nobody could pronounce it, else left to the voice. Where all words are in
capitals, as in a heading, only what has no vowel is spelled.
"""

from __future__ import annotations

import re

from loa.saying.english.sentence import word_before
from loa.saying.said import Rule
from loa.saying.tables import words

_LETTERS = frozenset(  # said by letters, though a voice might take them for words or does not know them
    words(
        "AI AMA AP API ATM BA BBC BMW CBS CCTV CD CEO CFO CIA CIO CNN CPU CTO CV DIY DJ DNA DVD EEG EKG EU FAQ FBI FDA GDP GMO GMT "
        "GP GPS GPU HIV HQ HR IBM ICU ID IDE IEEE IMF IOU IP IPO IQ ISBN ISO ISP ITV IV KGB LA LED LLC LNG MBA MI MIT MP NBA NBC NFL NGO "
        "NHL NHS NYC NYU OCD OECD PA PC PDF PHD PM PR PTSD QA RNA ROI SAT SDK SME SOS SUV TV UAE UAV UFO UI UK UN UPS URL USA USB USSR "
        "UTC UV UX VIP VR WTO YMCA"
    )
)
_WORDS = frozenset(
    words(
        "AIDS ASAP ASCII ASEAN BASIC CAPTCHA CERN COBOL COVID FEMA FIFA FOMO GIF HIPAA IKEA INTERPOL JPEG LASER LEGO LIDAR LOL MIDI MRSA "
        "NAFTA NASA NASDAQ NATO NAVY OK OPEC PEN PIN RADAR RAM REM ROM SARS SCUBA SIM SONAR SWAT TED UNESCO UNICEF YOLO ZIP"
    )
)
_ABBREVIATED = frozenset(
    words("MR MRS MS DR ST MT FT JR SR VS LTD BROS HMM HM SHH SH PST PSST BRR GRR PFFT NTH MRS HMMM MME MLLE")
)  # no letters either
_ORDINARY = {"US": "us", "IT": "it"}  # espeak-ng spells them wherever they are in capitals

# Capitals, with a small plural or genitive: "DVDs", "FBI’s", "PhD".
_ACRONYM = re.compile(r"(?<![\w.&'’_-])(?P<letters>[A-Z](?:[A-Z]|&(?=[A-Z])){1,7}|PhD|BSc|MSc)(?P<tail>['’]?s)?(?![\w&])")
_SHOUTED = re.compile(r"[A-Z][A-Z'’]*[A-Z]")
_NEIGHBOUR = re.compile(r"(?<![\w])[A-Z]{4,}[\s-]$")
_NEIGHBOUR_AFTER = re.compile(r"[\s-][A-Z]{4,}(?!\w)")
_REACH = 40  # characters on either side that tell whether all is in capitals
_VOWELS = re.compile("[AEIOUYaeiouy]")
# Letters that no English word begins or ends with.
_UNPRONOUNCEABLE = re.compile(
    "^(?!(?:KN|GN|PS)[A-Z]{2})(?:[BCDFGHJKLMNPQRSTVWXZ]{4}|[BDFGHJKLMNPRTVXZ][BCDFGJKMNPQSTVXZ]|C[BCDFGJKMNPQSTVXZ]|S[BDFGJRSVXZ]|[DFGJMNV]H|Q[^U]|W[^AEHIORUY]|[HJLMNRVXYZ][LR])"
    "|(?:[BCDFGHJKMNPQSTVWXZ]R|[BDGHJMNQTVXZ]L|[BFJKMQVXZ]N|[BCDFGHJKNPQTVXZ]M|[CDFHJKLMNPQSTVXZ][BJQVW]|[BCDFHJKLMPQSTVWXYZ]G|[BCFGHJKMPQSTVXZ]D|[JQV])$"
)
_LONGEST = 5  # letters that are spelled though there is a vowel among them; "HVAL" is one, "PSALMS" is a word


def letters(written: str) -> str:
    """The letters one by one: "FBI" → "F.B.I", "at&t" → "A.T and T"."""
    return " and ".join(".".join(character for character in part.upper() if character.isalpha()) for part in written.split("&"))


def pronounceable(written: str) -> bool:
    """Whether capitals could be a word."""
    return bool(_VOWELS.search(written)) and (len(written) > _LONGEST or not _UNPRONOUNCEABLE.search(written.upper()))


def spelled(short: str, *, defined: bool = False) -> str | None:
    """An acronym by its letters; None for one that is said as a word. One that the text defines is no shouted word."""
    if short in _WORDS or short in _ABBREVIATED:
        return None
    if "&" in short or short in _LETTERS or not pronounceable(short) or (defined and len(short) <= 3):
        return letters(short)
    return None


def _acronym(match: re.Match[str]) -> str | None:
    short, tail = match["letters"], match["tail"] or ""
    if short in ("PhD", "BSc", "MSc"):
        return letters(short) + _possessive(tail)
    if _all_capitals(match):
        if short in _ORDINARY:
            return _ORDINARY[short] + tail
        if short in _ABBREVIATED or _VOWELS.search(short):
            return None
    elif _NEIGHBOUR.search(match.string[max(0, match.start() - _REACH) : match.start()]) or _NEIGHBOUR_AFTER.match(
        match.string, match.end()
    ):
        if _VOWELS.search(short) and short not in _LETTERS:
            return None
    elif short in _ORDINARY:
        return letters(short) + _possessive(tail)
    if short == "WHO" and word_before(match) == "the":
        return letters(short) + _possessive(tail)
    said = spelled(short)
    return said + _possessive(tail) if said else None


def _possessive(tail: str) -> str:
    """With an apostrophe: "D.V.Ds" would end in a letter S."""
    return "’s" if tail else ""


def _all_capitals(match: re.Match[str]) -> bool:
    """Whether the words around are in capitals too, at least one of four letters, so that capitals mean nothing."""
    text, start, end = match.string, match.start(), match.end()
    around = text[max(0, start - _REACH) : start].rpartition("\n")[2] + " " + text[end : end + _REACH].partition("\n")[0]
    small = sum(map(str.islower, around))
    return small * 3 < sum(map(str.isupper, around)) and any(len(word) > 3 for word in _SHOUTED.findall(around))


# "vitamin A": by itself, or with a hyphen after it, espeak-ng says the letter, but before a word the article.
_NAMED_A = words(
    "vitamin vitamins grade plan type class section appendix exhibit group hepatitis category level option schedule letter figure question "
    "block gate unit model series influenza serie"
)
_LETTER_A = re.compile(rf"\b(?i:{'|'.join(_NAMED_A)}) A(?= [a-z])")

RULES = (
    Rule(name="acronym", pattern=_ACRONYM, speak=_acronym, needs=re.compile("[A-Z](?:[A-Z&]|hD|Sc)")),
    Rule(name="letter", pattern=_LETTER_A, speak=lambda match: f"{match.group()}-", needs=re.compile(" A [a-z]")),
)
