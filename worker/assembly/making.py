"""The making of one job's audio: measure its parts, choose the gain, lay them out, encode them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from loa.artifacts import Artifacts
from loa.engines import ENGINES
from loa.formats import Format
from loa.jobs import Job
from loa.plan import Plan, Segment
from worker.assembly.codecs import CODECS, Packets
from worker.assembly.labels import Mark
from worker.assembly.loudness import gains, total
from worker.assembly.measures import Measure
from worker.assembly.parts import Part, parts_of
from worker.assembly.segments import Shelf, silence
from worker.assembly.stock import Stock, Unfinished
from worker.assembly.timeline import Grid, Volume, lay_out, slack
from worker.assembly.transcript import Line
from worker.completeness import Placed

PROBED = 16  # parts that are looked for when a gain is chosen

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What one task may take to encode a book."""

    pool: Executor
    threads: int
    until: float  # monotonic: nothing is begun afterwards, once anything was made


class Making:
    """Of a job whose segments are all spoken. `prepare` comes first."""

    def __init__(
        self,
        artifacts: Artifacts,
        job: Job,
        plan: Plan,
        shelf: Shelf,
        form: Format,
        *,
        loudness: float = 0.0,
        missing: Collection[int] = (),
    ) -> None:
        """`loudness`: the target in LUFS; 0: as the voice speaks. `missing`: segments to go on without. Raises SegmentMissing."""
        self.job, self.plan, self.format = job, plan, form
        self.parts = parts_of(plan, missing)
        self.sample_rate = form.sample_rate(max(shelf.take(segment).sample_rate for segment in _one_of_each_voice(self.parts)))  # Hz
        self.encoder = CODECS[form.coding].at(self.sample_rate) if form.coding in CODECS else None
        # One passage is delivered as it was spoken: gating needs several seconds to mean anything, the sentences of a conversation keep the
        # differences that the voice gave them, and nobody waits for a measurement.
        self._target = loudness if len(plan.segments) > 1 else 0.0
        self._kept = len(self.parts) > 1
        self._stock = Stock(artifacts, shelf, self.sample_rate, self.encoder, kept=self._kept, loudness=bool(self._target))
        self._measures: list[Measure] = []
        self.gain = 0.0  # dB
        self.volumes: list[Volume] = []

    def prepare(self, effort: Effort | None) -> None:
        """Everything that is done part by part. Raises Unfinished, SegmentMissing, StorageFull."""
        places = range(len(self.parts))
        self._measures = self._each(places, lambda place: self._stock.measure(self.parts[place]), effort)
        self.gain = self._chosen_gain()
        self.volumes = self._laid_out()
        if self._kept and self.encoder is not None:
            # The longest first, so that all threads are done at about the same time.
            longest_first = sorted(places, key=lambda place: -self._measures[place].samples)
            self._each(longest_first, self._encode, effort)

    @property
    def length(self) -> int:
        """Samples of the job's audio."""
        return self.volumes[-1].start + self.volumes[-1].samples

    @property
    def tolerance(self) -> int:
        """Samples by which the job's audio may be longer or shorter than its segments and pauses; see `lay_out`."""
        return sum(
            slack(self.parts[volume.first :][: len(volume.places)], self.sample_rate, Grid.of(self.encoder)) for volume in self.volumes
        )

    @property
    def seconds(self) -> float:
        return self.length / self.sample_rate

    @property
    def loudness(self) -> float | None:
        """Integrated loudness of the finished audio in LUFS; None where it was not measured."""
        found = total(one.level for one in self._measures).loudness
        return None if found is None else round(found + self.gain, 1)

    def pieces(self, volume: Volume) -> Iterator[Packets]:
        """A file as packets: its parts, and the silence between them. Raises SegmentMissing, Unfinished."""
        assert self.encoder is not None
        silent = self.encoder.silence
        for number, place in volume.numbered:
            if place.silence:
                yield Packets(sizes=np.full(place.silence, len(silent), dtype=np.uint32), data=silent * place.silence)
            yield self._stock.packets(self.parts[number], self._measures[number], self.gain, first=self._first(number))

    def samples(self, volume: Volume) -> Iterator[np.ndarray]:
        """A file as float32 PCM [samples]. Raises SegmentMissing, Unfinished."""
        for number, place in volume.numbered:
            yield np.zeros(place.silence, dtype=np.float32)
            yield from self._stock.blocks(self.parts[number], self._measures[number], self.gain)

    def marks(self, volume: Volume, *, start: int = 0) -> list[Mark]:
        """The chapters of a file, each from its first part to the next one's; `start`: samples before the file."""
        found: list[tuple[str, int]] = []
        for number, place in volume.numbered:
            chapter = self.parts[number].chapter
            if chapter is not None and (number == volume.first or chapter != self.parts[number - 1].chapter):
                found.append((self.plan.chapters[chapter].title, place.start))
        ends = [begin for _, begin in found[1:]] + [volume.samples]
        return [Mark(title=title, start=start + begin, end=start + end) for (title, begin), end in zip(found, ends, strict=False)]

    def chapters(self) -> list[dict[str, Any]]:
        """Title, start and end of each, in seconds from the start of the job's audio."""
        marks = [mark for volume in self.volumes for mark in self.marks(volume, start=volume.start)]
        return [{"title": mark.title, "start": self._seconds(mark.start), "end": self._seconds(mark.end)} for mark in marks]

    def facts(self) -> dict[str, Any]:
        """What timings.json says before its segments."""
        engines = {segment.engine or self.job.engine for segment in self.plan.segments}
        return {
            "job": self.job.id,
            "sample_rate": self.sample_rate,
            "duration_seconds": round(self.seconds, 3),
            "words_timed": all(ENGINES[engine].words_timed for engine in engines),
        }

    def lines(self) -> Iterator[Line]:
        """Every segment in the audio, in order; the words of one part are in memory at a time. Raises SegmentMissing, Unfinished."""
        for volume in self.volumes:
            for number, place in volume.numbered:
                part = self.parts[number]
                known = self._stock.with_words(part, self._measures[number])
                for segment, spoken in zip(part.segments, known.segments, strict=True):
                    yield Line(
                        segment=segment,
                        spoken=spoken,
                        begin=volume.start + place.start + spoken.start,
                        sample_rate=self.sample_rate,
                        language=segment.language or self.job.language,
                    )

    def _seconds(self, samples: int) -> float:
        return round(samples / self.sample_rate, 3)

    def _encode(self, place: int) -> None:
        self._stock.encode(self.parts[place], self._measures[place], self.gain, first=self._first(place))

    def _first(self, place: int) -> bool:
        """Whether a file begins with the part."""
        return place == 0 or (self.format.name == "zip" and self.parts[place].chapter != self.parts[place - 1].chapter)

    def _chosen_gain(self) -> float:
        """The gain in dB: the best, or the one beside it for which parts were encoded before."""
        if not self._target:
            return 0.0
        found = gains(total(one.level for one in self._measures), self._target, lossless=self.format.lossless)
        if not self._kept or self.encoder is None or len(found) == 1:
            return found[0]
        probes = range(0, len(self.parts), max(1, len(self.parts) // PROBED))
        known = {
            gain: sum(self._stock.encoded(self.parts[place], self._measures[place], gain, first=self._first(place)) for place in probes)
            for gain in found
        }
        return max(found, key=lambda gain: known[gain])  # of equals the first, which is the best

    def _laid_out(self) -> list[Volume]:
        firsts = [place for place in range(len(self.parts)) if self._first(place)]
        volumes: list[Volume] = []
        for first, after in zip(firsts, [*firsts[1:], len(self.parts)], strict=True):
            start = volumes[-1].start + volumes[-1].samples if volumes else 0
            parts, measures = self.parts[first:after], self._measures[first:after]
            volumes.append(lay_out(parts, measures, self.sample_rate, Grid.of(self.encoder), first=first, start=start))
        return volumes

    def _each(self, places: Sequence[int], work: Callable[[int], T], effort: Effort | None) -> list[T]:
        """Do something for the parts at these places, several at a time, until the time is over. What came of them, in the parts' order."""
        if effort is None or not self._kept:
            return [work(place) for place in sorted(places)]
        done: dict[int, T] = {}
        under_way: dict[Future[T], int] = {}

        def collect(most: int) -> None:
            while len(under_way) > most:
                for one in wait(under_way, return_when=FIRST_COMPLETED).done:
                    done[under_way.pop(one)] = one.result()

        try:
            for place in places:
                if self._stock.made and time.monotonic() > effort.until:
                    raise Unfinished
                under_way[effort.pool.submit(work, place)] = place
                collect(effort.threads - 1)
            collect(0)
            return [done[place] for place in sorted(places)]
        finally:
            for one in under_way:
                if not one.cancel():
                    one.exception()  # waits: what was begun is kept, or leaves nothing behind


class Joined:
    """The lines of a job as they are written down, and what of it is to be checked afterwards."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self.placed: list[Placed] = []  # what was written down, with the silence that the plan has after it

    def __iter__(self) -> Iterator[Line]:
        ends = {self._making.parts[volume.numbered[-1][0]].segments[-1].index for volume in self._making.volumes}
        for line in self._making.lines():
            pause = 0 if line.segment.index in ends else silence(line.segment, line.sample_rate)
            self.placed.append(Placed(index=line.segment.index, samples=line.spoken.samples, silence=pause))
            yield line


def _one_of_each_voice(parts: Sequence[Part]) -> list[Segment]:
    return list({(segment.engine, segment.voice): segment for part in reversed(parts) for segment in reversed(part.segments)}.values())
