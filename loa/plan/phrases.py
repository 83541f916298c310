"""From the blocks of a document to phrases: what is said in one breath, in which language, and the silence after it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from loa.errors import EmptyText
from loa.plan.cast import primary
from loa.plan.cutting import cut
from loa.plan.diction import Diction
from loa.plan.pauses import LINE, Pauses
from loa.reading import Block
from loa.saying import Said
from loa.text import CLAUSE_PAUSE, PIECE_LIMIT, Break, normalise, speakable, split

SWITCHED = ("vi", "en")  # languages that are told from each other by their words
_EDGES = " \n/|–—·•"  # marks between two languages, "Problem / Vấn đề", which nobody says
_SENTENCE_END = re.compile(r"[.!?…:;。！？][\"'”’»)\]]*$")


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What is spoken in one go."""

    said: Said
    language: str  # first part of its tag, "vi"
    pause: float  # seconds of silence after it


class Phrasing:
    """Makes phrases for one job, and remembers what it could not say."""

    def __init__(self, *, languages: Collection[str], main: str, diction: Diction, pauses: Pauses, limit: int = PIECE_LIMIT) -> None:
        """`languages`: in which this job can speak, `main` among them: in it is said whatever is in none of them."""
        self._languages, self._main, self._diction, self._pauses, self._limit = frozenset(languages), main, diction, pauses, limit
        self._unsaid: Counter[str] = Counter()

    @property
    def omissions(self) -> tuple[str, ...]:
        """What was left out, in words, each once."""
        return tuple(f"not said: {what!r}" + (f", {count} times" if count > 1 else "") for what, count in self._unsaid.items())

    def blocks(self, blocks: Sequence[Block], language: str) -> list[Phrase]:
        """Everything that is said of blocks that follow each other; `language`: theirs, unless they say otherwise."""
        phrases: list[Phrase] = []
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            made = self._block(block, language)
            if made:
                phrases += [*made[:-1], replace(made[-1], pause=self._after(block, following))]
            elif phrases:  # "* * *" between two scenes
                phrases[-1] = replace(phrases[-1], pause=max(phrases[-1].pause, self._pauses.heading))
        return phrases

    def passage(self, text: str, language: str) -> list[Phrase] | None:
        """What is said of a short text, normalised, that is not cut into sentences; None where it has to be: it changes its language."""
        (stretch, tongue), *others = self._tongues(text, language)
        return None if others else list(self._said(stretch, tongue, "nothing"))

    @property
    def unsayable(self) -> tuple[str, ...]:
        """What nobody knows how to say, as it is written, each once."""
        return tuple(self._unsaid)

    def _block(self, block: Block, language: str) -> list[Phrase]:
        language = primary(block.language or language)
        if block.kind != "verse":
            return self._stretches(_normal(block.text), language)
        lines = [self._stretches(_normal(line), language) for line in block.text.split("\n") if line.strip()]
        return [phrase for line in lines if line for phrase in (*line[:-1], replace(line[-1], pause=LINE))]

    def _after(self, block: Block, following: Block | None) -> float:
        if "heading" in (block.kind, following.kind if following else ""):
            return self._pauses.heading
        if following is not None and block.kind == following.kind and block.kind in ("item", "row"):
            return self._pauses.sentence
        return self._pauses.paragraph

    def _stretches(self, text: str, language: str) -> list[Phrase]:
        return [phrase for stretch, tongue in self._tongues(text, language) for phrase in self._pieces(stretch, tongue)]

    def _tongues(self, text: str, language: str) -> Iterator[tuple[str, str]]:
        """The stretches of a text, each with the language in which it is said; neighbours have different ones."""
        default = self._tongue(language)
        if len(self._languages) == 1 or default not in SWITCHED:
            yield text, default
            return
        begin, current = 0, ""
        for stretch in self._diction.stretches(text, default):
            tongue = self._tongue(stretch.language)
            if current and tongue != current:
                yield text[begin : stretch.start].strip(_EDGES), current
                begin = stretch.start
            current = tongue
        yield text[begin:].strip(_EDGES) if begin else text, current or default

    def _tongue(self, language: str) -> str:
        return language if language in self._languages else self._main

    def _pieces(self, text: str, language: str) -> Iterator[Phrase]:
        pieces = split(text, language, self._limit)
        last: Break = "sentence" if _SENTENCE_END.search(text) else "clause"  # what follows is in another language
        for place, piece in enumerate(pieces, 1):
            yield from self._said(piece.text, language, last if place == len(pieces) else piece.ends)

    def _said(self, piece: str, language: str, ends: Break) -> Iterator[Phrase]:
        said = self._diction.say(piece, language)
        self._unsaid.update(said.unsayable)
        if not speakable(said.spoken):
            if not said.unsayable and piece:
                self._unsaid[piece] += 1
            return
        for part, breaks in (parts := list(cut(said, language, self._limit))):
            pause = self._silence(ends if part is parts[-1][0] else breaks)
            yield Phrase(said=part, language=language, pause=pause)

    def _silence(self, ends: Break) -> float:
        return {"paragraph": self._pauses.paragraph, "sentence": self._pauses.sentence, "clause": CLAUSE_PAUSE, "nothing": 0.0}[ends]


def _normal(text: str) -> str:
    """The text on one line, in its one form; also one without letters, of which a sign may still be said."""
    text = " ".join(text.split())
    try:
        return normalise(text)
    except EmptyText:
        return unicodedata.normalize("NFC", text)
