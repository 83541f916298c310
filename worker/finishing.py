"""What happens to speech while the device computes the next batch: it is stored, recorded, and, for jobs of one segment, assembled."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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
WRITERS = 4  # threads that store segments: each waits for the disk most of the time
ASSEMBLY_LIMIT = 30.0  # seconds: one segment takes milliseconds


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
class Uttered:
    lease: Lease
    utterances: Sequence[Utterance]


class Finisher(threading.Thread):
    """One thread that finishes batches in order."""

    def __init__(self, store: Store, artifacts: Artifacts, assembler: Assembler, leases: Leases, slot_id: str) -> None:
        super().__init__(name="finisher", daemon=True)
        self._store, self._artifacts, self._assembler, self._leases, self._slot_id = store, artifacts, assembler, leases, slot_id
        self._queue: queue.Queue[Uttered | None] = queue.Queue(WAITING_BATCHES)
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="writer")

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
        self._writers.shutdown(wait=False)

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
        stored: dict[str, StoredAudio] = {}  # by address
        spoken: list[Spoken] = []
        outcomes = self._writers.map(self._stored, uttered.utterances)
        for utterance, outcome in zip(uttered.utterances, outcomes, strict=True):
            if isinstance(outcome, ArtifactMissing):
                claims.hand_back(lease.claim, [utterance.item])  # the file went between a look and a reading: it is spoken anew
                continue
            if isinstance(outcome, LoaError):
                log.error("job %s: segment %d was not stored: %s", utterance.job.id, utterance.segment.index, outcome.message)
                claims.fail(lease.claim, utterance.item, outcome)
                continue
            stored[utterance.segment.address] = outcome
            spoken.append(
                Spoken(
                    item=utterance.item,
                    audio_seconds=outcome.seconds,
                    setup_seconds=utterance.setup_seconds,
                    synthesis_seconds=utterance.synthesis_seconds,
                )
            )
        if not spoken:
            return
        recorded = claims.record(lease.claim, spoken)
        lease.done([one.item for one in spoken])
        if not all(recorded.accepted):
            log.info("%d spoken segments were superseded or no longer wanted", recorded.accepted.count(False))
        jobs = {utterance.job.id: utterance.job for utterance in uttered.utterances}
        for job_id in recorded.complete:
            if jobs[job_id].segments_total == 1:  # a longer job is anybody's: the store has woken an assembler
                self._assemble(job_id, stored)

    def _stored(self, utterance: Utterance) -> StoredAudio | LoaError:
        """Store a segment; where another process was faster its audio is the one that counts."""
        address = utterance.segment.address
        try:
            if utterance.speech is None:
                return read_segment(self._artifacts, address)
            data = pack_segment(utterance.speech.pcm, utterance.speech.sample_rate, utterance.speech.words)
            if not self._artifacts.write(paths.segment(address), data):
                return read_segment(self._artifacts, address)
            pcm, sample_rate, words = unpack_segment(data)  # 16 bits, as every later reader will find it
            return StoredAudio(pcm=pcm, sample_rate=sample_rate, words=words)
        except LoaError as error:
            return error
        except Exception as error:
            log.exception("segment %s was not stored", address)
            return SynthesisFailed(f"the audio could not be stored: {type(error).__name__}: {error}")

    def _assemble(self, job_id: str, stored: dict[str, StoredAudio]) -> None:
        batch = self._store.claims.claim_item(assemble_item(job_id), self._slot_id, limit=ASSEMBLY_LIMIT)
        if batch is None:
            return  # another process was faster
        lease = self._leases.hold(batch)
        try:
            self._assembler.assemble(batch, stored)
        finally:
            self._leases.drop(lease)
