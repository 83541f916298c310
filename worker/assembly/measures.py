"""What is known of a part before it is encoded: how long each of its segments is, when its words are said, and how loud it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loa.audio import Word
from loa.plan import Segment
from worker.assembly.loudness import Level, Meter
from worker.assembly.segments import Shelf, silence


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A segment in a part."""

    start: int  # samples from the start of the part
    samples: int
    words: tuple[Word, ...]  # seconds from the start of the segment; offsets in what the engine got


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is known of a part."""

    sample_rate: int  # Hz
    samples: int
    level: Level
    segments: tuple[Spoken, ...]

    def pack(self) -> bytes:
        """As JSON, in UTF-8."""
        segments = [[one.start, one.samples, [[w.text, w.start, w.end, w.offset] for w in one.words]] for one in self.segments]
        level = {"peak": self.level.peak, "blocks": sorted(self.level.blocks.items())}
        head = {"sample_rate": self.sample_rate, "samples": self.samples, "level": level}
        return json.dumps({**head, "segments": segments}, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Measure:
        """Raises ValueError, TypeError or KeyError for bytes that are damaged."""
        found = json.loads(data)
        return cls(
            sample_rate=found["sample_rate"],
            samples=found["samples"],
            level=Level(blocks=dict(found["level"]["blocks"]), peak=found["level"]["peak"]),
            segments=tuple(
                Spoken(
                    start=start,
                    samples=samples,
                    words=tuple(Word(text=text, start=begin, end=end, offset=offset) for text, begin, end, offset in words),
                )
                for start, samples, words in found["segments"]
            ),
        )


def measure(segments: Sequence[Segment], shelf: Shelf, sample_rate: int, *, loudness: bool) -> Measure:
    """Take a part's segments once through. Without `loudness` that takes no time worth speaking of. Raises SegmentMissing."""
    meter = Meter(sample_rate) if loudness else None
    spoken: list[Spoken] = []
    position = 0
    for segment in segments:
        audio = shelf.take_at(segment, sample_rate)
        spoken.append(Spoken(start=position, samples=len(audio.pcm), words=audio.words))
        pause = silence(segment, sample_rate)
        if meter is not None:
            meter.add(audio.pcm)
            if segment is not segments[-1]:
                meter.add(np.zeros(pause, dtype=np.float32))
        position += len(audio.pcm) + pause
    samples = spoken[-1].start + spoken[-1].samples
    return Measure(sample_rate=sample_rate, samples=samples, level=meter.level() if meter else Level(), segments=tuple(spoken))
