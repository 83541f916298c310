"""Subtitles: what is said, sentence by sentence, when it is said; as SubRip (SRT) and WebVTT.

A cue is a sentence, or a piece of one that two lines hold and that takes no longer than LONGEST. It begins with its first word and ends
with its last, as the word timings have them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from loa.text import sentences

Kind = Literal["srt", "vtt"]

LINE = 42  # characters
LONGEST = 7.0  # seconds that a cue stays
SHORTEST = 0.001  # seconds: a cue of no length is not valid

_TOKEN = re.compile(r"\S+")
_CLAUSE_END = re.compile(r"[,;:.!?…–—][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Timed:
    """A word as it is spoken: when, in seconds, and at which character of the written text."""

    start: float
    end: float
    offset: int


@dataclass(frozen=True, slots=True)
class Cue:
    start: float  # seconds
    end: float
    text: str  # one or two lines


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never parted: a word with its marks, and what follows it and has no time of its own."""

    start: float
    end: float
    text: str


def cues(text: str, language: str, words: Sequence[Timed], start: float, end: float) -> Iterator[Cue]:
    """The cues of a passage that is said from `start` to `end`. Where no words are timed, they are taken to be said evenly."""
    tokens = list(_TOKEN.finditer(text))
    if not tokens:
        return
    times = _times(tokens, words)
    before = start
    for sentence in sentences(text, language):
        inside = [place for place, token in enumerate(tokens) if sentence.start <= token.start() < sentence.end]
        if not any(place in times for place in inside):
            following = min((place for place in times if place > inside[-1]), default=len(tokens))
            after = times[following][0] if following in times else end
            times |= _even(tokens, range(inside[0], following), before, max(before, after))
        yield from _sentence([(tokens[place].group(), times.get(place)) for place in inside])
        before = max(ended for place in inside if place in times for _, ended in [times[place]])


class Captions:
    """A file of subtitles, made piece by piece."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._number, self._before = kind, 0, 0.0

    @property
    def head(self) -> str:
        """What the file begins with."""
        return "WEBVTT\n\n" if self._kind == "vtt" else ""

    def add(self, found: Iterable[Cue]) -> str:
        """The next cues as they stand in the file: in milliseconds, none before the last one's end and none without a length."""
        return "".join(map(self._written, found))

    def _written(self, cue: Cue) -> str:
        start = max(round(cue.start, 3), self._before)
        self._before = max(round(cue.end, 3), start + SHORTEST)
        self._number += 1
        if self._kind == "vtt":
            return f"{_clock(start, '.')} --> {_clock(self._before, '.')}\n{html.escape(cue.text, quote=False)}\n\n"
        text = cue.text.replace("-->", "→")
        return f"{self._number}\n{_clock(start, ',')} --> {_clock(self._before, ',')}\n{text}\n\n"


def from_timings(timings: Mapping[str, Any], kind: Kind, language: str = "") -> str:
    """A whole file of subtitles, from what timings.json holds."""
    captions = Captions(kind)
    return captions.head + "".join(
        captions.add(
            cues(
                entry["text"],
                language,
                [Timed(word["start"], word["end"], word["offset"]) for word in entry["words"]],
                entry["start"],
                entry["end"],
            )
        )
        for entry in timings["segments"]
    )


# --- when


def _times(tokens: Sequence[re.Match[str]], words: Sequence[Timed]) -> dict[int, tuple[float, float]]:
    """Token's place → when it is said. One that only goes on with what another began to say ("5 May", said as one) has no time."""
    found: dict[int, tuple[float, float]] = {}
    place = 0
    for word in sorted(words, key=lambda word: word.offset):
        while place < len(tokens) - 1 and tokens[place + 1].start() <= word.offset:
            place += 1
        begun, ended = found.get(place, (word.start, word.end))
        found[place] = (min(begun, word.start), max(ended, word.end))
    return found


def _even(tokens: Sequence[re.Match[str]], places: Sequence[int], start: float, end: float) -> dict[int, tuple[float, float]]:
    """Each of these tokens in its share of the time."""
    origin = tokens[places[0]].start()
    a_character = (end - start) / (tokens[places[-1]].end() - origin)
    return {place: tuple(start + (at - origin) * a_character for at in tokens[place].span()) for place in places}  # type: ignore[misc]


# --- what


def _sentence(tokens: Sequence[tuple[str, tuple[float, float] | None]]) -> Iterator[Cue]:
    left = _units(tokens)
    while left:
        count = _fitting(left)
        taken, left = left[:count], left[count:]
        text = " ".join(unit.text for unit in taken)
        yield Cue(taken[0].start, max(taken[-1].end, taken[0].start), "\n".join(_lines(text)))


def _units(tokens: Sequence[tuple[str, tuple[float, float] | None]]) -> list[_Unit]:
    units: list[_Unit] = []
    waiting = ""  # what comes before the first word that has a time
    for text, time in tokens:
        if time is not None:
            units.append(_Unit(*time, f"{waiting} {text}".strip()))
            waiting = ""
        elif units:
            units[-1] = _Unit(units[-1].start, units[-1].end, f"{units[-1].text} {text}")
        else:
            waiting = f"{waiting} {text}".strip()
    return [piece for unit in units for piece in _short(unit)]


def _short(unit: _Unit) -> Iterator[_Unit]:
    """A unit that two lines cannot hold (an address, a long number said in one) in pieces, each in its share of the time."""
    pieces = [unit.text] if _lines(unit.text) else _broken(unit.text)
    total, position = sum(map(len, pieces)), 0
    for piece in pieces:
        start, end = ((unit.end - unit.start) * at / total + unit.start for at in (position, position + len(piece)))
        position += len(piece)
        yield _Unit(start, end, piece)


def _broken(text: str) -> list[str]:
    pieces = [""]
    for token in text.split():
        for part in (token[at : at + LINE] for at in range(0, len(token), LINE)):
            if len(pieces[-1]) + 1 + len(part) <= LINE:
                pieces[-1] = f"{pieces[-1]} {part}".strip()
            else:
                pieces.append(part)
    return [piece for piece in pieces if piece]


def _fitting(units: Sequence[_Unit]) -> int:
    """How many units the next cue takes: all, or up to the end of a clause, or as many as there is room for."""
    text = units[0].text
    count = 1
    for unit in units[1:]:
        text = f"{text} {unit.text}"
        if len(text) > 2 * LINE + 1 or not _lines(text) or unit.end - units[0].start > LONGEST:
            break
        count += 1
    if count == len(units):
        return count
    clauses = [place for place in range(count, count // 3, -1) if _CLAUSE_END.search(units[place - 1].text)]
    return clauses[0] if clauses else count


def _lines(text: str) -> list[str]:
    """One line, or two of about the same length; nothing where two cannot hold it."""
    if len(text) <= LINE:
        return [text]
    blanks = [place for place, letter in enumerate(text) if letter == " " and place <= LINE and len(text) - place - 1 <= LINE]
    if not blanks:
        return []
    middle = min(blanks, key=lambda place: abs(2 * place - len(text)))
    return [text[:middle], text[middle + 1 :]]


def _clock(seconds: float, mark: str) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
