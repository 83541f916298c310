"""What happens to speech while the device computes the next batch: it is judged, stored and recorded; jobs of one segment end with it.

Whatever lies in the artifact store was judged before it was written, so what is found there is not judged again.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from loa.artifacts import Artifacts
from loa.audio import as_stored, pack_segment
from loa.errors import ArtifactMissing, LoaError, StoreUnavailable, SynthesisFailed
from loa.jobs import Job
from loa.plan import Segment
from loa.store import Item, Spoilt, Spoken, Store
from worker import paths
from worker.assembly import Assembler, StoredAudio, read_segment
from worker.engines.base import Speech
from worker.leases import Lease, Leases
from worker.plausibility import defect

log = logging.getLogger(__name__)

WAITING_BATCHES = 2  # spoken and not yet stored: bounds memory, and slows the device down where the disk is the slower part
WRITERS = 12  # threads that store and encode: each waits for the disk most of the time


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One segment after its turn on the device."""

    item: Item
    job: Job
    segment: Segment
    speech: Speech | None  # None: it is in the artifact store already
    take: int = 0  # bad takes before this one
    setup_seconds: float
    synthesis_seconds: float


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A segment whose audio is in the artifact store, as such or as its job's."""

    audio_seconds: float
    result: dict[str, Any] | None  # of a job of one segment: what its job ends with
    unsaved: Speech | None = None  # the segment itself, to be stored after that


@dataclass(frozen=True, kw_only=True)
class Uttered:
    lease: Lease
    utterances: Sequence[Utterance]


class Finisher(threading.Thread):
    """One thread that finishes batches in order."""

    def __init__(self, store: Store, artifacts: Artifacts, assembler: Assembler, leases: Leases) -> None:
        super().__init__(name="finisher", daemon=True)
        self._store, self._artifacts, self._assembler, self._leases = store, artifacts, assembler, leases
        self._queue: queue.Queue[Uttered | None] = queue.Queue(WAITING_BATCHES)
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="writer")

    def put(self, uttered: Uttered) -> None:
        """Hand over a batch; waits while too many are under way. The lease is dropped when it is finished."""
        self._queue.put(uttered)

    def flush(self) -> None:
        """Wait until everything that was handed over is finished."""
        self._queue.join()

    def close(self, seconds: float) -> None:
        """Finish what was handed over, for `seconds` at most."""
        self._queue.put(None)
        if self.is_alive():
            self.join(seconds)
        self._pool.shutdown(wait=False)

    def run(self) -> None:
        while (uttered := self._queue.get()) is not None:
            try:
                self._finish(uttered)
            except StoreUnavailable as error:
                log.error("a batch could not be recorded (%s); its lease will end", error.message)
            except Exception:
                log.exception("a batch was spoken and not finished; its lease will end")
            finally:
                self._leases.drop(uttered.lease)
                self._queue.task_done()
        self._queue.task_done()

    def _finish(self, uttered: Uttered) -> None:
        lease, claims = uttered.lease, self._store.claims
        spoken: list[Spoken] = []
        spoilt: list[Spoilt] = []
        unsaved: list[tuple[str, Speech]] = []
        side_by_side = self._pool.map if len(uttered.utterances) > 1 else map  # a lone segment is not worth another thread's wake-up
        for utterance, outcome in zip(uttered.utterances, side_by_side(self._keep, uttered.utterances, repeat(lease.claim)), strict=True):
            if isinstance(outcome, Spoilt):
                spoilt.append(outcome)
                continue
            if isinstance(outcome, ArtifactMissing):
                claims.hand_back(lease.claim, [utterance.item])  # the file went between a look and a reading: it is spoken anew
                continue
            if isinstance(outcome, LoaError):
                log.error("job %s: segment %d was not stored: %s", utterance.job.id, utterance.segment.index, outcome.message)
                claims.fail(lease.claim, utterance.item, outcome)
                continue
            spoken.append(
                Spoken(
                    item=utterance.item,
                    audio_seconds=outcome.audio_seconds,
                    setup_seconds=utterance.setup_seconds,
                    synthesis_seconds=utterance.synthesis_seconds,
                    result=outcome.result,
                )
            )
            if outcome.unsaved is not None:
                unsaved.append((utterance.segment.address, outcome.unsaved))
        claims.spoil(lease.claim, spoilt)
        lease.done([one.item for one in spoilt])
        if not spoken:
            return
        recorded = claims.record(lease.claim, spoken)
        lease.done([one.item for one in spoken])
        for one, accepted in zip(spoken, recorded.accepted, strict=True):
            if not accepted:
                log.info("job %s: segment %s was superseded, or is no longer wanted", one.item.job_id, one.item.name)
                if one.result is not None:
                    self._assembler.discard(one.result)
        for address, speech in unsaved:
            self._save(address, speech)

    def _keep(self, utterance: Utterance, claim: str) -> _Kept | Spoilt | LoaError:
        """Store a segment that can be speech and, where it is the whole job, make the job's audio out of it."""
        if utterance.speech is not None and (problem := defect(utterance.speech)):
            job, segment = utterance.job, utterance.segment
            log.warning("job %s: segment %d, take %d is no speech: %s", job.id, segment.index, utterance.take + 1, problem)
            return Spoilt(item=utterance.item, text=segment.text, reason=problem)
        try:
            return self._make_job(utterance, claim) if utterance.job.segments_total == 1 else self._store_segment(utterance)
        except LoaError as error:
            return error
        except Exception as error:
            log.exception("segment %s was not stored", utterance.segment.address)
            return SynthesisFailed(f"the audio could not be stored: {type(error).__name__}: {error}")

    def _store_segment(self, utterance: Utterance) -> _Kept:
        address, speech = utterance.segment.address, utterance.speech
        if speech is not None and self._write(address, speech):
            return _Kept(audio_seconds=speech.seconds, result=None)
        return _Kept(audio_seconds=read_segment(self._artifacts, address).seconds, result=None)

    def _make_job(self, utterance: Utterance, claim: str) -> _Kept:
        """The job needs its audio file alone; for later jobs the segment is stored when nobody waits for it any more."""
        address, speech = utterance.segment.address, utterance.speech
        if speech is None or self._artifacts.exists(paths.segment(address)):  # another process was faster: its audio counts
            return self._make(utterance, claim, read_segment(self._artifacts, address))
        audio = StoredAudio(pcm=as_stored(speech.pcm), sample_rate=speech.sample_rate, words=speech.words)
        return replace(self._make(utterance, claim, audio), unsaved=speech)

    def _make(self, utterance: Utterance, claim: str, audio: StoredAudio) -> _Kept:
        result = self._assembler.make(utterance.job, claim, {utterance.segment.address: audio})
        return _Kept(audio_seconds=audio.seconds, result=result)

    def _write(self, address: str, speech: Speech) -> bool:
        return self._artifacts.write(paths.segment(address), pack_segment(speech.pcm, speech.sample_rate, speech.words))

    def _save(self, address: str, speech: Speech) -> None:
        """Store a segment whose job has ended: only a later job with the same words would miss it."""
        try:
            self._write(address, speech)
        except LoaError as error:
            log.warning("segment %s was not kept for later jobs: %s", address, error.message)
