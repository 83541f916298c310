"""Which phonemes of a sentence belong to which of its words.

espeak-ng says a sentence, not words: it joins some ("of the" → "ʌvðə"), makes several of others ("1984"), and reduces some where they are
unstressed. So each word is also said by itself, and the two sequences are matched: what the words sound like alone, one after the other,
and what the sentence sounds like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

TOKEN = re.compile(r"[^\s—–…]+")
SPOKEN_MARKS = frozenset("%&@#§")  # punctuation to Unicode, but read aloud
STRESS = frozenset("ˈˌ")


@dataclass(frozen=True, kw_only=True)
class TextWord:
    text: str  # without the punctuation around it
    offset: int  # characters from the start of the text


@dataclass(frozen=True, kw_only=True)
class PlacedWord(TextWord):
    first: int  # phoneme
    last: int  # phoneme after the word's last one


def words_of(text: str) -> list[TextWord]:
    words = []
    for token in TOKEN.finditer(text):
        start, end = token.span()
        while start < end and _is_mark(text[start]):
            start += 1
        while end > start and _is_mark(text[end - 1]):
            end -= 1
        if start < end:
            words.append(TextWord(text=text[start:end], offset=start))
    return words


def place_words(alone: Sequence[Sequence[str]], stream: Sequence[str]) -> list[tuple[int, int] | None]:
    """Of each word, where it is in `stream`: first phoneme and the one after its last. None for a word without sound.

    `alone` holds each word's phonemes said by itself. Words come out in order and do not overlap.
    """
    said = [[phoneme for phoneme in word if _is_segment(phoneme)] for word in alone]
    heard = [at for at, phoneme in enumerate(stream) if _is_segment(phoneme)]
    # Word boundaries can only be where segments begin; a blank in the stream makes one likely.
    likely = {rank for rank in range(1, len(heard)) if " " in stream[heard[rank - 1] : heard[rank]]}
    borders = _borders(said, [stream[at] for at in heard], sorted(likely))
    places: list[tuple[int, int] | None] = []
    for word, start, end in zip(said, borders[:-1], borders[1:], strict=True):
        if not word or start == end:
            places.append(None)
            continue
        first = heard[start]
        while first > 0 and stream[first - 1] in STRESS:
            first -= 1
        places.append((first, heard[end - 1] + 1))
    return places


def _borders(said: list[list[str]], heard: list[str], likely: list[int]) -> list[int]:
    """Where in `heard` each word begins, and the end: len(said) + 1 rising numbers."""
    flat = [phoneme for word in said for phoneme in word]
    partner: dict[int, int] = {}  # index in flat → index in heard
    for block in SequenceMatcher(None, flat, heard, autojunk=False).get_matching_blocks():
        partner.update(zip(range(block.a, block.a + block.size), range(block.b, block.b + block.size), strict=True))
    matched = sorted(partner)
    borders = [0]
    position = 0  # in flat: where the next word begins
    known = 0  # of `matched`: how many lie before it
    for word in said[:-1]:
        position += len(word)
        while known < len(matched) and matched[known] < position:
            known += 1
        # The border lies between the last match before it and the first match after it.
        left, low = (matched[known - 1] + 1, partner[matched[known - 1]] + 1) if known else (0, 0)
        right, high = (matched[known], partner[matched[known]]) if known < len(matched) else (len(flat), len(heard))
        low = max(low, borders[-1])
        guess = low + (high - low) * (position - left) / (right - left) if right > left else low
        # What was not matched was said differently rather than left out: leave something of the gap to each side that has such a sound.
        least, most = low + (position > left), high - (right > position)
        if least > most:
            least, most = low, high
        blanks = [blank for blank in likely if least <= blank <= most]
        borders.append(min(blanks, key=lambda blank: abs(blank - guess)) if blanks else min(max(round(guess), least), most))
    return [*borders, len(heard)] if said else [0]


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" and character not in SPOKEN_MARKS


def _is_segment(phoneme: str) -> bool:
    """Whether a phoneme is a sound of its own or goes on with one, rather than a blank, punctuation or stress."""
    return phoneme not in STRESS and unicodedata.category(phoneme[0])[0] in "LMN"
