"""Submitting, reading, listing and canceling jobs: the side of the store that answers people."""

from __future__ import annotations

from dataclasses import dataclass

from loa.errors import IdempotencyConflict, StoreUnavailable, UnknownJob
from loa.jobs import DEFAULT_OWNER, Job, Order
from loa.keys import ASSEMBLE, BUCKETS, PLAN, SOLO, bucket
from loa.limits import LIMITS, refused
from loa.standing import QueueNow, Standing, queues_of
from loa.states import State
from loa.store.database import Database
from loa.store.pages import page
from loa.store.scripts import milliseconds


@dataclass(frozen=True, kw_only=True)
class Submitted:
    job_id: str
    created: float | None  # when it was accepted (seconds, Redis clock); None: an earlier request with the same Idempotency-Key made it


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """A client's key (hashed) with the hash of the request that it stands for."""

    key_hash: str
    request_hash: str


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def deadline(self) -> int:
        """The instant (ms, Redis clock) after which a submit that begins now must not take effect any more."""
        return self._deadline(self._database.command("time"))

    def _deadline(self, time: tuple[int, int]) -> int:
        seconds, micros = time
        return seconds * 1000 + micros // 1000 + milliseconds(self._database.settings.submit_deadline)

    def submit(self, order: Order, *, deadline: int, idempotency: Idempotency | None = None) -> Submitted:
        """Record a job in one atomic step and wake a worker.

        `deadline` is what `deadline()` gave when the request began. Raises IdempotencyConflict; LimitExceeded or Overloaded, with the
        seconds until it may be tried again; StoreUnavailable when Redis is away or too late.
        """
        if (order.segment is None) == (order.document is None):
            raise ValueError("an order has either its one segment or a document to plan")
        item, length, engine = PLAN, BUCKETS[0], ""
        estimate = 0.0
        if order.segment is not None:
            estimate, engine = order.segment.audio_seconds, order.segment.engine
            item, length = "0", bucket(estimate)
        ttl = milliseconds(self._database.settings.idempotency_hours * 3600)
        pairs = [text for pair in order.fields().items() for text in pair]
        key = (idempotency.key_hash, idempotency.request_hash) if idempotency else ("", "")
        outcome, *rest = self._database.run("submit", order.id, deadline, *key, ttl, item, length, milliseconds(estimate), engine, *pairs)
        if outcome == "late":
            raise StoreUnavailable("Redis answered too late to accept the job; nothing was recorded")
        if outcome == "conflict":
            raise _conflict(rest[0])
        if outcome in LIMITS:
            raise refused(outcome, *rest)
        if outcome != "created":
            return Submitted(job_id=rest[0], created=None)
        job_id, now, *tokens = rest
        self._database.wake(tokens)
        return Submitted(job_id=job_id, created=now / 1000)

    def repeated(self, idempotency: Idempotency, owner: str = DEFAULT_OWNER) -> tuple[str | None, int]:
        """The job that this very request made before, if it did, and the deadline of one that begins now. Raises IdempotencyConflict.

        It spares a repetition the work of becoming an order again; `submit` decides between two that come at once.
        """
        with self._database.pipeline() as pipeline:
            pipeline.get(self._database.keys.idempotency(owner, idempotency.key_hash))
            pipeline.time()
            stored, time = pipeline.execute()
        if stored is None:
            return None, self._deadline(time)
        request, job_id = stored.split(" ")
        if request != idempotency.request_hash:
            raise _conflict(job_id)
        return str(job_id), self._deadline(time)

    def get(self, job_id: str, owner: str | None = DEFAULT_OWNER) -> Job:
        """A job of this owner (None: of anyone). Raises UnknownJob."""
        record = self._database.command("hgetall", self._database.keys.job(job_id))
        if not record or (owner is not None and record["owner"] != owner):
            raise UnknownJob(f"there is no job {job_id}")
        return Job.from_record(record)

    def standing(self, job: Job) -> Standing:
        """Where the job stands among the others."""
        keys = self._database.keys
        if job.finished is not None:
            return Standing(now=job.finished)
        seconds, micros = self._database.command("time")
        now = seconds + micros / 1e6
        queues = tuple(dict.fromkeys((*queues_of(job), ASSEMBLE)))
        rings = [keys.ring(queues[0], job.lane, job.owner, bucket) for bucket in (*BUCKETS, SOLO)]
        with self._database.pipeline() as pipeline:
            pipeline.hget(keys.chapters(job.id), f"title:{job.chapter}")
            for queue in queues:
                pipeline.zrangebyscore(keys.hot(queue), f"({milliseconds(now)}", "+inf")
                pipeline.hmget(keys.backlog(queue), "compute_ms", "audio_ms")
            for ring in rings:
                pipeline.zscore(ring, job.id)
            chapter, *facts = pipeline.execute()
        facts, turns = facts[: 2 * len(queues)], facts[2 * len(queues) :]
        turns = [turn for turn in turns if turn is not None]
        ahead = 0
        if turns and job.state is State.QUEUED:
            with self._database.pipeline() as pipeline:
                for ring in rings:
                    pipeline.zcount(ring, "-inf", f"({min(turns):.0f}")
                ahead = sum(pipeline.execute())
        known = {
            queue: QueueNow(slots=frozenset(slots), pace=int(compute_ms) / int(audio_ms) if int(audio_ms or 0) else None)
            for queue, slots, (compute_ms, audio_ms) in zip(queues, facts[::2], facts[1::2], strict=True)
        }
        return Standing(now=now, ahead=ahead, queues=known, chapter=chapter if job.state is State.SPEAKING else None)

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state; in a final one: how many ever came to it. Of all owners."""
        counts = self._database.command("hgetall", self._database.keys.counts())
        return {state: int(counts.get(state, 0)) for state in State}

    def list(
        self, owner: str = DEFAULT_OWNER, *, state: State | None = None, limit: int = 20, cursor: str | None = None
    ) -> tuple[list[Job], str | None]:
        """Jobs of an owner, newest first, and the cursor of the next page (None: this was the last)."""
        index = self._database.keys.jobs(owner, state.value if state else "all")
        names, following = page(self._database, index, limit, cursor)
        with self._database.pipeline() as pipeline:
            for job_id in names:
                pipeline.hgetall(self._database.keys.job(job_id))
            records = pipeline.execute()
        return [Job.from_record(record) for record in records if record], following

    def cancel(self, job_id: str, owner: str = DEFAULT_OWNER) -> Job:
        """End a job unless it has ended already; its segments leave the queue at once. Raises UnknownJob."""
        if self._database.run("cancel", job_id, owner) is None:
            raise UnknownJob(f"there is no job {job_id}")
        return self.get(job_id, owner)


def _conflict(job_id: str) -> IdempotencyConflict:
    return IdempotencyConflict("this Idempotency-Key was used before with another request", job=job_id)
