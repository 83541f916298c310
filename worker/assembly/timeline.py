"""Where everything is in the audio of a job: parts, segments, chapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.assembly.codecs import Encoder
from worker.assembly.measures import Measure
from worker.assembly.parts import Part


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The packets of a codec, in samples; the default is that of files that are written sample by sample."""

    frame: int = 1
    delay: int = 0  # see worker/assembly/codecs.py
    lead: int = 0  # of a part that follows another

    @classmethod
    def of(cls, encoder: Encoder | None) -> Grid:
        """None: the default."""
        return cls(frame=encoder.frame, delay=encoder.delay, lead=encoder.lead(first=False)) if encoder else cls()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A part in a file."""

    silence: int  # packets of silence before it; on the default grid, samples
    start: int  # samples from the start of the file's audio to the start of the part's


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One file: all of a book, or in a zip one chapter of it."""

    first: int  # its first part's place among all of the job
    places: tuple[Place, ...]  # of its parts
    samples: int  # from the start of its first part to the end of its last
    packets: int  # on the default grid, samples
    start: int  # samples from the start of the job's audio, which is all volumes one after the other

    @property
    def numbered(self) -> list[tuple[int, Place]]:
        """Its parts: the place of each among all of the job, and where it is in the file."""
        return list(enumerate(self.places, self.first))


def lay_out(parts: Sequence[Part], measures: Sequence[Measure], sample_rate: int, grid: Grid, *, first: int = 0, start: int = 0) -> Volume:
    """Put parts one after the other, with the pauses between them. `first` and `start`: see Volume.

    A part can only begin where a packet does, so a pause may be longer or shorter by half a packet (10 to 30 ms). That never adds up: each
    part goes to the packet that is nearest to where the pauses before it, as they are planned, would have it.
    """
    places: list[Place] = []
    ideal = 0  # samples: where the part would begin
    packets = 0  # so far
    for part, measure in zip(parts, measures, strict=True):
        lead = grid.lead if places else 0
        position = max(packets, round((ideal - lead) / grid.frame))
        places.append(Place(silence=position - packets, start=position * grid.frame + lead))
        packets = position - (-(lead + grid.delay + measure.samples) // grid.frame)
        ideal += measure.samples + round(part.pause * sample_rate)
    samples = places[-1].start + measures[-1].samples
    return Volume(first=first, places=tuple(places), samples=samples, packets=packets, start=start)


def slack(parts: Sequence[Part], sample_rate: int, grid: Grid) -> int:
    """By how many samples a file of these parts may differ from what they and their pauses are long: a packet at its end, and what a pause
    is too short to hold of the packets that a codec needs to go from one part to the next."""
    if grid == Grid():
        return 0
    needed = grid.lead + grid.delay + grid.frame
    return needed + sum(max(0, needed - round(part.pause * sample_rate)) for part in parts[:-1])
