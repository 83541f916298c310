"""Which stretches of a text are Vietnamese and which English, so that each is spoken by a voice of its language.

A stretch is never less than a clause: a sentence, a side of "Problem / Vấn đề", what stands in brackets, in quotes or between dashes.
Single foreign words and names inside a sentence stay with it; how to say them is for the rules of its language.

Words are evidence. For Vietnamese: syllables with marks. For English: common small words, and words that no Vietnamese syllable is
written like. Names in capitals count little, except where they stand alone. A clause without evidence goes with its sentence, a sentence
without any with the one before it in its paragraph, or the one after, or the default. Vietnamese without its marks is rare, and nearly
any syllable of it could be an English word: there the default decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from loa.saying.syllables import is_syllable, marked
from loa.saying.tables import words
from loa.text import Piece, sentences

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ENGLISH = frozenset(  # small words that no Vietnamese syllable is written like, or none that is common
    words(
        "the and of is are was were be been am it its he she his her they them their we our us you your my mine i this that these those "
        "which who whom whose what when where why how with without from for by at as a but or nor if then because while although though "
        "however not does did don't doesn't didn't isn't wasn't can't won't have has had will would shall should could may might must "
        "into onto upon about after before between through during under over again there here all any both each few more most other some "
        "such only own same very just also too out off up down him one two three every never always often said says i'm you're it's "
        "that's let's hello yes please thanks sorry good"
    )
)
_EITHER = frozenset(words("an can do go in me no on so than to"))  # small words of both: syllables by their looks

_SMALL_WORD, _SYLLABLE = 1.0, 1.0
_FOREIGN_WORD = 0.5  # "framework": in Vietnamese, too, people write many English words, but few small ones
_NAME = 0.2  # "Nguyễn Thị Ngọc Ánh" stays in an English sentence
_SMALL_IN_TITLES = frozenset(words("a an and at by for from in of on or the to with cho của ở trong và về với"))
_EVIDENCE = 1.0  # that a language takes: a small word, a syllable with marks, or two words that can only be English
_LEAST = 0.5  # the same for a side of "Problem / Vấn đề"

# Where a sentence has two sides, or an inside and an outside. A quotation may begin in one sentence and end in another.
_SLASH = re.compile(r"\s+[/|]\s+|(?<=[^\W\d_]{2})/(?=[^\W\d_]{2})")
_INSIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|“[^“”]*(?:”|$)|«[^«»]*(?:»|$)|‘[^‘’]{2,}’(?!\w)|(?<!\w)\"[^\"]*(?:\"|$)|^[^“”]+”|^[^«»]+»")
_DASH = re.compile(r"\s+[-–—]+\s+|\s*—\s*|(?<=[:;])\s+")
# What each of them takes: most sentences have none of it, and it is quicker to look for.
_STROKES, _BRACKETS, _DASHES = re.compile(r"[/|]"), re.compile(r"[()\[\]“”«»‘\"]"), re.compile(r"[-–—:;](?!\w)|—")


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """`text[start:end]`, in one language: "vi" or "en"."""

    text: str
    start: int
    end: int
    language: str


def stretches(text: str, default: str) -> list[Stretch]:
    """The stretches of a text, in order; joined they are the text, white space between them included.

    `default` is a language tag such as "vi-VN" or "en"; any other language than these two is left alone: one stretch, in that language.
    """
    base = default.split("-", maxsplit=1)[0].lower()
    if base not in ("vi", "en") or not text:
        return [Stretch(text=text, start=0, end=len(text), language=base)] if text else []
    found: list[tuple[int, str]] = []  # where each clause begins, and its language
    for paragraph in _paragraphs(text, base):
        found += _languages(paragraph, base)
    starts = [(start, language) for at, (start, language) in enumerate(found) if at == 0 or language != found[at - 1][1]]
    edges = [0, *(start for start, _ in starts[1:]), len(text)]
    return [
        Stretch(text=text[start:end], start=start, end=end, language=language)
        for (start, end), (_, language) in zip(pairwise(edges), starts or [(0, base)], strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    words: int
    vietnamese: float  # evidence
    english: float
    side: bool  # of a slash

    @property
    def language(self) -> str | None:
        """What its own words say; one word by itself says nothing, except as a side."""
        if self.words < 2 and not self.side:
            return None
        return _winner(self.vietnamese, self.english, _LEAST if self.side else _EVIDENCE)


_Sentence = list[_Clause]


def _paragraphs(text: str, base: str) -> Iterator[list[_Sentence]]:
    """The sentences of each paragraph, as their clauses."""
    end = 0
    paragraph: list[Piece] = []
    for sentence in sentences(text, base):
        if paragraph and "\n\n" in text[end : sentence.start]:
            yield _cut(paragraph)
            paragraph = []
        paragraph.append(sentence)
        end = sentence.end
    yield _cut(paragraph)


def _cut(paragraph: list[Piece]) -> list[_Sentence]:
    return [list(_clauses(sentence, by_itself=len(paragraph) == 1)) for sentence in paragraph]


def _clauses(sentence: Piece, *, by_itself: bool) -> Iterator[_Clause]:
    """A sentence cut where its language may change."""
    text = sentence.text
    sides = {match.end() for match in _SLASH.finditer(text)} if _STROKES.search(text) else set()
    insides = {place for match in _INSIDE.finditer(text) for place in match.span()} if _BRACKETS.search(text) else set()
    dashes = {match.end() for match in _DASH.finditer(text)} if _DASHES.search(text) else set()
    cuts = sorted({0, len(text)} | sides | insides | dashes)
    title = by_itself and _is_title(text)
    for start, end in pairwise(cuts):
        side = start in sides or end in sides
        yield _clause(text[start:end], sentence.start + start, side=side, opens=start == 0, names=side or title)


def _is_title(sentence: str) -> bool:
    """Whether all words but the smallest have capitals, which then mark no names."""
    return all(word[0].isupper() or word in _SMALL_IN_TITLES for word in _WORD.findall(sentence))


def _clause(part: str, start: int, *, side: bool, opens: bool, names: bool) -> _Clause:
    """A clause with the evidence of its words. It may open a sentence, whose first word has its capital from that; `names` count there."""
    vietnamese = english = 0.0
    words = _WORD.findall(part)
    for at, word in enumerate(words):
        for_vietnamese, for_english = _evidence(word, word[0].isupper() and not names and not (opens and at == 0))
        vietnamese += for_vietnamese
        english += for_english
    return _Clause(start, len(words), vietnamese, english, side)


@lru_cache(maxsize=50_000)
def _evidence(word: str, name: bool) -> tuple[float, float]:
    """What a word says for Vietnamese, and what for English."""
    lower = word.lower().replace("’", "'")
    if marked(lower) and is_syllable(lower):
        return (_NAME if name else _SYLLABLE), 0.0
    if lower in _ENGLISH:
        return 0.0, _SMALL_WORD
    if lower in _EITHER or not (name or marked(lower) or is_syllable(lower) or (word.isupper() and len(word) > 1)):
        return 0.0, _FOREIGN_WORD
    return 0.0, 0.0


def _winner(vietnamese: float, english: float, least: float) -> str | None:
    if max(vietnamese, english) < least or vietnamese == english:
        return None
    return "vi" if vietnamese > english else "en"


def _languages(paragraph: list[_Sentence], base: str) -> Iterator[tuple[int, str]]:
    """Where each clause of a paragraph begins, and the language that it is spoken in."""
    own = [
        _winner(sum(clause.vietnamese for clause in sentence), sum(clause.english for clause in sentence), _EVIDENCE)
        for sentence in paragraph
    ]
    known = next(filter(None, own), base)  # for sentences before the first that says anything
    for sentence, language in zip(paragraph, own, strict=True):
        known = language or known
        for clause in sentence:
            yield clause.start, clause.language or known
