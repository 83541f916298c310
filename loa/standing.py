"""Where a job stands among the others, as of one moment: what it waits for, and for how long still."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations

from loa.engine_files import bundles
from loa.jobs import Job
from loa.keys import ASSEMBLE, PLAN, speak
from loa.states import State

MEASURED = 2.0  # seconds of work on a job after which its own pace says more than the pace of its queue
LONG_BATCH = 10.0  # seconds within which a batch is recorded, nearly always: see LOA_BATCH_SECONDS
RECENT = 240.0  # seconds of work that the marks of a job tell of, at most: with more, it waited since
TRUSTED = (1 / 3, 3.0)  # least and most that a voice may differ from the estimate of its length
USUAL_ASSEMBLY = 0.002  # seconds of work per second of audio (AAC on two cores), until an assembly has told how long it takes here
KNOWN = 30.0  # seconds of audio after which it is known how a voice differs


@dataclass(frozen=True, kw_only=True)
class QueueNow:
    """A queue that a job needs."""

    slots: frozenset[str]  # hot processes that serve it
    pace: float | None = None  # seconds of work per second of audio of late, one process


@dataclass(frozen=True, kw_only=True)
class Standing:
    now: float  # Redis clock
    ahead: int = 0  # jobs whose turn comes first; 0 once work has begun
    queues: Mapping[str, QueueNow] = field(default_factory=dict)  # those of `queues_of`, where they are known
    chapter: str | None = None  # title of the chapter that is being spoken

    def waiting_reason(self, job: Job) -> str | None:
        """Why nothing happens, or a part of it does not, in words; None when nothing is amiss."""
        if job.ended:
            return None
        cold = [queue for queue in queues_of(job) if queue in self.queues and not self.queues[queue].slots]
        if not cold:
            return None
        if cold[0] in (PLAN, ASSEMBLE):
            return f"no hot worker for the queue {cold[0]}; start one with `loa worker --queues plan,assemble`"
        engine = cold[0].removeprefix(speak(""))
        remedy = f" (`loa engines pull {engine}` fetches what it needs)" if engine in bundles() else ""
        return f"no hot worker for the engine {engine}{remedy}; GET /v1/workers shows what each worker is doing"

    def eta(self, job: Job) -> float | None:
        """Seconds until the job has ended, if the others leave it what they leave it now; None while nobody knows.

        What is left is estimated from its characters, and corrected by how long the voice took for what is done. How fast it goes is the
        job's own pace in the last minute or two, which knows of other jobs and of segments that were spoken before; at first, and with
        several engines, the pace of their queues.
        """
        if job.ended or job.state is State.PLANNING or (job.state is State.QUEUED and job.segment is None):
            return None
        assembly = self._assembly(job)
        if job.state is State.ASSEMBLING:
            return max(0.0, assembly - (self.now - (job.spoken or self.now)))
        speech = self._speech(job)
        return None if speech is None else speech + assembly

    def _speech(self, job: Job) -> float | None:
        longer = _longer(job)
        if len(job.engines) == 1 and job.since is not None and self.queues.get(speak(job.engine), _NOBODY).slots:
            # What is under way is not told of until it is recorded, so a pace is measured from record to record. A silence that is longer
            # than a batch is a delay.
            under_way = min(LONG_BATCH, self.now - (job.recorded or self.now))
            seconds, audio = self.now - under_way - job.since, job.audio_seconds - job.audio_then
            if MEASURED <= seconds <= RECENT and audio > 0:
                return max(0.0, job.left * longer * seconds / audio - under_way)
        work: dict[str, float] = {}
        for engine, left in _left(job).items():
            pace = self.queues.get(speak(engine), _NOBODY).pace
            if pace is None:
                return None
            work[speak(engine)] = left * longer * pace
        # Processes that serve several engines share the work: the slowest set of queues decides.
        times = []
        for queues in _subsets(work):
            slots = frozenset().union(*(self.queues[queue].slots for queue in queues))
            if not slots:
                return None
            times.append(sum(work[queue] for queue in queues) / len(slots))
        return max(times, default=0.0)

    def _assembly(self, job: Job) -> float:
        """Seconds that the assembly will take; a job of one segment has none of its own."""
        if job.segments_total == 1:
            return 0.0
        pace = self.queues.get(ASSEMBLE, _NOBODY).pace
        return (job.audio_seconds + job.left * _longer(job)) * (USUAL_ASSEMBLY if pace is None else pace)


_NOBODY = QueueNow(slots=frozenset())


def queues_of(job: Job) -> tuple[str, ...]:
    """The queues that must serve a job now."""
    if job.state is State.ASSEMBLING:
        return (ASSEMBLE,)
    return tuple(speak(engine) for engine in _left(job)) if job.segments_total else (PLAN,)


def _left(job: Job) -> dict[str, float]:
    """Seconds of audio that each engine still has to speak, estimated; those that have none left out."""
    if len(job.engines) == 1:
        return {job.engine: job.left}
    if job.segment is not None:
        return {job.segment.engine or job.engine: job.left}
    return {engine: left for engine, left in job.left_by_engine.items() if left > 0}


def _longer(job: Job) -> float:
    """How much longer the audio is than its estimate, so far."""
    expected = job.estimate - job.left
    if expected < KNOWN or job.segments_done == 0:
        return 1.0
    least, most = TRUSTED
    return min(most, max(least, job.audio_seconds / expected))


def _subsets(queues: Iterable[str]) -> Iterable[tuple[str, ...]]:
    names = tuple(queues)
    return chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1))
