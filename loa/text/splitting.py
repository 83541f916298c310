"""Cut text into pieces that a voice speaks in one go: whole sentences where possible.

A cut falls only where a blank is (or after a dash between words), so never inside a word, number, URL, e-mail address or abbreviation.
A piece is one sentence; a sentence shorter than SHORT_SENTENCE joins its neighbour of the same paragraph. A sentence over the limit is cut
where a reader would pause: at ; or : , then at , or a dash, then at a blank, and only then at a blank after an abbreviation or between the
groups of a number. A single word longer than the limit is the one thing that is cut inside, between two characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loa.text.abbreviations import Abbreviations, abbreviations
from loa.text.normalisation import speakable

PIECE_LIMIT = 300  # characters: about 20 s of speech
LEAST_LIMIT = 20
SHORT_SENTENCE = 40  # characters: about 3 s; voices sound better with a little context

# What ends with a piece. At a cut that is no place to breathe nothing does.
Break = Literal["paragraph", "sentence", "clause", "nothing"]

# Seconds of silence after a piece, beside what the voice itself leaves.
PARAGRAPH_PAUSE = 0.6
SENTENCE_PAUSE = 0.25
CLAUSE_PAUSE = 0.1  # also where a sentence goes on in another language
_PAUSES: dict[Break, float] = {"paragraph": PARAGRAPH_PAUSE, "sentence": SENTENCE_PAUSE, "clause": CLAUSE_PAUSE, "nothing": 0.0}

_TERMINATORS = ".!?…。！？"
_CLOSERS = "\"'”’»›)]}*_"
_OPENERS = "\"'“‘„«‹([{*_-–—•"

_SENTENCE_END = re.compile(f"(?<![{_TERMINATORS}])([{_TERMINATORS}]+)[{re.escape(_CLOSERS)}]*(?=\\s)")
_LEAD = re.compile(f"[\\s{re.escape(_OPENERS)}]*")
_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_ENUMERATION = re.compile(r"\(?(\d{1,3}(\.\d{1,3})*|[A-Za-z]|[IVXLC]{1,7})")
_INITIALS = re.compile(r"[^\W\d_]|([^\W\d_]{1,4}\.)+[^\W\d_]{1,4}")  # "J", "U.S", "GS.TS"
_PLACE = re.compile(r"\s+|(?<=[^\W\d_]—)(?=[^\W\d_])")  # blanks, or after the dash of "word—word"
_WORD = re.compile(r"[^\W\d_]+")
_ABBREVIATION_LENGTH = 24  # characters: no abbreviation is longer
_ADDRESS_MARKS = ("://", "@", "www.")

# How good a place for a cut is.
_CLAUSE, _PHRASE, _BLANK, _GLUED, _INSIDE = 4, 3, 2, 1, 0


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A passage of the text, `text[start:end]`, and the silence after it."""

    text: str
    start: int  # characters from the start of the whole text
    end: int
    ends: Break
    pause: float  # seconds, where whoever speaks it has no wishes; none after the last piece


def split(text: str, language: str, limit: int = PIECE_LIMIT) -> list[Piece]:
    """Cut `text` into pieces of at most `limit` characters, in order; between two pieces there is nothing but white space.

    Marks that cannot be spoken go with a neighbour, even past the limit; text without anything speakable is one piece.
    Raises ValueError for a limit under 20.
    """
    if limit < LEAST_LIMIT:
        raise ValueError(f"a piece limit of {limit} characters is too small; at least {LEAST_LIMIT}")
    known = abbreviations(language)
    spans: list[_Span] = []
    for start, end in _paragraphs(text):
        sentences = [span for sentence in _sentences(text, start, end, known) for span in _within(text, *sentence, limit, known)]
        joined = _join(sentences, limit)
        joined[-1] = _Span(joined[-1].start, joined[-1].end, "paragraph")
        spans += joined
    return _pieces(text, _give_voice(text, spans))


def shortened(text: str, limit: int) -> str:
    """The text, or the words of it that fit into `limit` characters together with "…"; of a word that is too long its beginning."""
    if len(text) <= limit:
        return text
    end = text.rfind(" ", limit // 2, limit)
    if end < 0:
        end = limit - 1
        while end > 1 and _same_character(text[end - 1], text[end]):
            end -= 1
    return f"{text[:end].rstrip(' ,;:–—-')}…"


def sentences(text: str, language: str) -> list[Piece]:
    """Every sentence of `text` by itself, however short or long, with the silence after it."""
    known = abbreviations(language)
    spans: list[_Span] = []
    for start, end in _paragraphs(text):
        spans += [_Span(*sentence, "sentence") for sentence in _sentences(text, start, end, known)]
        spans[-1] = _Span(spans[-1].start, spans[-1].end, "paragraph")
    return _pieces(text, spans)


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    ends: Break


def _pieces(text: str, spans: list[_Span]) -> list[Piece]:
    """No silence follows the last one."""
    return [
        Piece(
            text=text[span.start : span.end],
            start=span.start,
            end=span.end,
            ends=span.ends,
            pause=0.0 if span is spans[-1] else _PAUSES[span.ends],
        )
        for span in spans
    ]


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    for gap in [*_BREAK.finditer(text), None]:
        start, end = _trim(text, position, gap.start() if gap else len(text))
        if start < end:
            yield start, end
        position = gap.end() if gap else len(text)


def _sentences(text: str, start: int, end: int, known: Abbreviations) -> Iterator[tuple[int, int]]:
    """The sentences of one paragraph."""
    begin = start
    for mark in _SENTENCE_END.finditer(text, start, end):
        if mark.start() >= begin and _ends_sentence(text, begin, mark, end, known):
            yield begin, mark.end()
            begin, _ = _trim(text, mark.end(), end)
    if begin < end:
        yield begin, end


def _ends_sentence(text: str, begin: int, mark: re.Match[str], end: int, known: Abbreviations) -> bool:
    ahead = _LEAD.match(text, mark.end(), end).end()  # type: ignore[union-attr]  # it matches nothing at least
    if ahead == end:
        return False  # nothing but marks follows: they belong to this sentence
    following = text[ahead]
    if following.islower() or unicodedata.category(following)[0] not in "LNS":
        return False
    if mark.group(1) != ".":
        return True
    word, at = _word_before(text, begin, mark.start())
    if word is None:
        return True
    if at == begin and _ENUMERATION.fullmatch(word):
        return False  # "1. First", "IV. The house"
    bare = word.lstrip(_OPENERS)
    folded = bare.lower()
    if folded in known.never_last or bare in known.never_last_as_written:
        return False
    if folded in known.often_last:
        return following.isalpha()
    if _INITIALS.fullmatch(bare):
        starter = _WORD.match(text, ahead, end)
        return starter is not None and starter.group() in known.starters
    return True


def _word_before(text: str, start: int, position: int) -> tuple[str | None, int]:
    """The word that ends at `position` and where it begins; None for one that is too long for an abbreviation."""
    window = text[max(start, position - _ABBREVIATION_LENGTH) : position]
    word = window.split()[-1] if window and not window[-1].isspace() else ""
    if len(word) == len(window) and position - len(word) > start:
        return None, position - len(word)
    return word, position - len(word)


def _within(text: str, start: int, end: int, limit: int, known: Abbreviations) -> Iterator[_Span]:
    """A sentence as one span, or as several that keep to the limit."""
    while end - start > limit:
        cut, goodness = _cut(text, start, end, limit, known)
        yield _Span(start, _trim(text, start, cut)[1], "clause" if goodness >= _PHRASE else "nothing")
        start = _trim(text, cut, end)[0]
    yield _Span(start, end, "sentence")


def _cut(text: str, start: int, end: int, limit: int, known: Abbreviations) -> tuple[int, int]:
    """Where to cut a span that is longer than the limit, and how good that place is."""
    places = [
        (place.start(), _goodness(text, start, place, known))
        for place in _PLACE.finditer(text, start + 1, start + limit + 1)
        if place.start() <= start + limit
    ]
    if free := [place for place in places if place[1] > _GLUED]:
        # Pieces of about equal length rather than full ones and a scrap.
        ideal = start + (end - start) / -(-(end - start) // limit)
        fair = [place for place in free if start + 0.3 * limit <= place[0] <= end - 0.1 * limit]
        best = max((goodness for _, goodness in fair), default=None)
        return min((place for place in fair if place[1] == best), key=lambda place: abs(place[0] - ideal), default=free[-1])
    if places:
        return places[-1]
    cut = start + limit
    while cut > start + 1 and _same_character(text[cut - 1], text[cut]):
        cut -= 1
    return cut, _INSIDE


def _goodness(text: str, start: int, place: re.Match[str], known: Abbreviations) -> int:
    """How good a place is for a cut: a run of blanks, or the empty match after a dash."""
    before = text[max(start, place.start() - 4) : place.start()]
    if not place.group():
        word, _ = _word_before(text, start, place.start())
        return _GLUED if word is None or any(mark in word for mark in _ADDRESS_MARKS) else _PHRASE
    if before[-1].isalpha():
        return _BLANK  # nearly all are between two words
    bare = before.rstrip(_CLOSERS)
    if bare.endswith((";", ":")):
        return _CLAUSE
    if bare.endswith((",", "–", "—")):
        return _GLUED if bare.endswith(".,") and _word(text, start, place.start() - 2) in known.never_last else _PHRASE  # "i.e., that"
    if before[-1].isdigit() and text[place.end() : place.end() + 1].isdigit():
        return _GLUED  # "1 000 000"
    if before[-1] == ".":
        word = _word(text, start, place.start() - 1)
        as_written = text[place.start() - 1 - len(word) : place.start() - 1]
        if word in known.never_last | known.often_last or as_written in known.never_last_as_written or _INITIALS.fullmatch(word):
            return _GLUED
    return _BLANK


def _word(text: str, start: int, position: int) -> str:
    """The word that ends at `position`, in lower case and without opening marks; "" for one that is too long for an abbreviation."""
    return (_word_before(text, start, position)[0] or "").lstrip(_OPENERS).lower()


def _same_character(before: str, here: str) -> bool:
    """Whether a cut between the two would take a mark from its letter or an emoji apart."""
    return unicodedata.category(here)[0] == "M" or "\u200d" in (before, here) or "\U0001f3fb" <= here <= "\U0001f3ff"


def _join(spans: list[_Span], limit: int) -> list[_Span]:
    """Spans of one paragraph, with short ones joined to a neighbour where the limit allows."""
    joined: list[_Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and span.end - last.start <= limit and min(last.end - last.start, span.end - span.start) < SHORT_SENTENCE:
            joined[-1] = _Span(last.start, span.end, span.ends)
        else:
            joined.append(span)
    return joined


def _give_voice(text: str, spans: list[_Span]) -> list[_Span]:
    """The same spans, with every one that holds nothing speakable made part of the one before it, or of the first that has a voice."""
    voiced: list[_Span] = []
    for span in spans:
        if voiced and (not speakable(text[span.start : span.end]) or not speakable(text[voiced[-1].start : voiced[-1].end])):
            voiced[-1] = _Span(voiced[-1].start, span.end, span.ends)
        else:
            voiced.append(span)
    return voiced


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The same stretch without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
