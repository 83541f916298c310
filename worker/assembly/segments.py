"""Segments as they are stored, and as they go into a book: at one rate, with edges that do not click."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loa.artifacts import Artifacts
from loa.audio import Word, unpack_segment
from loa.errors import ArtifactMissing, BrokenSegment
from loa.plan import Segment
from worker import paths

FADE = 0.004  # seconds: takes a click away, and nothing that an ear could tell from the phoneme
QUIET = 0.001  # of full scale (-60 dB): a step of that height from silence is not heard

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StoredAudio:
    """A segment as it is in the artifact store."""

    pcm: np.ndarray  # float32 [samples]
    sample_rate: int  # Hz
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.sample_rate


class SegmentMissing(Exception):
    """A segment that was spoken is not in the artifact store any more."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def read_segment(artifacts: Artifacts, address: str) -> StoredAudio:
    """Raises ArtifactMissing; a damaged file counts as missing and is removed, so that it is spoken again."""
    path = paths.segment(address)
    try:
        pcm, sample_rate, words = unpack_segment(artifacts.read(path))
    except BrokenSegment as error:
        log.error("%s: %s; it will be spoken again", path, error.message)
        artifacts.delete(path)
        raise
    return StoredAudio(pcm=pcm, sample_rate=sample_rate, words=words)


class Shelf:
    """Where an assembly takes its segments from: the artifact store, or the memory of the process that has just spoken them."""

    def __init__(self, artifacts: Artifacts, at_hand: Mapping[str, StoredAudio] | None = None) -> None:
        """`at_hand`: segments by address."""
        self._artifacts, self._at_hand = artifacts, at_hand or {}

    def take(self, segment: Segment) -> StoredAudio:
        """As it was stored. Raises SegmentMissing."""
        if (audio := self._at_hand.get(segment.address)) is not None:
            return audio
        try:
            return read_segment(self._artifacts, segment.address)
        except ArtifactMissing as error:
            raise SegmentMissing(segment.index) from error

    def take_at(self, segment: Segment, sample_rate: int) -> StoredAudio:
        """At that rate in Hz, and beginning and ending in silence. Raises SegmentMissing."""
        audio = self.take(segment)
        pcm = audio.pcm if audio.sample_rate == sample_rate else resampled(audio.pcm, audio.sample_rate, sample_rate)
        return replace(audio, pcm=smooth_edges(pcm, sample_rate), sample_rate=sample_rate)


def stitched(segments: Sequence[Segment], shelf: Shelf, sample_rate: int) -> Iterator[np.ndarray]:
    """float32 PCM [samples] of the segments, each with the silence that follows it; none after the last. Raises SegmentMissing."""
    for segment in segments:
        yield shelf.take_at(segment, sample_rate).pcm
        if segment is not segments[-1]:
            yield np.zeros(silence(segment, sample_rate), dtype=np.float32)


def silence(segment: Segment, sample_rate: int) -> int:
    """Samples of silence after a segment."""
    return round(segment.pause * sample_rate)


def smooth_edges(pcm: np.ndarray, sample_rate: int) -> np.ndarray:
    """The same samples, faded where they would begin or end with a click; untouched where they begin and end in silence."""
    length = min(round(FADE * sample_rate), len(pcm) // 2)
    if not length:
        return pcm
    rough_start, rough_end = abs(pcm[0]) > QUIET, abs(pcm[-1]) > QUIET
    if rough_start or rough_end:
        ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
        pcm = pcm.copy()
        if rough_start:
            pcm[:length] *= ramp
        if rough_end:
            pcm[-length:] *= ramp[::-1]
    return pcm


def resampled(pcm: np.ndarray, sample_rate: int, target: int) -> np.ndarray:
    """float32 PCM [samples] at another rate in Hz. By soxr, so that a process that only assembles needs no torch."""
    import soxr

    return soxr.resample(pcm, sample_rate, target)
