"""A history of everything that clients, the service and its receivers saw, and the check that nothing in it contradicts a promise.

The promises: what was accepted ends exactly once, as succeeded, failed or canceled; what was refused does not exist; one Idempotency-Key is
one job; a job's end is told once, as what it is; published audio has the size and the sha256 that its job names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from loa.states import TERMINAL

SERVED = frozenset({200, 202})
BUSY = frozenset({429, 503})  # what an overloaded or half dead service may answer


class Kind(StrEnum):
    """What can be wrong with a history."""

    LOST = "accepted, and nobody knows it any more"
    UNFINISHED = "accepted, and never ended"
    PHANTOM = "refused, and it exists"
    TWINS = "one Idempotency-Key made two jobs"
    ERROR = "an answer that the service may not give"
    NO_ADVICE = "429 or 503 without Retry-After"
    DUPLICATE_EVENT = "an end was told twice"
    FALSE_EVENT = "an end was told that the job did not have"
    MISSING_EVENT = "an end was never told"
    WRONG_AUDIO = "the audio is not what its job says"
    NO_AUDIO = "succeeded without audio, or audio of what did not succeed"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a client got for one submission. `status` None: nothing (the connection broke), so the job may exist or not."""

    key: str  # its Idempotency-Key, which is also the job's title
    status: int | None
    job_id: str = ""
    retry_after: bool = True
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """A job as the store has it in the end."""

    job_id: str
    key: str
    state: str
    promised: tuple[int, str] | None = None  # bytes and sha256 that its result names
    found: tuple[int, str] | None = None  # those of the file


@dataclass(frozen=True, kw_only=True)
class Event:
    """An end as a receiver was told. One delivery may arrive several times under one id; `delivery` "" has none, each counts."""

    job_id: str
    state: str
    delivery: str = ""


@dataclass(frozen=True, kw_only=True)
class Violation:
    kind: Kind
    what: str


@dataclass
class History:
    """Appended to by any thread."""

    answers: list[Answer] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def accepted(self) -> dict[str, str]:
        """Key → job, for every submission that was accepted."""
        return {answer.key: answer.job_id for answer in self.answers if answer.status in SERVED}

    def counts(self) -> dict[str, int]:
        """accepted = succeeded + failed + canceled, where nothing is wrong; and what became of the rest."""
        accepted = set(self.accepted)
        states = Counter(record.state for record in self.records if record.key in accepted)
        known = {answer.key for answer in self.answers}
        return {
            "submissions": len(known),
            "accepted": len(accepted),
            **{state: states[state] for state in ("succeeded", "failed", "canceled")},
            "refused": sum(answer.status in BUSY for answer in self.answers),
            "unanswered": sum(answer.status is None for answer in self.answers),
            "events": len(self.events),
        }

    def check(self, *, events_complete: bool = True) -> list[Violation]:
        """Everything that is wrong. `events_complete`: every end must have been told; else only what was told is judged."""
        return [*self._answers(), *self._jobs(), *self._audio(), *self._events(events_complete)]

    def _answers(self) -> Iterable[Violation]:
        for answer in self.answers:
            if answer.status is not None and answer.status not in SERVED | BUSY:
                yield Violation(kind=Kind.ERROR, what=f"{answer.key}: {answer.status}")
            if answer.status in BUSY and not answer.retry_after:
                yield Violation(kind=Kind.NO_ADVICE, what=f"{answer.key}: {answer.status}")

    def _jobs(self) -> Iterable[Violation]:
        records = {record.job_id: record for record in self.records}
        jobs: dict[str, set[str]] = defaultdict(set)
        for answer in self.answers:
            if answer.status in SERVED:
                jobs[answer.key].add(answer.job_id)
        open_keys = set(jobs) | {answer.key for answer in self.answers if answer.status is None}
        for record in self.records:
            if record.key in open_keys:
                jobs[record.key].add(record.job_id)
            else:
                yield Violation(kind=Kind.PHANTOM, what=f"{record.job_id} ({record.key})")
        for key, job_ids in jobs.items():
            if len(job_ids) > 1:
                yield Violation(kind=Kind.TWINS, what=f"{key}: {', '.join(sorted(job_ids))}")
            for job_id in job_ids:
                if job_id not in records:
                    yield Violation(kind=Kind.LOST, what=f"{job_id} ({key})")
                elif records[job_id].state not in TERMINAL:
                    yield Violation(kind=Kind.UNFINISHED, what=f"{job_id} is {records[job_id].state}")

    def _audio(self) -> Iterable[Violation]:
        for record in self.records:
            if (record.state == "succeeded") != (record.promised is not None):
                yield Violation(kind=Kind.NO_AUDIO, what=f"{record.job_id} is {record.state} and promises {record.promised}")
            elif record.promised != record.found:
                yield Violation(kind=Kind.WRONG_AUDIO, what=f"{record.job_id} promises {record.promised}, found {record.found}")

    def _events(self, complete: bool) -> Iterable[Violation]:
        told: dict[str, list[Event]] = defaultdict(list)
        for event in dict.fromkeys(self.events) if all(event.delivery for event in self.events) else self.events:
            told[event.job_id].append(event)
        states = {record.job_id: record.state for record in self.records}
        for job_id, events in told.items():
            if len(events) > 1:
                yield Violation(kind=Kind.DUPLICATE_EVENT, what=f"{job_id}: {', '.join(f'{one.state} {one.delivery}' for one in events)}")
            for event in events:
                if states.get(job_id) != event.state:
                    yield Violation(kind=Kind.FALSE_EVENT, what=f"{job_id} is {states.get(job_id)}; told was {event.state}")
        if complete:
            for job_id, state in states.items():
                if state in TERMINAL and job_id not in told:
                    yield Violation(kind=Kind.MISSING_EVENT, what=f"{job_id} ({state})")
