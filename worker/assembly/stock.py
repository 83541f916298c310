"""The parts of a book: as samples, measured, encoded; and what of that is kept in the artifact store.

A part is kept under what it is made of. So after a crash, or for the same book with another paragraph, only what is not there is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing
from worker import paths
from worker.assembly.codecs import Encoder, Packets
from worker.assembly.loudness import amplified
from worker.assembly.measures import Measure, measure
from worker.assembly.parts import Part, encoded_address
from worker.assembly.segments import Shelf, stitched

log = logging.getLogger(__name__)

T = TypeVar("T")


class Stock:
    """Parts at one rate in Hz and, where `encoder` is given, by one codec. Threads may share one."""

    def __init__(
        self, artifacts: Artifacts, shelf: Shelf, sample_rate: int, encoder: Encoder | None, *, kept: bool, loudness: bool
    ) -> None:
        """`kept`: in the artifact store; what is a single part is made in one go. `loudness`: it is measured, too."""
        self._artifacts, self._shelf = artifacts, shelf
        self._sample_rate, self._encoder, self._kept, self._loudness = sample_rate, encoder, kept, loudness
        self.made = 0  # files that were not there before; what counts as progress

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
            self.made += 1
        return replace(found, segments=())

    def with_words(self, part: Part, known: Measure) -> Measure:
        """The same with its words. Raises SegmentMissing."""
        if known.segments:
            return known
        found = self._read(self._measure_path(part), Measure.unpack)
        return found or measure(part.segments, self._shelf, self._sample_rate, loudness=False)

    def blocks(self, part: Part, gain: float) -> Iterator[np.ndarray]:
        """float32 PCM [samples] with a gain in dB. Raises SegmentMissing."""
        return (amplified(block, gain) for block in stitched(part.segments, self._shelf, self._sample_rate))

    def encoded(self, part: Part, gain: float, *, first: bool) -> bool:
        """Whether its packets are kept. `first`: a file begins with the part."""
        return self._artifacts.exists(self._packets_path(part, gain, first=first))

    def encode(self, part: Part, known: Measure, gain: float, *, first: bool) -> None:
        """Make sure that its packets are kept. Raises SegmentMissing."""
        path = self._packets_path(part, gain, first=first)
        if not self._artifacts.use(path):
            self._artifacts.write(path, self._encode(part, known, gain, first=first).pack())
            self.made += 1

    def packets(self, part: Part, known: Measure, gain: float, *, first: bool) -> Packets:
        """Its packets. Raises SegmentMissing."""
        found = self._read(self._packets_path(part, gain, first=first), Packets.unpack) if self._kept else None
        return found or self._encode(part, known, gain, first=first)

    def _encode(self, part: Part, known: Measure, gain: float, *, first: bool) -> Packets:
        assert self._encoder is not None
        return self._encoder.encode(self.blocks(part, gain), known.samples, first=first)

    def _measure_path(self, part: Part) -> str:
        return paths.measure(part.address(self._sample_rate))

    def _packets_path(self, part: Part, gain: float, *, first: bool) -> str:
        assert self._encoder is not None
        codec = self._encoder.codec
        manner = f"{codec.manner} first" if first and codec.lead else codec.manner
        return paths.packets(encoded_address(part.address(self._sample_rate), manner, gain))

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
