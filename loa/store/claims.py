"""Claiming work under a lease, and every way a claim ends: the side of the store that workers use.

A claim's id is its fence: a counter and a random nonce (a counter alone could be issued twice after Redis lost its tail). Every call that
changes something names the claim, and is answered *superseded* when the claim no longer holds the item.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from loa.errors import ArtifactMissing, LoaError
from loa.jobs import Job
from loa.keys import bucket
from loa.plan import Plan
from loa.store.database import Database
from loa.store.scripts import milliseconds, pairs

INSERT = 500  # segments a script at most, so that no script holds Redis for long
TITLE = 200  # characters of a chapter's title that Redis keeps
EXCERPT = 120  # characters of a segment, and of what was wrong with it, that are kept for people
LEAST_LIMIT = 30.0  # seconds that any batch may take


class Refusal(StrEnum):
    """Why a claim got nothing."""

    EMPTY = "empty"  # no work is ready
    DRAIN = "drain"  # this worker is shutting down
    COLD = "cold"  # this slot is not hot, or its heartbeat ended


@dataclass(frozen=True)
class Item:
    """One unit of work of a job: `plan`, a segment's index, or `assemble`."""

    job_id: str
    name: str

    @property
    def index(self) -> int:
        return int(self.name)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a claim holds. Items that were done or handed back are no longer its own."""

    claim: str
    items: tuple[Item, ...]
    jobs: dict[str, Job]
    takes: Mapping[Item, int] = field(default_factory=dict)  # how often an item was spoken in vain; absent: never
    left: int = 0  # items that were ready in the queue and not taken
    alone: bool = False  # its one item was lost with a worker before: nothing else may be at risk beside it

    @property
    def started(self) -> bool:
        """Whether the claim has marked its items as started: so it does with a single one."""
        return len(self.items) == 1


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A segment whose audio is in the artifact store."""

    item: Item
    audio_seconds: float
    setup_seconds: float = 0.0  # load events that it waited for
    synthesis_seconds: float = 0.0  # 0: it was in the store already
    result: Mapping[str, Any] | None = None  # of a job of one segment whose audio is made already: its job ends with it


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """A segment of which no speech came."""

    item: Item
    text: str  # what was to be spoken
    reason: str  # in words
    final: bool = False  # another take would be no better


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A segment that a job goes on without."""

    index: int
    text: str  # the beginning of it; "" where it is not known
    reason: str  # in words
    chapter: str = ""  # title of the one that it is in; "": it is in none, or in one without a title

    def to_json(self) -> dict[str, Any]:
        said = {"index": self.index, "text": self.text, "reason": self.reason}
        return said | {"chapter": self.chapter} if self.chapter else said


@dataclass(frozen=True, kw_only=True)
class Recorded:
    accepted: tuple[bool, ...]  # False: superseded, canceled or failed meanwhile; a result with it is not published
    complete: tuple[str, ...]  # jobs whose last segment this was, and that are now to be assembled


class Claims:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, queue: str, slot: str, *, token: str = "", most: int, seconds: float, rate: float, limit: float = LEAST_LIMIT
    ) -> Batch | Refusal:
        """The next batch of a queue: at most `most` items and `seconds` of compute, at `rate` seconds of compute per second of audio.

        No beat keeps it longer than `limit` seconds, or 10 × its estimate where that is longer.
        """
        arguments = (most, milliseconds(seconds / rate) if rate > 0 else 2**53, rate, milliseconds(limit))
        outcome, *rest = self._database.run("claim", queue, slot, token, secrets.token_hex(8), *arguments)
        if outcome not in ("batch", "alone"):
            return Refusal(outcome)
        claim, left, count, *rest = rest
        names, rest = rest[: 3 * count], rest[3 * count :]
        jobs, tokens = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        self._database.wake(tokens)
        records = [Job.from_record(pairs(record)) for record in jobs]
        items = tuple(Item(job_id, name) for job_id, name in zip(names[::3], names[1::3], strict=True))
        takes = {item: bad for item, bad in zip(items, names[2::3], strict=True) if bad}
        return Batch(claim=claim, items=items, jobs={job.id: job for job in records}, takes=takes, left=left, alone=outcome == "alone")

    def start(self, claim: str, items: Sequence[Item]) -> list[Item]:
        """Mark items as started, just before the work that could kill the process; returns those still held.

        The single item of a claim is marked already.
        """
        answer = self._database.run("start", claim, *_flat(items))
        return [item for item, held in zip(items, answer, strict=True) if held]

    def record(self, claim: str, spoken: Sequence[Spoken]) -> Recorded:
        """Record spoken segments. The last one of a job makes its assembly ready, or ends the job where it brings the result along."""
        arguments: list[str | int] = []
        for one in spoken:
            arguments += [one.item.job_id, one.item.name]
            arguments += [milliseconds(one.audio_seconds), _some(one.setup_seconds), _some(one.synthesis_seconds)]
            arguments.append(json.dumps(one.result) if one.result else "")
        count, *rest = self._database.run("record", claim, *arguments)
        accepted, (complete, *rest) = rest[:count], rest[count:]
        self._database.wake(rest[complete:])
        return Recorded(accepted=tuple(bool(one) for one in accepted), complete=tuple(rest[:complete]))

    def spoil(self, claim: str, spoilt: Sequence[Spoilt]) -> None:
        """Have segments spoken again of which no speech came, or leave them out for good after MAX_TAKES, or once they are `final`.

        A job that does not allow a partial result fails over those, as Incomplete, when all others are spoken.
        """
        arguments: list[str | int] = []
        for one in spoilt:
            said = LeftOut(index=one.item.index, text=one.text[:EXCERPT], reason=one.reason[:EXCERPT])
            arguments += [one.item.job_id, one.item.name, int(one.final), json.dumps(said.to_json(), ensure_ascii=False)]
        if arguments:
            self._database.wake(self._database.run("spoil", claim, *arguments))

    def left_out(self, job_id: str) -> tuple[LeftOut, ...]:
        """Every segment that an unfinished job goes on without, in order."""
        entries = map(json.loads, self._database.command("hvals", self._database.keys.missing(job_id)))
        return tuple(sorted((LeftOut(**entry) for entry in entries), key=lambda one: one.index))

    def plan(self, claim: str, job_id: str, plan: Plan, path: str) -> bool:
        """Insert a plan that is already stored at `path`, in steps, and make it current. False: the claim is superseded."""
        chapters = [place for place, chapter in enumerate(plan.chapters) for _ in range(chapter.count)] or [-1] * len(plan.segments)
        for first in range(0, len(plan.segments), INSERT):
            some = slice(first, first + INSERT)
            arguments = [
                part
                for one, chapter in zip(plan.segments[some], chapters[some], strict=True)
                for part in (bucket(one.audio_seconds), milliseconds(one.audio_seconds), one.engine, chapter)
            ]
            if not self._database.run("plan_insert", claim, job_id, first, *arguments):
                return False
        titles = [part for chapter in plan.chapters for part in (chapter.title[:TITLE], chapter.count)]
        outcome, *tokens = self._database.run("planned", claim, job_id, path, plan.characters, *titles)
        self._database.wake(tokens)
        return bool(outcome == "planned")

    def finish(self, claim: str, job_id: str, result: dict[str, Any]) -> bool:
        """Publish a result (with the artifact paths under this claim) and end the job.

        False: superseded; the caller removes what it wrote.
        """
        return bool(self._database.run("finish", claim, job_id, json.dumps(result)))

    def missing(self, claim: str, job_id: str, segments: Iterable[int]) -> None:
        """Return segments that are gone from the artifact store, from an assembly to the speakers."""
        indices = [str(index) for index in segments]
        error = ArtifactMissing(f"segments {', '.join(indices[:5])} vanished from the artifact store again and again")
        _, *tokens = self._database.run("missing", claim, job_id, json.dumps(error.to_json()), *indices)
        self._database.wake(tokens)

    def fail(self, claim: str, item: Item, error: LoaError) -> bool:
        """End a job with an error over an item that the claim holds. False: superseded."""
        return bool(self._database.run("fail", claim, item.job_id, item.name, json.dumps(error.to_json(), ensure_ascii=False)))

    def hand_back(self, claim: str, items: Sequence[Item], *, charged: bool = False) -> None:
        """Give items back at once. Charged: this process ends over those that it has started, as if its lease had ended."""
        if items:
            self._database.wake(self._database.run("hand_back", claim, int(charged), *_flat(items)))

    def idle(self, slot: str, queue: str) -> None:
        """The slot's task has ended; if work is left, wake its successor."""
        self._database.wake(self._database.run("idle", slot, queue))


def _some(seconds: float) -> int:
    """Milliseconds, where 0 means that there was nothing at all."""
    return max(milliseconds(seconds), int(seconds > 0))


def _flat(items: Iterable[Item]) -> list[str]:
    return [part for item in items for part in (item.job_id, item.name)]
