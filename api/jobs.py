"""Submit jobs, follow them, fetch what they made."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from api.access import caller
from api.contract import FORM, JSON, Answer, operation
from api.downloads import download, small_download
from api.requests import hung_up, read_idempotency_key, read_json, read_query, read_submission
from api.schemas import (
    ChaptersJson,
    JobForm,
    JobJson,
    JobPage,
    JobRequest,
    Listing,
    PreviewJson,
    PreviewRequest,
    TimingsJson,
    Wait,
)
from api.service import service
from loa.api_keys import Scope
from loa.errors import (
    AudioExpired,
    BodyTooLarge,
    BrokenVoice,
    EmptyText,
    IdempotencyConflict,
    InvalidChapters,
    InvalidLexicon,
    InvalidPauses,
    InvalidRequest,
    InvalidSpeed,
    InvalidVoices,
    InvalidWebhook,
    JobCanceled,
    JobFailed,
    JobNotFinished,
    LimitExceeded,
    MalformedJson,
    Overloaded,
    RangeNotSatisfiable,
    StorageFull,
    StorageUnavailable,
    TextTooLong,
    UnknownEngine,
    UnknownFormat,
    UnknownJob,
    UnknownVoice,
    UnreadableDocument,
    UnsupportedMediaType,
    VoiceNotInstalled,
)
from loa.formats import format_named
from loa.subtitles import Kind

blueprint = Blueprint("jobs", __name__)
TAG = "Jobs"
SUBTITLE_TYPES: dict[Kind, str] = {"srt": "application/x-subrip", "vtt": "text/vtt; charset=utf-8"}

_HEADERS = {
    "Location": "the job's address",
    "Idempotent-Replay": "`true`: the job was made by an earlier request with the same Idempotency-Key",
}
_ELSEWHERE = Answer(
    what="The file lies in S3: fetch it there (the same Range works), within a quarter of an hour, without your key.",
    media_type="text/html",
    headers={"Location": "a signed link"},
)
_NO_FILE = (UnknownJob, JobNotFinished, JobFailed, JobCanceled, AudioExpired, StorageUnavailable)
_BAD_REQUEST = (InvalidRequest, MalformedJson, UnsupportedMediaType, EmptyText, TextTooLong, BodyTooLarge, UnreadableDocument)
_BAD_VOICE = (UnknownVoice, VoiceNotInstalled, BrokenVoice, UnknownEngine)
_BAD_WISH = (InvalidVoices, InvalidChapters, InvalidLexicon, InvalidPauses)
_BAD_MANNER = (*_BAD_VOICE, *_BAD_WISH, UnknownFormat, InvalidSpeed, InvalidWebhook)
_BAD_SUBMISSION = (*_BAD_REQUEST, *_BAD_MANNER, IdempotencyConflict, LimitExceeded, Overloaded, StorageFull, StorageUnavailable)


@blueprint.post("/v1/jobs")
@operation(
    "Submit text or a file",
    tag=TAG,
    scope=Scope.SUBMIT,
    query=Wait,
    bodies={JSON: JobRequest, FORM: JobForm},
    headers={"Idempotency-Key": "1 to 255 characters of yours; the same request with the same key makes no second job for two days"},
    answers={
        202: Answer(what="Accepted; the job goes on.", schema=JobJson, headers=_HEADERS),
        200: Answer(
            what="The job has ended already (with `wait`, or repeated with the same key): look at its state.",
            schema=JobJson,
            headers=_HEADERS,
        ),
    },
    errors=_BAD_SUBMISSION,
)
def submit_job() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send JSON with `input`, or a form with `file`. With `wait` the answer is held until the job has ended or the seconds are over,
    whichever comes first; when too many requests wait already, it comes at once."""
    wait = read_query(request, Wait).wait
    submission, key = read_submission(request, service().settings), read_idempotency_key(request)
    job, replayed = service().submit(caller().owner, submission, key, wait, hung_up)
    headers = {"Location": f"/v1/jobs/{job['id']}", **({"Idempotent-Replay": "true"} if replayed else {})}
    return job, 200 if job["finished_at"] else 202, headers


@blueprint.get("/v1/jobs")
@operation(
    "List jobs",
    tag=TAG,
    scope=Scope.READ,
    query=Listing,
    answers={200: Answer(what="A page of jobs, newest first.", schema=JobPage)},
    errors=(InvalidRequest,),
)
def list_jobs() -> dict[str, Any]:
    """Jobs are forgotten LOA_JOB_RETENTION_DAYS after they ended."""
    return service().jobs(caller().owner, **dict(read_query(request, Listing)))


@blueprint.get("/v1/jobs/<job_id>")
@operation(
    "Show a job",
    tag=TAG,
    scope=Scope.READ,
    query=Wait,
    answers={200: Answer(what="The job.", schema=JobJson)},
    errors=(InvalidRequest, UnknownJob),
)
def show_job(job_id: str) -> dict[str, Any]:
    """With `wait` the answer is held until the job has ended or the seconds are over; `state` says which."""
    return service().job(caller().owner, job_id, read_query(request, Wait).wait, hung_up)


@blueprint.post("/v1/jobs/<job_id>/cancel")
@operation(
    "Cancel a job",
    tag=TAG,
    scope=Scope.SUBMIT,
    answers={200: Answer(what="The job. One that had ended before stays as it was.", schema=JobJson)},
    errors=(UnknownJob,),
)
def cancel_job(job_id: str) -> dict[str, Any]:
    """Nothing more of it is spoken; the batch under way ends within seconds."""
    return service().cancel(caller().owner, job_id)


@blueprint.get("/v1/jobs/<job_id>/audio")
@operation(
    "Fetch the audio",
    tag=TAG,
    scope=Scope.READ,
    headers={
        "Range": "`bytes=FIRST-LAST`: a part of the file",
        "If-Range": "an ETag: the part only if the file is still that one",
        "If-None-Match": "ETags that you have",
    },
    answers={
        200: Answer(what="The audio file.", media_type="audio/*", headers={"ETag": "the sha256 of the file", "Accept-Ranges": "`bytes`"}),
        206: Answer(what="The part that was asked for.", media_type="audio/*", headers={"Content-Range": "which part of how many bytes"}),
        304: Answer(what="You have it already."),
        307: _ELSEWHERE,
    },
    errors=(UnknownJob, JobNotFinished, JobFailed, JobCanceled, AudioExpired, RangeNotSatisfiable, StorageUnavailable),
)
def fetch_audio(job_id: str) -> Response:
    """HEAD works, too. The file never changes."""
    job = service().published(caller().owner, job_id)
    form = format_named(job.format)
    return download(
        job.result["path"], tag=job.result["sha256"], name=f"{job.title or job.id}.{form.extension}", media_type=form.media_type
    )


@blueprint.get("/v1/jobs/<job_id>/chapters")
@operation(
    "List the chapters",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="The chapters of the document, those that are spoken and the others.", schema=ChaptersJson)},
    errors=(UnknownJob, AudioExpired, StorageUnavailable),
)
def list_chapters(job_id: str) -> dict[str, Any]:
    """They are known once the document is planned: `progress.segments_total` is more than 0 then."""
    return service().chapters(caller().owner, job_id)


@blueprint.post("/v1/preview")
@operation(
    "Preview a text",
    tag=TAG,
    scope=Scope.SUBMIT,
    bodies={JSON: PreviewRequest},
    answers={200: Answer(what="What will be spoken, segment by segment.", schema=PreviewJson)},
    errors=(InvalidRequest, MalformedJson, UnsupportedMediaType, BodyTooLarge, EmptyText, InvalidLexicon, InvalidVoices, *_BAD_VOICE),
)
def preview() -> dict[str, Any]:
    """Exactly what a job would say, with every change between what is written and what is said, and the language of each stretch."""
    fields = read_json(request, PreviewRequest)
    return service().preview.show(fields.input, owner=caller().owner, **fields.model_dump(exclude={"input"}))


@blueprint.get("/v1/jobs/<job_id>/timings.json")
@operation(
    "Fetch the timings",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="Where each word is in the audio.", schema=TimingsJson), 307: _ELSEWHERE},
    errors=_NO_FILE,
)
def fetch_timings(job_id: str) -> Response:
    """Seconds from the beginning of the audio, word by word."""
    job = service().published(caller().owner, job_id)
    return download(job.result["timings"], tag=f"{job.result['sha256']}-timings", name=f"{job.title or job.id}.json", media_type=JSON)


@blueprint.get("/v1/jobs/<job_id>/subtitles.srt")
@operation(
    "Fetch the subtitles as SRT",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="The subtitles.", media_type=SUBTITLE_TYPES["srt"]), 307: _ELSEWHERE},
    errors=_NO_FILE,
)
def fetch_srt(job_id: str) -> Response:
    """SubRip: sentence by sentence, in at most two lines of 42 characters."""
    return _subtitles(job_id, "srt")


@blueprint.get("/v1/jobs/<job_id>/subtitles.vtt")
@operation(
    "Fetch the subtitles as WebVTT",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="The subtitles.", media_type=SUBTITLE_TYPES["vtt"]), 307: _ELSEWHERE},
    errors=_NO_FILE,
)
def fetch_vtt(job_id: str) -> Response:
    """WebVTT: sentence by sentence, in at most two lines of 42 characters."""
    return _subtitles(job_id, "vtt")


def _subtitles(job_id: str, kind: Kind) -> Response:
    job = service().published(caller().owner, job_id)
    tag, name, media_type = f"{job.result['sha256']}-{kind}", f"{job.title or job.id}.{kind}", SUBTITLE_TYPES[kind]
    path = job.result.get("subtitles", {}).get(kind)
    if path is not None:
        return download(path, tag=tag, name=name, media_type=media_type)
    return small_download(service().subtitles(job, kind), tag=tag, name=name, media_type=media_type)
