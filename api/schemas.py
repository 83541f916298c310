"""Every JSON object of the API as a pydantic model: requests are validated with these, answers documented; tests compare the two."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from api.book_schemas import CHAPTERS, LEXICON, LEXICON_TEXT, PAUSES, VOICES, Milliseconds
from api.contract import Schema, without_null
from api.delivery_schemas import WebhookJson, WebhookRequest
from loa.bundles import BUNDLE_NAME
from loa.engines import ENGINES
from loa.formats import FORMATS
from loa.plan.selection import LONGEST as LONGEST_SELECTION
from loa.states import State
from loa.store.pages import CURSOR, PAGE
from loa.submission import DEFAULT_FORMAT, DEFAULT_VOICE, SPEEDS
from loa.voice_desk import DEFAULT_ENGINE, NAME_RULE, SECONDS
from loa.voice_manifest import LANGUAGE

LONGEST_WAIT = 60  # seconds
TITLE_LIMIT = 300  # characters
CONSENT_LIMIT = 2_000  # characters
IDEMPOTENCY_KEY = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")  # 1 to 255 characters
METADATA_LIMIT = 16_384  # bytes as JSON: it comes back with every answer about the job
METADATA_DEPTH = 30  # objects and lists within each other


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [metadata]
    for _ in range(METADATA_DEPTH):
        values = [value for outer in level for value in (outer.values() if isinstance(outer, dict) else outer)]
        level = [value for value in values if isinstance(value, (dict, list))]
    if level:
        raise ValueError(f"is nested more than {METADATA_DEPTH} levels deep")
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > METADATA_LIMIT:
        raise ValueError(f"is {size:,} bytes as JSON; the limit is {METADATA_LIMIT:,}")
    return metadata


# The core decides what it accepts of voice, format and speed and has an error of its own for each; the schema only describes their values.
_FORMAT: dict[str, Any] = {"enum": list(FORMATS)}
_SPEED: dict[str, Any] = {"minimum": SPEEDS[0], "maximum": SPEEDS[1]}
_ENGINE: dict[str, Any] = {"enum": [name for name, facts in ENGINES.items() if facts.from_recordings and not facts.for_tests]}

Metadata = Annotated[dict[str, Any], AfterValidator(_small)]


class Manner(Schema):
    """How something shall be spoken."""

    voice: str | None = Field(None, description="a name that GET /v1/voices lists as installed; default: the first of `voices`, else joe")
    voices: dict[str, str] = Field(
        default_factory=dict,
        description='language → the voice that takes over where the text is in it, `{"vi": NAME, "en": NAME}`; English and Vietnamese are '
        "told from each other by sentence, and by side of “Problem / Vấn đề”",
        json_schema_extra=VOICES,
    )
    format: str = Field(DEFAULT_FORMAT, description="of the audio file", json_schema_extra=_FORMAT)
    speed: float = Field(1.0, description="1.5: one and a half times as fast", json_schema_extra=_SPEED)
    lane: Literal["interactive", "bulk"] | None = Field(
        None, description="interactive goes before bulk, and bulk always moves; default: interactive for text, bulk for a file"
    )
    title: str | None = Field(None, max_length=TITLE_LIMIT, description="for people; names the audio file")
    metadata: Metadata = Field(
        default_factory=dict, description=f"any JSON object of yours, at most {METADATA_LIMIT:,} bytes; comes back with the job"
    )
    webhook: WebhookRequest | None = Field(None, description="is told of the job's end, with a signed POST")
    author: str | None = Field(None, max_length=TITLE_LIMIT, description="instead of what the file says; so is `title`")
    chapters: str | None = Field(
        None,
        max_length=LONGEST_SELECTION,
        description="of a file: numbers and ranges out of its list of chapters, such as 3-7,9, or all; default: its body, without front "
        "and back matter such as cover, contents, notes and index",
        json_schema_extra=CHAPTERS,
    )
    lexicon: dict[str, Any] = Field(default_factory=dict, description=LEXICON_TEXT, json_schema_extra=LEXICON)
    pauses: dict[str, Milliseconds] = Field(
        default_factory=dict,
        description="ms of silence after each sentence, paragraph, heading or chapter, instead of LOA_PAUSE_*",
        json_schema_extra=PAUSES,
    )
    allow_partial: bool = Field(
        False, description="true: audio without the segments that cannot be spoken, which it names, is better than none"
    )


class JobRequest(Manner):
    """Text to be spoken."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"input": "Good morning. The train leaves at nine.", "voice": DEFAULT_VOICE}]},
    )
    input: str = Field(description="the text; at most LOA_TEXT_LIMIT characters (1,000,000)")


class JobForm(Manner):
    """A document to be spoken, with the other fields as form fields; those that are objects as JSON text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_null)

    file: Any = Field(
        description="a .txt, .md, .html, .epub, .docx or .pdf file",
        json_schema_extra={"type": "string", "contentMediaType": "application/octet-stream"},
    )


VOICE_EXAMPLE = {
    "file": "(anna.wav)",
    "name": "anna",
    "language": "vi-VN",
    "title": "Anna, gentle",
    "licence": "All rights reserved",
    "commercial_use": "false",
    "consent": "I am the speaker and allow this service to speak with my voice.",
}


def _voice_form(schema: dict[str, Any]) -> None:
    without_null(schema)
    schema["examples"] = [VOICE_EXAMPLE]


class VoiceForm(Schema):
    """A recording that a voice is made from, with the other fields as form fields."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_voice_form)
    file: Any = Field(
        description=f"{SECONDS[0]} to {SECONDS[1]} s of one person speaking, without noise or music: wav, flac, ogg or mp3",
        json_schema_extra={"type": "string", "contentMediaType": "application/octet-stream"},
    )
    name: str = Field(description=f"what jobs will name; {NAME_RULE}", json_schema_extra={"pattern": f"^{BUNDLE_NAME.pattern}$"})
    language: str = Field(description="BCP 47, for example vi-VN", json_schema_extra={"pattern": f"^{LANGUAGE.pattern}$"})
    title: str | None = Field(None, max_length=TITLE_LIMIT, description="for people; default: the name")
    licence: str = Field(min_length=1, max_length=TITLE_LIMIT, description="what may be done with the voice, in words")
    commercial_use: Literal["true", "false", "unknown"] = Field("unknown", description="whether the licence allows it")
    consent: str = Field(
        min_length=1,
        max_length=CONSENT_LIMIT,
        description="who the speaker is and that they agree, in your words; kept and shown for as long as the voice exists",
    )
    engine: str = Field(DEFAULT_ENGINE, description="one that makes voices from recordings", json_schema_extra=_ENGINE)


class Wait(Schema):
    wait: float = Field(0, ge=0, le=LONGEST_WAIT, description="seconds to hold the answer, until the job has ended")


class Listing(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra=without_null)

    state: State | None = Field(None, description="only jobs in this state")
    limit: int = Field(20, ge=1, le=PAGE, description="jobs a page")
    cursor: str | None = Field(None, pattern=f"^{CURSOR.pattern}$", description="`next_cursor` of the page before")


# --- answers --------------------------------------------------------------------------------------------------------


class Progress(Schema):
    segments_done: int
    segments_total: int = Field(description="0 until the text is planned")
    audio_seconds: float = Field(description="seconds of speech that are done")
    eta_seconds: float | None = Field(description="seconds of work left; null while nobody knows")
    queue_position: int = Field(description="jobs whose turn comes first")
    chapters_done: int
    chapters_total: int = Field(description="0 until the document is planned, and of what has no chapters")
    chapter: str | None = Field(description="title of the first chapter that is not done")


class Timings(Schema):
    queued_seconds: float = Field(description="from submission until a worker took it")
    setup_seconds: float = Field(description="loading of models, voices and kernels that this job waited for; 0 on a hot worker")
    synthesis_seconds: float = Field(description="from phonemes to audio samples, summed over its segments")
    total_seconds: float = Field(description="from submission until it ended, or until now")


class Subtitles(Schema):
    srt: str = Field(description="address of a SubRip file")
    vtt: str = Field(description="address of a WebVTT file")


class MarkJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Mark")
    title: str
    start: float = Field(description="seconds from the beginning of the audio; in a zip, as if its files were played one after the other")
    end: float


class MissingJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Missing")
    index: int = Field(description="of the segment")
    text: str = Field(description="its beginning")
    reason: str
    chapter: str | None = Field(default=None, description="title of the chapter that it is in; absent where it is in none")


class Result(Schema):
    audio_url: str
    duration_seconds: float
    sample_rate: int = Field(description="Hz")
    bytes: int
    sha256: str
    timings_url: str
    subtitles: Subtitles
    chapters: list[MarkJson] = Field(description="where each begins and ends in the audio; none of a text")
    loudness_lufs: float | None = Field(
        description="integrated loudness (ITU-R BS.1770); null of a single passage, which is left as it was spoken"
    )
    partial: bool = Field(description="true: some of the text could not be spoken")
    missing: list[MissingJson] = Field(description="what could not be spoken, the first 50 segments")
    missing_count: int


class Failure(Schema):
    code: str
    message: str
    remedy: str | None = None
    details: dict[str, Any] | None = None


class JobJson(Schema):
    """A job. Times in seconds, instants in ISO 8601, UTC."""

    model_config = ConfigDict(extra="forbid", title="Job")
    id: str
    state: State
    kind: Literal["text", "file"]
    lane: Literal["interactive", "bulk"]
    title: str | None
    voice: str
    voices: dict[str, str] = Field(description="language → who takes over where the text is in it")
    format: str
    speed: float
    metadata: dict[str, Any]
    chapters: str | None = Field(description="which were asked for; null: the body")
    pauses: dict[str, int] = Field(description="ms that were asked for")
    allow_partial: bool
    author: str | None
    webhook: WebhookJson | None
    characters: int = Field(description="of the text; of a file a guess until it is planned, then of what is spoken of it")
    created_at: str
    finished_at: str | None
    waiting_reason: str | None = Field(description="why nothing happens; null when something does")
    progress: Progress
    timings: Timings
    result: Result | None = Field(description="of a job that succeeded")
    error: Failure | None = Field(description="of a job that failed")


class JobPage(Schema):
    jobs: list[JobJson] = Field(description="newest first")
    next_cursor: str | None = Field(description="for the next page; null on the last")


class VoiceFileJson(Schema):
    role: str
    name: str
    url: str | None
    size: int | None = Field(description="bytes")
    sha256: str | None


class VoiceJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Voice")
    name: str
    title: str
    language: str = Field(description="BCP 47, for example vi-VN")
    engine: str
    engine_available: bool
    installed: bool
    common: bool = Field(description="every worker of its engine has it loaded before the first job")
    added: bool = Field(description="by POST /v1/voices: it can be removed")
    sample_rate: int | None = Field(description="Hz")
    licence: str
    licence_url: str | None
    commercial_use: bool | None = Field(description="null: not known, check the licence")
    notice: str | None
    consent: str | None = Field(description="of the speaker, in the words of whoever added the voice; null for a voice that was not added")
    created_at: str | None = Field(description="when it was added")
    source: str | None
    bytes: int | None
    files: list[VoiceFileJson]


class Voices(Schema):
    voices: list[VoiceJson]


class WorkerJson(Schema):
    """One worker process, as it announced itself."""

    model_config = ConfigDict(extra="forbid", title="Worker")
    id: str = Field(description="WORKER/INDEX; the same after a restart of the process")
    state: Literal["loading", "hot", "draining", "failed"]
    queues: list[str]
    pid: int
    host: str
    device: str
    device_uuid: str
    engines: list[str]
    voices: list[str] = Field(description="in memory, or loaded on first use")
    skipped: list[str] = Field(description="common voices that are not installed")
    unserved: dict[str, str] = Field(description="engines that are not installed, each with what is missing and what to do")
    steps: dict[str, float] = Field(description="seconds of each step of its start")
    message: str


class QueueJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Queue")
    ready_segments: int
    ready_seconds: float = Field(description="estimated seconds of audio")
    hot_slots: int
    wakes: int = Field(description="wake-ups that reached a worker")
    idle_wakes: int = Field(description="those of them that found nothing to do")


class Workers(Schema):
    workers: list[WorkerJson]
    queues: dict[str, QueueJson]


class Health(Schema):
    status: Literal["ok"]


class WordJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Word")
    text: str
    start: float
    end: float
    offset: int = Field(description="characters from the beginning of the segment's text")


class SegmentJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Segment")
    index: int
    text: str = Field(description="as it is written")
    start: float
    end: float
    words: list[WordJson]


class TimingsJson(Schema):
    """Seconds from the beginning of the audio."""

    model_config = ConfigDict(extra="forbid", title="TimingsFile")
    job: str
    sample_rate: int = Field(description="Hz")
    duration_seconds: float
    words_timed: bool = Field(
        description="true: the times of words are exact, out of the model; false: its engine knows none, and they are a best effort from "
        "the length of each word (those of segments are exact)"
    )
    segments: list[SegmentJson]


class Problem(Schema):
    """An error (RFC 9457, application/problem+json). Branch on `code`; the rest is for people."""

    type: str = Field(description="where the code is explained")
    title: str
    status: int
    detail: str = Field(description="what happened this time")
    code: str
    remedy: str = Field(description="what to do about it")
    details: dict[str, Any] | None = None
