"""A passage as VietTTS speaks it: rows of about thirty tokens, and where its words fall in the audio.

The model was trained on sentences, and each of the reference's rows is one or a few of them; a passage of several sentences is therefore
several rows. Rows are cut where any text is cut (loa/text/splitting.py): never inside a word, a number or an abbreviation.

The model tells nothing of when a word is said. The times given are a best effort: the words of a row share its length in proportion to
their letters, which in Vietnamese, where each word is a syllable, is off by a few tenths of a second at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from loa.audio import Word
from loa.text import split
from worker.engines.viettts.tokenizer import Tokenizer

ROW_CHARACTERS = 100  # about 30 of the tokenizer's tokens in Vietnamese, 25 in English
STOPS = ".?!;:…"  # what a sentence that the model has learnt from ends with
BETWEEN = 1.0  # letters that the gap between two words is worth

_WORD = re.compile(r"\S*\w\S*")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is spoken in one go."""

    text: str  # as it stands in the passage
    offset: int  # characters from the start of the passage
    ids: tuple[int, ...]
    pause: float  # seconds of silence after it


def rows(text: str, language: str, tokenizer: Tokenizer) -> tuple[Row, ...]:
    """The rows of a passage, in order. Raises EmptyText."""
    pieces = split(text, language, ROW_CHARACTERS)
    return tuple(
        Row(text=piece.text, offset=piece.start, ids=tuple(tokenizer.encode(_ended(piece.text))), pause=piece.pause) for piece in pieces
    )


def words(row: Row, start: float, seconds: float) -> Iterator[Word]:
    """The words of a row that begins at `start` and lasts `seconds`, in shares of its length."""
    found = list(_WORD.finditer(row.text))
    total = sum(_weight(word.group()) for word in found)
    at = start
    for word in found:
        end = at + seconds * _weight(word.group()) / total
        yield Word(text=word.group(), start=at, end=end, offset=row.offset + word.start())
        at = end


def _weight(word: str) -> float:
    return BETWEEN + sum(map(str.isalnum, word))


def _ended(text: str) -> str:
    """A row that ends without a stop never quite ends in the model's ear."""
    return text if text.rstrip("\"'”’»)]}").endswith(tuple(STOPS)) else f"{text}."
