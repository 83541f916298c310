"""From text to segments: what is spoken in one go, how long it will be, and under which address its audio is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loa.engines import ENGINES
from loa.errors import UnknownEngine
from loa.text import PIECE_LIMIT, normalise, split
from loa.voices import Voice

SHORT_TEXT = 300  # characters: normalised text up to this length is one segment, spoken without a planning step

# How long speech is, by the first part of the voice's language. English: joe spoke sentences of 25 to 300 characters at 18 to 20 a second,
# short ones at 15. Vietnamese words are short and each is a syllable.
CHARACTERS_A_SECOND = {"en": 17.0, "vi": 13.0}
OTHER_CHARACTERS_A_SECOND = 15.0
DIGIT_CHARACTERS = 5  # a digit is spoken as a word: "1999" takes as long as twenty letters
BREATH = 0.15  # seconds that even the shortest text takes


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One passage of a job, as it is spoken."""

    index: int  # place in the job, from 0
    text: str  # normalised
    address: str  # 64 hex digits: the content address of its audio
    audio_seconds: float  # estimated length of the speech, without the pause
    pause: float = 0.0  # seconds of silence after it

    def to_json(self) -> dict[str, Any]:
        return {"index": self.index, "text": self.text, "address": self.address, "audio_seconds": self.audio_seconds, "pause": self.pause}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Segment:
        return cls(**document)


def plan_text(text: str, *, voice: Voice, fingerprint: str, speed: float = 1.0, limit: int = PIECE_LIMIT) -> tuple[Segment, ...]:
    """The segments of a text, in order. Text that is at most SHORT_TEXT characters long when normalised is exactly one.

    Raises EmptyText, or UnknownEngine when this version of Loa does not know the voice's engine.
    """
    engine = ENGINES.get(voice.engine)
    if engine is None:
        raise UnknownEngine(
            f"voice {voice.name!r} needs the engine {voice.engine!r}, which this version of Loa does not have", voice=voice.name
        )
    text = normalise(text)
    passages = [(text, 0.0)] if len(text) <= SHORT_TEXT else [(piece.text, piece.pause) for piece in split(text, voice.language, limit)]
    return tuple(
        Segment(
            index=index,
            text=passage,
            address=address(engine.name, engine.sound_version, fingerprint, speed, passage, voice.language),
            audio_seconds=estimate(passage, voice.language, speed),
            pause=pause,
        )
        for index, (passage, pause) in enumerate(passages)
    )


def address(engine: str, sound_version: int, fingerprint: str, speed: float, text: str, language: str) -> str:
    """The content address of a segment's audio: 64 hex digits that depend on everything that can be heard, and on nothing else."""
    heard = {
        "engine": engine,
        "sound_version": sound_version,
        "voice": fingerprint,
        "speed": float(speed),
        "text": text,
        "language": language,
    }
    return hashlib.sha256(canonical_json(heard)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON in ASCII with sorted keys and no blanks: equal values have equal bytes. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def estimate(text: str, language: str, speed: float = 1.0) -> float:
    """Seconds of audio that `text` will be, roughly: within a quarter for prose."""
    rate = CHARACTERS_A_SECOND.get(language.split("-", maxsplit=1)[0].lower(), OTHER_CHARACTERS_A_SECOND)
    digits = sum(map(str.isdigit, text))
    return round((BREATH + (len(text) + (DIGIT_CHARACTERS - 1) * digits) / rate) / speed, 3)
