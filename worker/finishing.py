"""What happens to speech while the device computes the next batch: it is stored, recorded, and, for jobs of one segment, assembled."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from loa.artifacts import Artifacts
from loa.audio import pack_segment, unpack_segment
from loa.errors import ArtifactMissing, LoaError, StoreUnavailable, SynthesisFailed
from loa.jobs import Job
from loa.plan import Segment
from loa.store import Item, Spoken, Store, assemble_item
from worker import paths
from worker.assemble import Assembler, StoredAudio, read_segment
from worker.engines.base import Speech
from worker.leases import Lease, Leases

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
    setup_seconds: float
    synthesis_seconds: float


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A segment that is in the artifact store."""

    audio_seconds: float
    result: dict[str, Any] | None  # of a job of one segment: what to publish


@dataclass(frozen=True, kw_only=True)
class Uttered:
    lease: Lease
    utterances: Sequence[Utterance]


class Finisher(threading.Thread):
    """One thread that finishes batches in order."""

    def __init__(self, store: Store, artifacts: Artifacts, assembler: Assembler, leases: Leases, slot_id: str) -> None:
        super().__init__(name="finisher", daemon=True)
        self._store, self._artifacts, self._assembler, self._leases, self._slot_id = store, artifacts, assembler, leases, slot_id
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
        made: dict[str, dict[str, Any]] = {}  # by job: what to publish
        for utterance, outcome in zip(uttered.utterances, self._pool.map(self._keep, uttered.utterances, repeat(lease.claim)), strict=True):
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
                )
            )
            if outcome.result is not None:
                made[utterance.job.id] = outcome.result
        if not spoken:
            return
        recorded = claims.record(lease.claim, spoken)
        lease.done([one.item for one in spoken])
        if not all(recorded.accepted):
            log.info("%d spoken segments were superseded or no longer wanted", recorded.accepted.count(False))
        for job_id in made.keys() - set(recorded.complete):
            self._assembler.discard(made[job_id])
        for job_id in recorded.complete:
            if job_id in made:  # a longer job is anybody's: the store has woken an assembler
                self._publish(job_id, made[job_id])

    def _keep(self, utterance: Utterance, claim: str) -> _Kept | LoaError:
        """Store a segment and, where it is the whole job, make the job's audio out of it."""
        try:
            audio = self._store_segment(utterance)
            result = None
            if utterance.job.segments_total == 1:
                result = self._assembler.make(utterance.job, claim, {utterance.segment.address: audio})
            return _Kept(audio_seconds=audio.seconds, result=result)
        except LoaError as error:
            return error
        except Exception as error:
            log.exception("segment %s was not stored", utterance.segment.address)
            return SynthesisFailed(f"the audio could not be stored: {type(error).__name__}: {error}")

    def _store_segment(self, utterance: Utterance) -> StoredAudio:
        """Where another process was faster, its audio is the one that counts."""
        address = utterance.segment.address
        if utterance.speech is None:
            return read_segment(self._artifacts, address)
        data = pack_segment(utterance.speech.pcm, utterance.speech.sample_rate, utterance.speech.words)
        if not self._artifacts.write(paths.segment(address), data):
            return read_segment(self._artifacts, address)
        pcm, sample_rate, words = unpack_segment(data)  # 16 bits, as every later reader will find it
        return StoredAudio(pcm=pcm, sample_rate=sample_rate, words=words)

    def _publish(self, job_id: str, result: dict[str, Any]) -> None:
        batch = self._store.claims.claim_item(assemble_item(job_id), self._slot_id)
        if batch is None:
            self._assembler.discard(result)  # another process was faster
        else:
            self._assembler.publish(batch, result)
