"""Jobs as values: what is submitted, what the store knows, and the JSON that clients read."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from loa.api_keys import DEFAULT_OWNER
from loa.engine_files import bundles
from loa.instants import instant, iso
from loa.plan import Segment
from loa.states import TERMINAL, State
from loa.webhooks.endpoints import Webhook

Lane = Literal["interactive", "bulk"]
Kind = Literal["text", "file"]

JOB_ID = re.compile(r"job_[0-9a-f]{24}")


def new_job_id() -> str:
    return f"job_{secrets.token_hex(12)}"


def is_job_id(text: str) -> bool:
    return JOB_ID.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Order:
    """A validated submission: everything that a job is made of, fixed for its whole life.

    Short text comes with its one `segment`; anything longer comes as a `document` in the artifact store, which a planner cuts into
    segments.
    """

    id: str
    voice: str
    fingerprint: str  # of the voice as it was when the job was accepted
    engine: str
    characters: int
    kind: Kind = "text"
    lane: Lane = "interactive"
    owner: str = DEFAULT_OWNER
    format: str = "wav"
    speed: float = 1.0
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    segment: Segment | None = None
    document: str | None = None  # artifact path
    estimate: float = 0.0  # seconds of audio
    webhook: Webhook | None = None
    allow_partial: bool = False  # segments that cannot be spoken are left out and named, where else the job would fail

    def fields(self) -> dict[str, str]:
        """The constant part of the job record in Redis."""
        return {
            "id": self.id,
            "owner": self.owner,
            "kind": self.kind,
            "lane": self.lane,
            "title": json.dumps(self.title),
            "voice": self.voice,
            "fingerprint": self.fingerprint,
            "engine": self.engine,
            "format": self.format,
            "speed": repr(self.speed),
            "metadata": json.dumps(dict(self.metadata), ensure_ascii=False),
            "characters": str(self.characters),
            "document": self.document or "",
            "segment": json.dumps(self.segment.to_json(), ensure_ascii=False) if self.segment else "",
            "estimate_ms": str(round(self.estimate * 1000)),
            "total": "1" if self.segment else "0",
            "webhook": self.webhook.record(self.owner) if self.webhook else "",
            "allow_partial": "1" if self.allow_partial else "",
        }


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the store knows of a job. Instants are seconds since the epoch (Redis clock), durations seconds."""

    id: str
    owner: str
    kind: Kind
    lane: Lane
    title: str | None
    voice: str
    fingerprint: str
    engine: str
    format: str
    speed: float
    metadata: dict[str, Any]
    characters: int
    document: str | None  # artifact path of the text, for jobs that are planned
    segment: Segment | None  # the one segment of a short job
    plan: str | None  # artifact path of the current plan
    state: State
    created: float
    started: float | None  # first claim
    finished: float | None
    segments_total: int  # 0 until planned
    segments_done: int
    audio_seconds: float  # of the segments done
    estimate: float  # seconds of audio of the whole
    setup_seconds: float  # load events that this job waited for
    synthesis_seconds: float
    result: dict[str, Any] | None  # duration_seconds, sample_rate, bytes, sha256; artifact paths: `path` of the audio, `timings`
    error: dict[str, Any] | None
    webhook: Webhook | None
    allow_partial: bool = False
    segments_missing: int = 0  # left out for good

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Job:
        def document(name: str) -> Any:
            return json.loads(record[name]) if record.get(name) else None

        segment = document("segment")
        return cls(
            id=record["id"],
            owner=record["owner"],
            kind=record["kind"],  # type: ignore[arg-type]
            lane=record["lane"],  # type: ignore[arg-type]
            title=document("title"),
            voice=record["voice"],
            fingerprint=record["fingerprint"],
            engine=record["engine"],
            format=record["format"],
            speed=float(record["speed"]),
            metadata=document("metadata"),
            characters=int(record["characters"]),
            document=record.get("document") or None,
            segment=Segment.from_json(segment) if segment else None,
            plan=record.get("plan") or None,
            state=State(record["state"]),
            created=int(record["created"]) / 1000,
            started=instant(record, "started"),
            finished=instant(record, "finished"),
            segments_total=int(record["total"]),
            segments_done=int(record.get("done", 0)),
            audio_seconds=int(record.get("audio_ms", 0)) / 1000,
            estimate=int(record["estimate_ms"]) / 1000,
            setup_seconds=int(record.get("setup_ms", 0)) / 1000,
            synthesis_seconds=int(record.get("synthesis_ms", 0)) / 1000,
            result=document("result"),
            error=document("error"),
            webhook=Webhook.from_record(record["webhook"]) if record.get("webhook") else None,
            allow_partial=record.get("allow_partial") == "1",
            segments_missing=int(record.get("missing", 0)),
        )

    @classmethod
    def accepted(cls, order: Order, created: float) -> Job:
        """A job as it is right after its order was recorded."""
        return cls.from_record({**order.fields(), "state": State.QUEUED.value, "created": str(round(created * 1000))})

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a job stands among the others, as of one moment."""

    now: float  # Redis clock
    ahead: int = 0  # jobs whose turn comes first; 0 once work has begun
    hot_slots: int | None = 0  # processes that can do its next step; None: not known
    pace: float | None = None  # seconds of compute per second of audio of late, one slot

    def waiting_reason(self, job: Job) -> str | None:
        """Why nothing happens, in words; None when something does."""
        if job.ended or self.hot_slots != 0:
            return None
        if job.state is State.ASSEMBLING:
            return "no hot worker for the queue assemble; start one with `loa worker --queues plan,assemble`"
        if not job.segments_total:
            return "no hot worker for the queue plan; start one with `loa worker --queues plan,assemble`"
        remedy = f" (`loa engines pull {job.engine}` fetches what it needs)" if job.engine in bundles() else ""
        return f"no hot worker for the engine {job.engine}{remedy}; GET /v1/workers shows what each worker is doing"

    def eta(self, job: Job) -> float | None:
        """Seconds of compute that are left, spread over the hot slots; None while nothing was measured."""
        if job.ended or self.pace is None or not self.hot_slots:
            return None
        return max(0.0, job.estimate - job.audio_seconds) * self.pace / self.hot_slots


def job_json(job: Job, standing: Standing) -> dict[str, Any]:
    """The JSON that clients read; the fields are documented in the OpenAPI schema of the API."""
    base = f"/v1/jobs/{job.id}"
    result = None
    if job.result is not None:
        result = {
            "audio_url": f"{base}/audio",
            **{name: job.result[name] for name in ("duration_seconds", "sample_rate", "bytes", "sha256")},
            "timings_url": f"{base}/timings.json",
            "partial": bool(job.result.get("missing")),
        }
    until = job.finished if job.finished is not None else standing.now
    return {
        "id": job.id,
        "state": job.state.value,
        "kind": job.kind,
        "lane": job.lane,
        "title": job.title,
        "voice": job.voice,
        "format": job.format,
        "speed": job.speed,
        "metadata": job.metadata,
        "webhook": job.webhook.to_json() if job.webhook else None,
        "characters": job.characters,
        "created_at": iso(job.created),
        "finished_at": iso(job.finished),
        "waiting_reason": standing.waiting_reason(job),
        "progress": {
            "segments_done": job.segments_done,
            "segments_total": job.segments_total,
            "audio_seconds": round(job.audio_seconds, 3),
            "eta_seconds": _rounded(standing.eta(job)),
            "queue_position": standing.ahead,
        },
        "timings": {
            "queued_seconds": round((job.started if job.started is not None else until) - job.created, 3),
            "setup_seconds": round(job.setup_seconds, 3),
            "synthesis_seconds": round(job.synthesis_seconds, 3),
            "total_seconds": round(until - job.created, 3),
        },
        "result": result,
        "error": job.error,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
