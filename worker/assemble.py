"""Assembly: the segments of a job, joined with their pauses, encoded and published together with the timings of every word.

Segments stream through the encoder one by one, so ten hours of audio need no more memory than the longest segment. Everything is
written under the claim, and only a claim that the store still knows publishes: whoever was superseded removes its own files.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loa.artifacts import Artifacts
from loa.audio import FORMATS, Format, Word, encode_blocks, unpack_segment
from loa.engines import ENGINES
from loa.errors import ArtifactMissing, AssemblyFailed, BrokenSegment, LoaError, StoreUnavailable
from loa.jobs import Job
from loa.plan import Segment
from loa.store import Batch, Store
from worker import paths
from worker.completeness import Placed, missing_facts, verify
from worker.plans import Plans

LEFTOVER_AGE = 3600.0  # seconds; no assembly writes at one file for longer
WRITERS = 4  # threads that write timings while the audio is written

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


class Assembler:
    """Makes the audio of jobs whose segments are all spoken. Threads may share one."""

    def __init__(self, store: Store, artifacts: Artifacts, plans: Plans, work_folder: Path) -> None:
        """`work_folder`: local disk with room for one job's audio."""
        self._store, self._artifacts, self._plans, self._work_folder = store, artifacts, plans, work_folder
        self._beside = ThreadPoolExecutor(WRITERS, thread_name_prefix="timings")
        work_folder.mkdir(parents=True, exist_ok=True)
        for path in work_folder.iterdir():  # what killed processes left
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE:
                    path.unlink()

    def assemble(self, batch: Batch) -> None:
        """Do the assembly that `batch` claims, to its end: published, failed, or its missing segments returned to the speakers."""
        (item,) = batch.items
        job = batch.jobs[item.job_id]
        try:
            result = self.make(job, batch.claim)
        except SegmentMissing as gap:
            log.warning("job %s: segment %d is gone from the artifact store; it is spoken again", job.id, gap.index)
            self._store.claims.missing(batch.claim, job.id, [gap.index, *self._missing_after(job, gap.index)])
        except StoreUnavailable:
            raise  # nothing can be said to the store; the lease will end
        except LoaError as error:
            log.error("job %s: %s", job.id, error.message)
            self._store.claims.fail(batch.claim, item, error)
        except Exception as error:
            log.exception("job %s: the assembly failed", job.id)
            self._store.claims.fail(batch.claim, item, AssemblyFailed(f"{type(error).__name__}: {error}"))
        else:
            self.publish(batch, result)

    def make(self, job: Job, attempt: str, at_hand: Mapping[str, StoredAudio] | None = None) -> dict[str, Any]:
        """Write the audio and the timings of a job, and return what to publish. `at_hand`: segments by address that are in memory anyway.

        `attempt` is the claim under which this is done: no other attempt writes to the same place. Raises SegmentMissing or LoaError.
        """
        segments = self._plans.segments(job)
        missing = {one.index: one for one in self._store.claims.left_out(job.id)} if job.segments_missing else {}
        spoken = [segment for segment in segments if segment.index not in missing]
        stitch = _Stitch(self._artifacts, spoken, at_hand or {}, FORMATS[job.format])
        audio_path = paths.audio(job.id, attempt, stitch.format.extension)
        timings_path = paths.timings(job.id, attempt)
        target = self._work_folder / f"{job.id}-{secrets.token_hex(4)}.{stitch.format.extension}"
        try:
            stitch.write(target, job.audio_seconds)
            verify(len(segments), stitch.placed, missing, stitch.samples)
            with target.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            size = target.stat().st_size
            timings = json.dumps(stitch.timings(job), ensure_ascii=False).encode()
            beside = self._beside.submit(self._artifacts.write, timings_path, timings)  # both wait for the disk, or for S3
            self._artifacts.write(audio_path, target)
            beside.result()
        finally:
            target.unlink(missing_ok=True)
        return {
            "path": audio_path,
            "timings": timings_path,
            "sha256": sha256,
            "bytes": size,
            "duration_seconds": round(stitch.seconds, 3),
            "sample_rate": stitch.sample_rate,
            **missing_facts(missing.values(), segments),
        }

    def publish(self, batch: Batch, result: dict[str, Any]) -> None:
        """End the job with `result`; where another attempt was faster, remove what this one wrote."""
        (item,) = batch.items
        if not self._store.claims.finish(batch.claim, item.job_id, result):
            log.info("job %s: this assembly was superseded", item.job_id)
            self.discard(result)

    def discard(self, result: dict[str, Any]) -> None:
        """Remove what `make` wrote."""
        for path in (result["path"], result["timings"]):
            self._artifacts.delete(path)

    def _missing_after(self, job: Job, index: int) -> Iterator[int]:
        for segment in self._plans.segments(job)[index + 1 :]:
            if not self._artifacts.exists(paths.segment(segment.address)):
                yield segment.index


class SegmentMissing(Exception):
    """A segment that was spoken is not in the artifact store any more."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


@dataclass
class _Stitch:
    """One pass over the segments of a job: what goes to the encoder, and when each word is said."""

    artifacts: Artifacts
    segments: Sequence[Segment]
    at_hand: Mapping[str, StoredAudio]
    format: Format
    sample_rate: int = 0  # Hz of the file; known after the first segment
    samples: int = 0  # written so far
    entries: list[dict[str, Any]] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate

    def write(self, target: Path, speech_seconds: float) -> None:
        blocks = self._blocks()
        first = next(blocks)  # tells the rate
        seconds = speech_seconds + sum(segment.pause for segment in self.segments)
        encode_blocks(itertools.chain([first], blocks), self.sample_rate, self.format, target, samples=round(seconds * self.sample_rate))

    def timings(self, job: Job) -> dict[str, Any]:
        """Times are seconds from the start of the job's audio; `offset` counts characters in the segment's text."""
        return {
            "job": job.id,
            "sample_rate": self.sample_rate,
            "duration_seconds": round(self.seconds, 3),
            "words_timed": ENGINES[job.engine].words_timed,
            "segments": self.entries,
        }

    def _blocks(self) -> Iterator[np.ndarray]:
        """float32 PCM [samples] of every segment with the silence after it (none after the last)."""
        for segment in self.segments:
            audio = self._audio(segment)
            if not self.sample_rate:
                self.sample_rate = self.format.sample_rate(audio.sample_rate)
            start = self.seconds
            pcm = audio.pcm if audio.sample_rate == self.sample_rate else _resampled(audio, self.sample_rate)
            last = segment is self.segments[-1]
            silence = np.zeros(0 if last else round(segment.pause * self.sample_rate), dtype=np.float32)
            self.samples += len(pcm) + len(silence)
            self.placed.append(Placed(index=segment.index, samples=len(pcm), silence=len(silence)))
            self.entries.append(
                {
                    "index": segment.index,
                    "text": segment.text,
                    "start": round(start, 4),
                    "end": round(start + audio.seconds, 4),
                    "words": [
                        {
                            "text": word.text,
                            "start": round(start + word.start, 4),
                            "end": round(start + word.end, 4),
                            "offset": segment.source_offset(word.offset),
                        }
                        for word in audio.words
                    ],
                }
            )
            yield np.concatenate([pcm, silence])

    def _audio(self, segment: Segment) -> StoredAudio:
        if segment.address in self.at_hand:
            return self.at_hand[segment.address]
        try:
            return read_segment(self.artifacts, segment.address)
        except ArtifactMissing as error:
            raise SegmentMissing(segment.index) from error


def _resampled(audio: StoredAudio, sample_rate: int) -> np.ndarray:
    from worker.resample import resample  # torch is loaded only where a format needs another rate

    return resample(audio.pcm, audio.sample_rate, sample_rate)
