"""Jobs as values: what is submitted, what the store knows, and the JSON that clients read."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from loa.api_keys import DEFAULT_OWNER
from loa.errors import ArtifactMissing
from loa.instants import instant, iso
from loa.pinned import Pinned
from loa.plan import Segment
from loa.states import TERMINAL, State
from loa.webhooks.endpoints import Webhook

if TYPE_CHECKING:
    from loa.standing import Standing

Lane = Literal["interactive", "bulk"]
Kind = Literal["text", "file"]

LEFT = "left_ms:speak."  # field of the record: what an engine has to speak of a job with several
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
    voices: Mapping[str, Pinned] = field(default_factory=dict)  # those that take over where the text is in their language, by language
    chapters: str = ""  # which are spoken, see loa.plan.selection; "": the body of the document
    lexicon: str | None = None  # artifact path
    pauses: Mapping[str, int] = field(default_factory=dict)  # ms, instead of the settings'
    allow_partial: bool = False  # segments that cannot be spoken are left out and named, where else the job would fail
    author: str | None = None  # instead of what the document says; so is `title`
    language: str = ""  # of the job's voice: the first part of its tag, "vi"

    def fields(self) -> dict[str, str]:
        """The constant part of the job record in Redis."""
        optional = {
            "voices": json.dumps({language: asdict(voice) for language, voice in self.voices.items()}) if self.voices else "",
            "engines": " ".join(sorted({voice.engine for voice in self.voices.values()} - {self.engine})),
            "chapters_wanted": self.chapters,
            "lexicon": self.lexicon or "",
            "pauses": json.dumps(dict(self.pauses)) if self.pauses else "",
            "allow_partial": "1" if self.allow_partial else "",
            "author": json.dumps(self.author) if self.author is not None else "",
            "language": self.language,
        }
        return {name: value for name, value in optional.items() if value} | {
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
    result: dict[str, Any] | None  # see worker/assembly/assembler.py; artifact paths: `path` of the audio, `timings`, `subtitles`
    error: dict[str, Any] | None
    webhook: Webhook | None
    voices: dict[str, Pinned]  # by language, beside the job's own voice
    chapters_wanted: str
    lexicon: str | None  # artifact path
    pauses: dict[str, int]  # ms
    allow_partial: bool
    author: str | None
    language: str  # see Order; "" of jobs that an older version accepted
    chapters_total: int  # 0 until planned, and where there are none
    chapters_done: int
    chapter: int  # from 0: the first that is not done
    left: float  # seconds of audio, estimated, that are not spoken yet
    left_by_engine: dict[str, float]  # the same, of a job with several
    spoken: float | None  # when the last segment was spoken
    since: float | None  # the beginning of the last minute or two of work on its segments, and
    audio_then: float  # the seconds of audio that were done then
    recorded: float | None  # when a segment was last recorded
    segments_missing: int  # left out for good

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
            voices={language: Pinned(**voice) for language, voice in (document("voices") or {}).items()},
            chapters_wanted=record.get("chapters_wanted", ""),
            lexicon=record.get("lexicon") or None,
            pauses=document("pauses") or {},
            allow_partial=record.get("allow_partial") == "1",
            author=document("author"),
            language=record.get("language", ""),
            chapters_total=int(record.get("chapters", 0)),
            chapters_done=int(record.get("chapters_done", 0)),
            chapter=int(record.get("chapter", 0)),
            left=int(record.get("waiting_ms", 0)) / 1000,
            left_by_engine={name.removeprefix(LEFT): int(ms) / 1000 for name, ms in record.items() if name.startswith(LEFT)},
            spoken=instant(record, "spoken"),
            since=instant(record, "mark_before"),
            audio_then=int(record.get("mark_before_audio", 0)) / 1000,
            recorded=instant(record, "recorded"),
            segments_missing=int(record.get("missing", 0)),
        )

    @classmethod
    def accepted(cls, order: Order, created: float) -> Job:
        """A job as it is right after its order was recorded."""
        return cls.from_record({**order.fields(), "state": State.QUEUED.value, "created": str(round(created * 1000))})

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    @property
    def engines(self) -> tuple[str, ...]:
        """Those that its segments may need, its own voice's first."""
        return tuple(dict.fromkeys((self.engine, *(voice.engine for voice in self.voices.values()))))

    def pinned(self, segment: Segment) -> Pinned:
        """The voice that speaks a segment, as it was when the job was accepted. Raises ArtifactMissing for any other."""
        if segment.voice in ("", self.voice):
            return Pinned(name=self.voice, fingerprint=self.fingerprint, engine=self.engine)
        for voice in self.voices.values():
            if voice.name == segment.voice:
                return voice
        raise ArtifactMissing(
            f"the plan of job {self.id} cannot be used: it names the voice {segment.voice!r}, which the job does not have"
        )


def job_json(job: Job, standing: Standing) -> dict[str, Any]:
    """The JSON that clients read; the fields are documented in the OpenAPI schema of the API."""
    base = f"/v1/jobs/{job.id}"
    result = None
    if job.result is not None:
        result = {
            "audio_url": f"{base}/audio",
            **{name: job.result[name] for name in ("duration_seconds", "sample_rate", "bytes", "sha256")},
            "timings_url": f"{base}/timings.json",
            "subtitles": {kind: f"{base}/subtitles.{kind}" for kind in ("srt", "vtt")},
            "chapters": job.result.get("chapters", []),
            "loudness_lufs": job.result.get("loudness_lufs"),
            "partial": bool(job.result.get("missing")),
            "missing": job.result.get("missing", []),
            "missing_count": job.result.get("missing_count", 0),
        }
    until = job.finished if job.finished is not None else standing.now
    return {
        "id": job.id,
        "state": job.state.value,
        "kind": job.kind,
        "lane": job.lane,
        "title": job.title,
        "voice": job.voice,
        "voices": {language: voice.name for language, voice in job.voices.items()},
        "format": job.format,
        "speed": job.speed,
        "metadata": job.metadata,
        "chapters": job.chapters_wanted or None,
        "pauses": job.pauses,
        "allow_partial": job.allow_partial,
        "author": job.author,
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
            "chapters_done": job.chapters_done,
            "chapters_total": job.chapters_total,
            "chapter": standing.chapter,
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
