"""The parts of a book: as samples, measured, encoded; and what of that is kept in the artifact store.

A part is kept under what it is made of. So after a crash, or for the same book with another paragraph, only what is not there is made.

A segment's address is that of its words and not of its audio: one that was removed and spoken again may have another length. A part's
packets are therefore kept under its length as well, and a measure that is not that of the segments any more is removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn, TypeVar

import numpy as np

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing, AssemblyFailed
from worker import paths
from worker.assembly.codecs import Encoder, Packets
from worker.assembly.loudness import amplified
from worker.assembly.measures import Measure, measure
from worker.assembly.parts import Part, encoded_address
from worker.assembly.segments import Shelf, stitched

log = logging.getLogger(__name__)

T = TypeVar("T")


class Unfinished(Exception):
    """There is more to do than one task may take, or something to do again. What was done is kept."""


class Stock:
    """Parts at one rate in Hz and, where `encoder` is given, by one codec. Threads may share one."""

    def __init__(
        self, artifacts: Artifacts, shelf: Shelf, sample_rate: int, encoder: Encoder | None, *, kept: bool, loudness: bool
    ) -> None:
        """`kept`: in the artifact store; what is a single part is made in one go. `loudness`: it is measured, too."""
        self._artifacts, self._shelf = artifacts, shelf
        self._sample_rate, self._encoder, self._kept, self._loudness = sample_rate, encoder, kept, loudness
        self.made = 0  # files that were not there before; what counts as progress
        self._measured: set[str] = set()  # paths of the measures among them

    def measure(self, part: Part) -> Measure:
        """What is known of a part; of one that is kept without its words, so that those of a book are not in memory all at once.

        Raises SegmentMissing.
        """
        if not self._kept:
            return measure(part.segments, self._shelf, self._sample_rate, loudness=self._loudness)
        path = self._measure_path(part)
        found = self._read(path, Measure.unpack)
        if found is None:
            found = measure(part.segments, self._shelf, self._sample_rate, loudness=True)  # whoever asks next may want to know
            self._artifacts.write(path, found.pack())
            self._measured.add(path)
            self.made += 1
        return replace(found, segments=())

    def with_words(self, part: Part, known: Measure) -> Measure:
        """The same with its words. Raises SegmentMissing, Unfinished."""
        if known.segments:
            return known
        found = self._read(self._measure_path(part), Measure.unpack)
        found = found or measure(part.segments, self._shelf, self._sample_rate, loudness=False)
        if found.samples != known.samples:
            self._doubt(part, known, found.samples)
        return found

    def blocks(self, part: Part, known: Measure, gain: float) -> Iterator[np.ndarray]:
        """float32 PCM [samples] with a gain in dB, as many as were measured. Raises SegmentMissing, Unfinished."""
        count = 0
        for block in stitched(part.segments, self._shelf, self._sample_rate):
            count += len(block)
            yield amplified(block, gain)
        if count != known.samples:
            self._doubt(part, known, count)

    def encoded(self, part: Part, known: Measure, gain: float, *, first: bool) -> bool:
        """Whether its packets are kept. `first`: a file begins with the part."""
        return self._artifacts.exists(self._packets_path(part, known, gain, first=first))

    def encode(self, part: Part, known: Measure, gain: float, *, first: bool) -> None:
        """Make sure that its packets are kept. Raises SegmentMissing, Unfinished."""
        path = self._packets_path(part, known, gain, first=first)
        if not self._artifacts.use(path):
            self._artifacts.write(path, self._encode(part, known, gain, first=first).pack())
            self.made += 1

    def packets(self, part: Part, known: Measure, gain: float, *, first: bool) -> Packets:
        """Its packets. Raises SegmentMissing, Unfinished."""
        assert self._encoder is not None
        count = self._encoder.count(known.samples, first=first)

        def whole(content: bytes) -> Packets:
            if len((found := Packets.unpack(content)).sizes) != count:
                raise ValueError(f"{len(found.sizes)} packets, where the part takes {count}")
            return found

        found = self._read(self._packets_path(part, known, gain, first=first), whole) if self._kept else None
        return found or self._encode(part, known, gain, first=first)

    def _encode(self, part: Part, known: Measure, gain: float, *, first: bool) -> Packets:
        assert self._encoder is not None
        return self._encoder.encode(self.blocks(part, known, gain), known.samples, first=first)

    def _doubt(self, part: Part, known: Measure, samples: int) -> NoReturn:
        """What was measured is not what the segments are: one was spoken again since then. The next task measures the part anew.

        Raises Unfinished; AssemblyFailed where this very task has measured it, because then the next would fare no better.
        """
        path = self._measure_path(part)
        if not self._kept or path in self._measured:
            raise AssemblyFailed(f"a part was measured as {known.samples:,} samples, and {samples:,} came")
        log.warning("%s tells of %d samples, and %d came: a segment was spoken again; it is made again", path, known.samples, samples)
        self._artifacts.delete(path)
        raise Unfinished

    def _measure_path(self, part: Part) -> str:
        return paths.measure(part.address(self._sample_rate))

    def _packets_path(self, part: Part, known: Measure, gain: float, *, first: bool) -> str:
        assert self._encoder is not None
        codec = self._encoder.codec
        manner = f"{codec.manner} first" if first and codec.lead else codec.manner
        return paths.packets(encoded_address(part.address(self._sample_rate), known.samples, manner, gain))

    def _read(self, path: str, unpack: Callable[[bytes], T]) -> T | None:
        """None for what is not there, or damaged: that is removed, and made again."""
        try:
            found = unpack(self._artifacts.read(path))
        except ArtifactMissing:
            return None
        except (ValueError, TypeError, KeyError) as error:
            log.error("%s is damaged (%s); it is made again", path, error)
            self._artifacts.delete(path)
            return None
        self._artifacts.use(path)
        return found
