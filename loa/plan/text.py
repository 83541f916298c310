"""From text to segments: what is spoken in one go, how long it will be, and under which address its audio is stored."""

from __future__ import annotations

from loa.engines import ENGINES
from loa.errors import UnknownEngine
from loa.plan.address import address
from loa.plan.length import estimate
from loa.plan.segment import Segment
from loa.text import PIECE_LIMIT, normalise, split
from loa.voices import Voice

SHORT_TEXT = 300  # characters: normalised text up to this length is one segment, spoken without a planning step


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
