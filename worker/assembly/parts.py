"""How a book is cut into parts, each measured and encoded by itself, so that what was done once is not done again.

A part ends with its chapter, and in a long chapter every few minutes, where there is a pause. Which pause is decided by the segments around
it and not by how far it is from the beginning: after a change the cuts fall where they fell before, a little further on (content-defined
chunking, as backup programs do it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from loa.errors import AssemblyFailed
from loa.plan import Plan, Segment, canonical_json

LEAST = 120.0  # seconds of audio before a cut
MOST = 480.0  # seconds: two seconds of encoding, and a few megabytes
ODDS = 12  # one pause in so many is a place to cut, once a part has its least length
ROOM = 0.2  # seconds: in a pause of this length every codec can end one part and begin the next
STITCHING = 1  # version of what stitched() does with segments


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of a book that is encoded by itself."""

    chapter: int | None  # place in the plan's chapters; None where the plan has none
    segments: tuple[Segment, ...]  # at least one

    def address(self, sample_rate: int) -> str:
        """64 hex digits that depend on everything that can be heard in the part, at that rate in Hz."""
        heard = [[segment.address, round(segment.pause * 1000)] for segment in self.segments]
        heard[-1][1] = 0  # the pause after it is between two parts, and belongs to neither
        return _digest({"stitching": STITCHING, "sample_rate": sample_rate, "segments": heard})

    @property
    def pause(self) -> float:
        """Seconds of silence after it."""
        return self.segments[-1].pause


def encoded_address(part_address: str, samples: int, coding: str, gain: float) -> str:
    """The address of a part, `samples` long, as packets. `coding` says by what codec and how."""
    return _digest({"part": part_address, "samples": samples, "coding": coding, "gain": gain})


def parts_of(plan: Plan, missing: Collection[int] = ()) -> list[Part]:
    """All of a plan, in order, without the segments of these indices. Raises AssemblyFailed where nothing is left."""
    chapters: list[tuple[int | None, Sequence[Segment]]] = [
        (place, plan.segments[chapter.first : chapter.first + chapter.count]) for place, chapter in enumerate(plan.chapters)
    ]
    parts = [
        Part(chapter=place, segments=cut)
        for place, segments in chapters or [(None, plan.segments)]
        for cut in _cut([segment for segment in segments if segment.index not in missing])
    ]
    if not parts:
        raise AssemblyFailed("nothing of the plan was spoken")
    return parts


def _cut(segments: Sequence[Segment]) -> Iterator[tuple[Segment, ...]]:
    first, seconds = 0, 0.0
    for place, segment in enumerate(segments):
        seconds += segment.audio_seconds + segment.pause
        last = place == len(segments) - 1
        if last or seconds >= 2 * MOST or (segment.pause >= ROOM and (seconds >= MOST or (seconds >= LEAST and _chosen(segment)))):
            yield tuple(segments[first : place + 1])
            first, seconds = place + 1, 0.0


def _chosen(segment: Segment) -> bool:
    return int(segment.address[:8], 16) % ODDS == 0


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
