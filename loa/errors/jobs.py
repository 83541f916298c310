"""What becomes of a job, of its audio, and of the message that tells of its end."""

from __future__ import annotations

from loa.errors.base import LoaError


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


class Unspeakable(LoaError):
    """Change the named passage: the voice's phonemizer finds nothing in it that can be said."""

    code, status = "unspeakable_text", 422


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


class Incomplete(LoaError):
    """Change the passages that `details` names, or allow a partial result, and submit again: only what is missing is spoken anew."""

    code, status = "incomplete", 500


class OutOfMemory(LoaError):
    """Use shorter sentences, fewer processes per device, or a device with more memory."""

    code, status = "out_of_memory", 500


class ArtifactMissing(LoaError):
    """Submit again; if it happens again, check that all processes share one artifact store (LOA_ARTIFACTS)."""

    code, status = "artifact_missing", 500


class BrokenSegment(ArtifactMissing):
    """Submit again: a damaged segment is removed and spoken anew. If it happens again, check the disk behind LOA_ARTIFACTS."""

    code, status = "broken_segment", 500


class UnknownDelivery(LoaError):
    """Check the id: GET /v1/deliveries lists yours; each is forgotten LOA_JOB_RETENTION_DAYS after it was written."""

    code, status = "unknown_delivery", 404


class WebhookNotTaken(LoaError):
    """Look at what the receiver answered; `loa webhooks listen` shows one that works."""

    code, status = "webhook_not_taken", 502


class InvalidSignature(LoaError):
    """Check that the receiver has the sender's secret, verifies the bytes of the body as they came, and that both clocks are right."""

    code, status = "invalid_signature", 401
