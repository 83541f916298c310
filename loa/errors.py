"""Every error that Loa shows to a user.

One base class. A subclass carries a stable `code` (clients may branch on it), the HTTP `status` the API answers with, and a docstring that
says what to do: it is the `remedy` that the API, the command line and docs/errors.md show. `message` says what happened this time.
"""

from __future__ import annotations

import inspect
from typing import Any


class LoaError(Exception):
    """Look at the server's log for the cause; if it looks like a defect of Loa, report it with the log."""

    code = "internal_error"
    status = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details  # JSON-serialisable extras, e.g. the close names of an unknown voice

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.details))

    @classmethod
    def remedy(cls) -> str:
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split())

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "remedy": self.remedy(), **({"details": self.details} if self.details else {})}


def _rebuild(kind: type[LoaError], message: str, details: dict[str, Any]) -> LoaError:
    return kind(message, **details)


def error_kinds() -> dict[str, type[LoaError]]:
    """Every error class by its code, LoaError itself included."""
    kinds: dict[str, type[LoaError]] = {}
    todo: list[type[LoaError]] = [LoaError]
    while todo:
        kind = todo.pop()
        kinds[kind.code] = kind
        todo.extend(kind.__subclasses__())
    return dict(sorted(kinds.items()))


# --- the request is wrong -------------------------------------------------------------------------------------------


class InvalidRequest(LoaError):
    """Correct the named field and send the request again; /docs lists every field with its limits."""

    code, status = "invalid_request", 400


class MalformedJson(LoaError):
    """Send one JSON object, encoded as UTF-8."""

    code, status = "malformed_json", 400


class UnsupportedMediaType(LoaError):
    """Send application/json with an `input`, or multipart/form-data with a `file`: a .txt or .md for a job, a recording for a voice."""

    code, status = "unsupported_media_type", 415


class EmptyText(LoaError):
    """Send at least one letter or digit; text of nothing but blanks, punctuation or control characters cannot be spoken."""

    code, status = "empty_text", 400


class TextTooLong(LoaError):
    """Send long text as a file (multipart `file`), split it, or raise LOA_TEXT_LIMIT or LOA_FILE_TEXT_LIMIT on the server."""

    code, status = "text_too_long", 413


class BodyTooLarge(LoaError):
    """Send a smaller file, or raise LOA_BODY_LIMIT on the server; a recording for a voice needs no more than half a minute."""

    code, status = "body_too_large", 413


class UnreadableDocument(LoaError):
    """Save the file as plain text in UTF-8 and send it again."""

    code, status = "unreadable_document", 422


class UnreadableRecording(LoaError):
    """Send speech as a wav, mp3, flac or ogg file; save another format as one of these first."""

    code, status = "unreadable_recording", 422


class RecordingTooShort(LoaError):
    """Send 3 to 30 seconds in which one person speaks most of the time."""

    code, status = "recording_too_short", 422


class RecordingTooLong(LoaError):
    """Cut the recording to at most 30 seconds; five to ten good ones are enough."""

    code, status = "recording_too_long", 422


class RecordingSilent(LoaError):
    """Record closer to the microphone or turn it up; the loudest moments should come near to full level, without reaching it."""

    code, status = "recording_silent", 422


class RecordingClipped(LoaError):
    """Record again with the microphone turned down; making the file quieter afterwards does not bring back what was cut off."""

    code, status = "recording_clipped", 422


class NoSpeech(LoaError):
    """Send a recording of one person who speaks; music, noise and singing hold no voice that could be read from them."""

    code, status = "no_speech", 422


class RecordingNoisy(LoaError):
    """Record in a quiet room, close to the microphone: a voice would copy the noise as well."""

    code, status = "recording_noisy", 422


class UnknownVoice(LoaError):
    """Choose one of the voices that `loa voices list` or GET /v1/voices shows."""

    code, status = "unknown_voice", 404


class MissingKey(LoaError):
    """Send the header `Authorization: Bearer KEY`, or set LOA_API_KEY; `loa keys create NAME` on the server makes a key."""

    code, status = "missing_key", 401


class InvalidKey(LoaError):
    """Check that the key is whole and was not revoked: `loa keys list` on the server shows every key by the 12 digits in it."""

    code, status = "invalid_key", 401


class Forbidden(LoaError):
    """Use a key with the scope that is named: `loa keys create NAME --scope SCOPE` on the server makes one."""

    code, status = "forbidden", 403


class ForeignOrigin(LoaError):
    """Call the server from a program; or name the page's origin in LOA_CORS_ORIGINS, and the page may read answers, too."""

    code, status = "foreign_origin", 403


class UnknownHost(LoaError):
    """Call the server by its address, put the name into LOA_NAMES, or create a key (`loa keys create`): then any name will do."""

    code, status = "unknown_host", 421


class TooManyRequests(LoaError):
    """Wait for the seconds in Retry-After; ask with `?wait=60` instead of polling, or raise LOA_REQUESTS_PER_MINUTE on the server."""

    code, status = "too_many_requests", 429


class LimitExceeded(LoaError):
    """Send it again after the seconds in Retry-After, with the same Idempotency-Key; the server's settings name the limit."""

    code, status = "limit_exceeded", 429


class UnknownKey(LoaError):
    """Choose one of the ids that `loa keys list` shows."""

    code, status = "unknown_key", 404


class VoiceExists(LoaError):
    """Choose another name; or remove the voice of this name first, if it is an added one."""

    code, status = "voice_exists", 409


class VoiceNotRemovable(LoaError):
    """Remove only voices that were added (`added` is true); those of a manifest go when the manifest is deleted on every machine."""

    code, status = "voice_not_removable", 409


class VoiceNotInstalled(LoaError):
    """Install the voice on the server with `loa voices pull NAME`, then submit again."""

    code, status = "voice_not_installed", 409


class UnknownFormat(LoaError):
    """Choose wav, flac, mp3, ogg or opus."""

    code, status = "unknown_format", 400


class InvalidSpeed(LoaError):
    """Choose a speed from 0.5 (half as fast) to 2.0 (twice as fast)."""

    code, status = "invalid_speed", 400


class InvalidWebhook(LoaError):
    """Give an http or https URL of a public host; whoever runs the server can open private ones with LOA_WEBHOOK_ALLOW."""

    code, status = "invalid_webhook", 400


class UnknownDelivery(LoaError):
    """Check the id: GET /v1/deliveries lists yours; each is forgotten LOA_JOB_RETENTION_DAYS after it was written."""

    code, status = "unknown_delivery", 404


class WebhookNotTaken(LoaError):
    """Look at what the receiver answered; `loa webhooks listen` shows one that works."""

    code, status = "webhook_not_taken", 502


class InvalidSignature(LoaError):
    """Check that the receiver has the sender's secret, verifies the bytes of the body as they came, and that both clocks are right."""

    code, status = "invalid_signature", 401


class IdempotencyConflict(LoaError):
    """Use a new Idempotency-Key for a new request; a key may only repeat the very same request."""

    code, status = "idempotency_conflict", 422


class UnknownJob(LoaError):
    """Check the job's id; ended jobs are forgotten after LOA_JOB_RETENTION_DAYS."""

    code, status = "unknown_job", 404


class JobNotFinished(LoaError):
    """Poll the job until its state is `succeeded`, then fetch the audio."""

    code, status = "job_not_finished", 409


class JobCanceled(LoaError):
    """Submit the text again if its audio is wanted after all; a canceled job never has any."""

    code, status = "job_canceled", 409


class JobFailed(LoaError):
    """Read the job's `error`, correct what it names, and submit again; a failed job never has any audio."""

    code, status = "job_failed", 409


class AudioExpired(LoaError):
    """Submit the text again; the audio file of this job is no longer in the artifact store."""

    code, status = "audio_expired", 410


class RangeNotSatisfiable(LoaError):
    """Ask for a byte range inside the file; a request without Range gets the whole of it."""

    code, status = "range_not_satisfiable", 416


class NotFound(LoaError):
    """Check the address; /docs lists every call."""

    code, status = "not_found", 404


class MethodNotAllowed(LoaError):
    """Check the method; /docs lists every call."""

    code, status = "method_not_allowed", 405


class MalformedHttp(LoaError):
    """Use an ordinary HTTP/1.1 client: the request line or a header cannot be read."""

    code, status = "malformed_http", 400


class HeadersTooLarge(LoaError):
    """Send fewer or shorter headers; 64 kB is the limit."""

    code, status = "headers_too_large", 431


class UnsupportedHttp(LoaError):
    """Send the body with a Content-Length, or chunked."""

    code, status = "unsupported_http", 501


# --- the job could not be done --------------------------------------------------------------------------------------


class Unspeakable(LoaError):
    """Change the named passage: the voice's phonemizer finds nothing in it that can be said."""

    code, status = "unspeakable_text", 422


class BrokenVoice(LoaError):
    """Install the voice again with `loa voices pull NAME --force`, an added one by adding it again; its files are damaged or wrong."""

    code, status = "broken_voice", 500


class VoiceChanged(LoaError):
    """Submit again: the voice was replaced or removed after this job was submitted."""

    code, status = "voice_changed", 409


class UnknownEngine(LoaError):
    """Choose another voice; or correct the manifest's `engine`, or install the part of Loa that has it."""

    code, status = "unknown_engine", 409


class EngineNotInstalled(LoaError):
    """Run what the message names, where the worker runs: `loa engines pull NAME` for an engine's files, pip for its packages."""

    code, status = "engine_not_installed", 409


class BrokenEngine(LoaError):
    """Fetch the engine's files again with `loa engines pull NAME --force`; they are damaged or of another model."""

    code, status = "broken_engine", 500


class BrokenManifest(LoaError):
    """Correct the named field of the manifest; docs/voices.md lists the fields."""

    code, status = "broken_manifest", 500


class DownloadFailed(LoaError):
    """Check the internet connection and run the command again: it goes on where it stopped."""

    code, status = "download_failed", 502


class NotPullable(LoaError):
    """Get the files from the page that `loa voices show NAME` names, read its licence, and put them into LOA_DATA_DIR/voices/NAME."""

    code, status = "not_pullable", 409


class ChecksumMismatch(LoaError):
    """Run the command again; if it happens again, the source has changed and its manifest must be checked before use."""

    code, status = "checksum_mismatch", 502


class WorkerLost(LoaError):
    """Look at the worker's log: three processes died while they spoke this passage. Change the passage, or report it."""

    code, status = "worker_lost", 500


class PlanningFailed(LoaError):
    """Look at the worker's log for the cause; if it looks like a defect of Loa, report it with the document."""

    code, status = "planning_failed", 500


class SynthesisFailed(LoaError):
    """Look at the worker's log for the cause, then submit again: finished segments are kept and only the rest is spoken."""

    code, status = "synthesis_failed", 500


class AssemblyFailed(LoaError):
    """Look at the worker's log for the cause, then submit again: spoken segments are kept and only the audio file is made anew."""

    code, status = "assembly_failed", 500


class OutOfMemory(LoaError):
    """Use shorter sentences, fewer processes per device, or a device with more memory."""

    code, status = "out_of_memory", 500


class StorageFull(LoaError):
    """Free space where LOA_ARTIFACTS (for voices: LOA_DATA_DIR) points and try again: what is finished is kept, only the rest is redone."""

    code, status = "storage_full", 507


class StorageUnavailable(LoaError):
    """Check that LOA_ARTIFACTS can be reached and written by every process, and that its credentials are right."""

    code, status = "storage_unavailable", 503


class ArtifactMissing(LoaError):
    """Submit again; if it happens again, check that all processes share one artifact store (LOA_ARTIFACTS)."""

    code, status = "artifact_missing", 500


class BrokenSegment(ArtifactMissing):
    """Submit again: a damaged segment is removed and spoken anew. If it happens again, check the disk behind LOA_ARTIFACTS."""

    code, status = "broken_segment", 500


# --- the service is not there ---------------------------------------------------------------------------------------


class StoreUnavailable(LoaError):
    """Send the request again after the seconds in Retry-After, with the same Idempotency-Key; check that Redis runs."""

    code, status = "store_unavailable", 503


class TooManyUploads(LoaError):
    """Send the file again after the seconds in Retry-After; or raise LOA_UPLOADS_LIMIT on the server."""

    code, status = "too_many_uploads", 503


class Overloaded(LoaError):
    """Send it again after the seconds in Retry-After, with the same Idempotency-Key; more workers, or LOA_BACKLOG, take more."""

    code, status = "overloaded", 503


class NoKeys(LoaError):
    """Create a key first (`loa keys create NAME`), listen on 127.0.0.1, or set LOA_OPEN=true: then anyone may do everything."""

    code, status = "no_keys", 500


class NotReady(LoaError):
    """Wait until a worker is hot; GET /v1/workers shows what each is doing."""

    code, status = "not_ready", 503


class ServerUnreachable(LoaError):
    """Start the service with `loa up`, or set LOA_URL to where it runs."""

    code, status = "server_unreachable", 503


class WaitTimedOut(LoaError):
    """Wait again with `loa wait ID`: the job goes on. `loa workers` shows what the workers are doing."""

    code, status = "wait_timed_out", 504


class PartMissing(LoaError):
    """Install the part that is named, or all of Loa with: pip install 'loa[all]'."""

    code, status = "part_missing", 500


class SchemaMismatch(LoaError):
    """Run one version of Loa everywhere: stop the older processes, then start the newer ones (docs/operations.md: Upgrade)."""

    code, status = "schema_mismatch", 500


class UnsupportedRedis(LoaError):
    """Use a single Redis or Valkey server, version 6.2 or newer, without Cluster mode."""

    code, status = "unsupported_redis", 500


class BrokerMissing(LoaError):
    """Install valkey-server or redis-server (6.2 or newer), or set LOA_REDIS_URL to one that runs."""

    code, status = "broker_missing", 500


class DataDirInUse(LoaError):
    """Stop the other `loa up` that uses this folder, or give this one a folder of its own with --data-dir."""

    code, status = "data_dir_in_use", 500


class PortInUse(LoaError):
    """Stop the program that listens there, or choose another port with --port or LOA_PORT (0: any free port)."""

    code, status = "port_in_use", 500


class ArtifactsNotShared(LoaError):
    """Point LOA_ARTIFACTS of every process at the same place: one S3 URL, or one shared mount."""

    code, status = "artifacts_not_shared", 500


class InvalidSetting(LoaError):
    """Correct the environment variable; docs/settings.md lists each with its unit and default."""

    code, status = "invalid_setting", 500


class StartFailed(LoaError):
    """Read the lines above this one for the cause; `loa doctor` checks the installation."""

    code, status = "start_failed", 500
