"""The speak loop: claim the next batch, speak it on the device, hand it to the finishing thread; until no work or no time is left."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing, LoaError
from loa.jobs import Job
from loa.keys import speak as queue_of
from loa.plan import Segment
from loa.settings import Settings
from loa.store import Batch, Item, Refusal, Spoilt, Store
from worker import paths
from worker.engines.base import Engine, Passage, Speech, VoiceState
from worker.finishing import Finisher, Utterance, Uttered
from worker.heartbeat import Heartbeat
from worker.leases import Lease
from worker.plans import Plans
from worker.synthesis import DeviceLost, speak
from worker.voice_cache import VoiceCache

log = logging.getLogger(__name__)

DEVICE_LOST_EXIT = 71
LATEST = 0.2  # weight of the last batch in the measured rate
SEED_DIGITS = 15  # hex digits that seed a segment's noise: 60 bits, which every generator takes


_Part = tuple[str, str]  # job and voice, "" for the job's own


@dataclass(frozen=True)
class _Turn:
    """A segment that goes to the device."""

    item: Item
    job: Job
    segment: Segment
    take: int  # bad takes before this one

    @property
    def part(self) -> _Part:
        return self.job.id, self.segment.voice


class Speaker:
    """Speaks for every engine of this process. One task at a time runs it."""

    def __init__(
        self,
        *,
        store: Store,
        artifacts: Artifacts,
        plans: Plans,
        engines: Mapping[str, Engine],
        cache: VoiceCache[VoiceState],
        finisher: Finisher,
        heartbeat: Heartbeat,
        settings: Settings,
    ) -> None:
        self._store, self._artifacts, self._plans, self._cache = store, artifacts, plans, cache
        self._finisher, self._heartbeat, self._settings = finisher, heartbeat, settings
        self._engines = {queue_of(name): engine for name, engine in engines.items()}
        self._rates = {queue: engine.estimate(1.0) for queue, engine in self._engines.items()}  # seconds of compute per second of audio

    def run(self, woken: str, token: str) -> None:
        """One task: serve the queue that was woken, and the other engines' queues in turns."""
        log.debug("woken for %s with token %s", woken, token)
        queues = [woken, *(queue for queue in self._engines if queue != woken)]
        until = time.monotonic() + self._settings.task_seconds
        empty = 0  # queues in a row that had nothing
        while empty < len(queues):
            if time.monotonic() >= until:
                for queue in queues:
                    self._store.claims.idle(self._heartbeat.slot.id, queue)
                return
            if self._heartbeat.drain.begun.is_set():
                return
            queue = queues.pop(0)
            queues.append(queue)
            batch = self._claim(queue, token)
            token = ""  # it was for the first claim
            if batch in (Refusal.DRAIN, Refusal.COLD):
                log.debug("a claim of %s was answered %s", queue, batch)
                return
            if isinstance(batch, Refusal):
                empty += 1
                continue
            empty = 0
            self._speak(queue, batch)

    def _claim(self, queue: str, token: str) -> Batch | Refusal:
        return self._store.claims.claim(
            queue,
            self._heartbeat.slot.id,
            token=token,
            most=self._settings.batch_max,
            seconds=self._settings.batch_seconds,
            rate=self._rates[queue],
            limit=self._settings.batch_limit,
        )

    def _speak(self, queue: str, batch: Batch) -> None:
        lease = self._heartbeat.leases.hold(batch)
        handed_over = False
        try:
            if batch.alone:
                self._finisher.flush()  # if it kills this process, nothing else is to be charged
            found, turns = self._look(lease, batch)
            if turns and not batch.started:
                held = set(self._store.claims.start(lease.claim, [turn.item for turn in turns]))
                turns = [turn for turn in turns if turn.item in held]
            spoken = self._synthesize(self._engines[queue], queue, lease, turns) if turns else []
            self._finisher.put(Uttered(lease=lease, utterances=[*found, *spoken]))
            handed_over = True
            if not batch.left:
                self._finisher.flush()  # nobody waits for the device, and somebody for this batch: the next claim would only be in its way
        except DeviceLost as error:
            self._leave_device(lease, error)
        finally:
            if not handed_over:
                self._heartbeat.leases.drop(lease)

    def _look(self, lease: Lease, batch: Batch) -> tuple[list[Utterance], list[_Turn]]:
        """What is spoken already, by this job's earlier attempt or by any other job, and what is to be spoken."""
        found, turns = [], []
        for item in batch.items:
            job = batch.jobs[item.job_id]
            try:
                segment = self._plans.segments(job)[item.index]
                if self._artifacts.use(paths.segment(segment.address)):
                    found.append(Utterance(item=item, job=job, segment=segment, speech=None, setup_seconds=0.0, synthesis_seconds=0.0))
                else:
                    turns.append(_Turn(item, job, segment, batch.takes.get(item, 0)))
            except LoaError as error:
                self._fail(lease, item, error)
            except (ValueError, TypeError, IndexError) as error:  # a damaged plan
                self._fail(lease, item, ArtifactMissing(f"the plan of job {job.id} cannot be used: {error}"))
        return found, turns

    def _synthesize(self, engine: Engine, queue: str, lease: Lease, turns: Sequence[_Turn]) -> list[Utterance]:
        voices, setup = self._voices(lease, turns)
        turns = [turn for turn in turns if turn.part in voices]
        # The same words twice in a batch are spoken once, as the latest of their takes.
        unique = {turn.segment.address: turn for turn in sorted(turns, key=lambda turn: turn.take)}
        passages = [
            Passage(
                text=turn.segment.spoken,
                voice=voices[turn.part],
                speed=turn.job.speed,
                seed=seed_of(turn.segment.address, turn.take),
                take=turn.take,
            )
            for turn in unique.values()
        ]
        if not passages:
            return []
        estimate = self._rates[queue] * sum(turn.segment.audio_seconds for turn in unique.values())
        lease.compute(max(self._settings.batch_limit, 10 * estimate))
        began = time.perf_counter()
        try:
            outcomes = dict(zip(unique, speak(engine, passages), strict=True))
        finally:
            lease.computed()
        seconds = time.perf_counter() - began
        audio = sum(outcome.seconds for outcome in outcomes.values() if isinstance(outcome, Speech))
        if audio:
            self._rates[queue] += LATEST * (seconds / audio - self._rates[queue])
        return self._utterances(lease, turns, outcomes, seconds / audio if audio else 0.0, setup)

    def _voices(self, lease: Lease, turns: Sequence[_Turn]) -> tuple[dict[_Part, VoiceState], float]:
        """The voices of every job of a batch, and the seconds of all loads: each of these jobs waits for all of them."""
        voices: dict[_Part, VoiceState] = {}
        failed: dict[_Part, LoaError] = {}
        setup = 0.0
        for turn in turns:
            part = turn.part
            if part not in voices and part not in failed:
                try:
                    pinned = turn.job.pinned(turn.segment)
                    found = self._cache.get(pinned.name, pinned.fingerprint, turn.job.owner)
                except LoaError as error:
                    failed[part] = error
                else:
                    voices[part] = found.state
                    setup += found.seconds
            if part in failed:
                self._fail(lease, turn.item, failed[part])
        return voices, setup

    def _utterances(
        self, lease: Lease, turns: Sequence[_Turn], outcomes: Mapping[str, Speech | LoaError], rate: float, setup: float
    ) -> list[Utterance]:
        utterances: list[Utterance] = []
        waited: set[str] = set()  # jobs whose wait for the loads is noted, at their first segment
        counted: set[str] = set()  # addresses whose synthesis is noted
        for turn in turns:
            address, outcome = turn.segment.address, outcomes[turn.segment.address]
            if isinstance(outcome, LoaError):
                self._refuse(lease, turn, outcome)
                continue
            utterances.append(
                Utterance(
                    item=turn.item,
                    job=turn.job,
                    segment=turn.segment,
                    speech=outcome,
                    take=turn.take,
                    setup_seconds=0.0 if turn.job.id in waited else setup,
                    synthesis_seconds=0.0 if address in counted else outcome.seconds * rate,
                )
            )
            waited.add(turn.job.id)
            counted.add(address)
        return utterances

    def _refuse(self, lease: Lease, turn: _Turn, error: LoaError) -> None:
        """The engine cannot speak a passage: its job fails, or goes on without it."""
        if not turn.job.allow_partial:
            self._fail(lease, turn.item, error)
            return
        log.warning("job %s goes on without segment %s: %s", turn.job.id, turn.item.name, error.message)
        self._store.claims.spoil(lease.claim, [Spoilt(item=turn.item, text=turn.segment.spoken, reason=error.message, final=True)])
        lease.done([turn.item])

    def _fail(self, lease: Lease, item: Item, error: LoaError) -> None:
        log.warning("job %s: segment %s cannot be spoken: %s", item.job_id, item.name, error.message)
        self._store.claims.fail(lease.claim, item, error)
        lease.done([item])

    def _leave_device(self, lease: Lease, error: DeviceLost) -> None:
        """End this process, whose device answers no more; another takes its place.

        Segments that were on the device are charged: one of them may be to blame.
        """
        log.critical("the device is lost: %s", error)
        self._finisher.flush()
        self._store.claims.hand_back(lease.claim, lease.items, charged=True)
        os._exit(DEVICE_LOST_EXIT)


def seed_of(address: str, take: int) -> int:
    """What seeds the noise of a segment: its address, so that it sounds the same wherever it is spoken; after `take` bad takes another."""
    digits = hashlib.sha256(f"{address}/{take}".encode()).hexdigest() if take else address
    return int(digits[:SEED_DIGITS], 16)
