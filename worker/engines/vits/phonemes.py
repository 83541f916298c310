"""Text → rows of phonemes, by espeak-ng as bundled in piper-tts.

A row is what the model speaks in one go: a sentence. espeak-ng takes every full stop for the end of one ("Mr. Smith"), so loa.text's
sentences rule: where espeak-ng sees an end within one, a full stop is only left out, and "?" or "!" (in quoted speech) begins a new row
after a shorter silence.

espeak-ng is one C library with one current voice in the whole process: calls are made under a lock.
"""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache

from loa.errors import StartFailed
from loa.text import CLAUSE_PAUSE, sentences
from worker.engines.vits.config import VoiceConfig
from worker.engines.vits.words import PlacedWord, place_words, words_of

MOST_PHONEMES = 500  # of a row: about 40 s of speech, and attention costs by the square. Longer ones are cut at a blank

LANGUAGE_SWITCH = re.compile(r"\([^)]+\)")  # "(en)": espeak-ng marks words of another language
SOUND = frozenset({"Ll", "Lu", "Lt", "Lo"})  # Unicode categories of phonemes that are heard; stress and length marks are "Lm"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is spoken in one go."""

    phonemes: tuple[str, ...]
    pause: float  # seconds of silence after it, when another row follows


@dataclass(frozen=True, kw_only=True)
class Script:
    """A passage as the model will speak it. Nothing can be said of a passage without rows."""

    rows: tuple[Row, ...]
    words: tuple[PlacedWord, ...]  # their places count the phonemes of all rows


class Espeak:
    """The process's espeak-ng."""

    def __init__(self) -> None:
        from piper import espeakbridge
        from piper.phonemize_espeak import ESPEAK_DATA_DIR

        self._bridge = espeakbridge
        self._lock = threading.Lock()
        self._voice = ""
        espeakbridge.initialize(str(ESPEAK_DATA_DIR))

    def clauses(self, voice: str, texts: list[str]) -> list[list[tuple[str, str, bool]]]:
        """Of each text, its clauses: phonemes, the mark that ends it, whether it ends a sentence. Raises ValueError on an unknown voice."""
        with self._lock:
            if voice != self._voice:
                self._voice = ""
                try:
                    self._bridge.set_voice(voice)
                except RuntimeError as error:
                    raise ValueError(f"espeak-ng has no voice {voice!r}") from error
                self._voice = voice
            return [self._bridge.get_phonemes(text.replace("\0", " ")) for text in texts]


@cache
def espeak() -> Espeak:
    """Raises StartFailed where piper-tts is not installed."""
    try:
        return Espeak()
    except ImportError as error:
        raise StartFailed(f"the vits engine needs espeak-ng out of the package piper-tts: {error}; install loa[vits]") from error


class Phonemizer:
    """The phonemes of one voice. Threads may share it."""

    MOST_REMEMBERED = 20_000  # words with their phonemes, a few MB: a novel's vocabulary

    def __init__(self, config: VoiceConfig, language: str) -> None:
        """Raises ValueError when espeak-ng does not know the voice's language."""
        self._config = config
        self._language = language
        self._alone: dict[str, tuple[str, ...]] = {}  # words → the phonemes of each, said by itself
        self._unknown: set[str] = set()
        self._mark_vowels = None
        if config.phoneme_type == "espeak":
            espeak().clauses(config.espeak_voice, [""])
            if config.espeak_voice == "ar":  # written Arabic leaves out the vowels; Piper's voices were trained with them
                from piper.tashkeel import TashkeelDiacritizer

                self._mark_vowels = TashkeelDiacritizer()

    def script(self, text: str) -> Script:
        """The rows of a passage and where its words are in them."""
        rows: list[Row] = []
        words: list[PlacedWord] = []
        before = 0  # phonemes of the rows so far
        for sentence in sentences(text, self._language):
            spoken = self._rows(sentence.text, sentence.pause)
            stream = [phoneme for row in spoken for phoneme in row.phonemes]
            found = words_of(sentence.text)
            places = place_words([self.alone(word.text) for word in found], stream)
            words += [
                PlacedWord(text=word.text, offset=sentence.start + word.offset, first=before + first, last=before + last)
                for word, place in zip(found, places, strict=True)
                if place is not None
                for first, last in [place]
            ]
            rows += spoken
            before += len(stream)
        return Script(rows=tuple(rows), words=tuple(words))

    def ids(self, row: Row) -> tuple[list[int], list[int]]:
        """A row's ids as Piper numbers them, and after how many of them each phoneme begins (one entry more than phonemes)."""
        known = self._config.phoneme_ids
        ids = [*known["^"], *known["_"]]
        starts = []
        for phoneme in row.phonemes:
            starts.append(len(ids))
            if phoneme in known:
                ids += [*known[phoneme], *known["_"]]
            elif phoneme not in self._unknown:
                self._unknown.add(phoneme)
                log.warning("the voice has no id for the phoneme %r (%s); it is left out", phoneme, unicodedata.name(phoneme[0], "?"))
        starts.append(len(ids))
        return [*ids, *known["$"]], starts

    def alone(self, word: str) -> tuple[str, ...]:
        """The phonemes of a word that is said by itself."""
        if (phonemes := self._alone.get(word)) is None:
            phonemes = tuple(phoneme for row in self._rows(word, 0.0) for phoneme in row.phonemes)
            if len(self._alone) >= self.MOST_REMEMBERED:
                self._alone.clear()
            self._alone[word] = phonemes
        return phonemes

    def _rows(self, text: str, pause: float) -> list[Row]:
        """One sentence's rows: those in which something is heard."""
        if self._config.phoneme_type == "text":
            parts = [list(unicodedata.normalize("NFD", text))]
        else:
            if self._mark_vowels is not None:
                text = self._mark_vowels(text)
            parts = _joined(espeak().clauses(self._config.espeak_voice, [text])[0])
        rows = [
            Row(phonemes=tuple(piece), pause=0.0 if more else CLAUSE_PAUSE)
            for part in parts
            for piece, more in _cut(_clustered(part, self._config.clusters), MOST_PHONEMES)
            if any(self._is_heard(phoneme) for phoneme in piece)
        ]
        return [*rows[:-1], *(Row(phonemes=row.phonemes, pause=pause) for row in rows[-1:])]

    def _is_heard(self, phoneme: str) -> bool:
        return phoneme in self._config.phoneme_ids and any(unicodedata.category(character) in SOUND for character in phoneme)


def _joined(clauses: list[tuple[str, str, bool]]) -> list[list[str]]:
    """espeak-ng's clauses of one sentence → the phonemes of its rows, with their punctuation, which the voices know how to read."""
    parts: list[list[str]] = [[]]
    for number, (said, mark, ends) in enumerate(clauses):
        last = number == len(clauses) - 1
        if mark == "." and not last:
            mark = " "  # an abbreviation's
        elif mark in (",", ":", ";"):
            mark += " "
        # One phoneme a code point: marks on letters are phonemes of their own.
        parts[-1] += unicodedata.normalize("NFD", LANGUAGE_SWITCH.sub("", said) + mark)
        if ends and not last and mark != " ":
            parts.append([])
    return parts


def _clustered(phonemes: list[str], clusters: tuple[tuple[str, ...], ...]) -> list[str]:
    """The same phonemes with every cluster made one, the longest first."""
    merged: list[str] = []
    at = 0
    while at < len(phonemes):
        fits = [cluster for cluster in clusters if tuple(phonemes[at : at + len(cluster)]) == cluster]
        taken = max(map(len, fits), default=1)
        merged.append("".join(phonemes[at : at + taken]))
        at += taken
    return merged


def _cut(phonemes: list[str], most: int) -> list[tuple[list[str], bool]]:
    """Stretches of at most `most` phonemes, cut at the last blank where there is one, and whether more of them follow."""
    pieces: list[tuple[list[str], bool]] = []
    while len(phonemes) > most:
        blanks = [at for at in range(most // 2, most) if phonemes[at] == " "]
        cut = blanks[-1] + 1 if blanks else most
        pieces.append((phonemes[:cut], True))
        phonemes = phonemes[cut:]
    return [*pieces, (phonemes, False)]
