"""Planning: a document becomes text, the text becomes segments, and the plan becomes current."""

from __future__ import annotations

import logging

from loa.artifacts import Artifacts
from loa.documents import read_document
from loa.errors import ArtifactMissing, LoaError, PlanningFailed, StoreUnavailable
from loa.jobs import Job
from loa.plan import Plan, plan_text
from loa.store import Batch, Store
from loa.voices import VoiceRegistry
from worker import paths

log = logging.getLogger(__name__)


class Planner:
    """Cuts the documents of jobs into segments."""

    def __init__(self, store: Store, artifacts: Artifacts, voices: VoiceRegistry) -> None:
        self._store, self._artifacts, self._voices = store, artifacts, voices

    def plan(self, batch: Batch) -> None:
        """Do the planning that `batch` claims, to its end: planned or failed."""
        (item,) = batch.items
        job = batch.jobs[item.job_id]
        try:
            plan = self._planned(job)
            path = paths.plan(job.id, batch.claim)
            self._artifacts.write(path, plan.pack())
        except StoreUnavailable:
            raise  # nothing can be said to the store; the lease will end
        except LoaError as error:
            log.info("job %s cannot be planned: %s", job.id, error.message)
            self._store.claims.fail(batch.claim, item, error)
        except Exception as error:
            log.exception("job %s: planning failed", job.id)
            self._store.claims.fail(batch.claim, item, PlanningFailed(f"{type(error).__name__}: {error}"))
        else:
            if not self._store.claims.plan(batch.claim, job.id, plan, path):
                log.info("job %s: this plan was superseded", job.id)
                self._artifacts.delete(path)

    def _planned(self, job: Job) -> Plan:
        if job.document is None:
            raise ArtifactMissing(f"job {job.id} names no document")
        # Not the plan's business to speak, but better to say now than after a thousand segments that the voice is another one.
        voice = self._voices.pinned(job.voice, job.fingerprint, job.owner)
        text = read_document(self._artifacts.read(job.document), f".{job.document.rpartition('.')[2]}")
        return Plan(segments=plan_text(text, voice=voice, fingerprint=job.fingerprint, speed=job.speed))
