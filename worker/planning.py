"""Planning: a document becomes text, the text becomes segments, and the plan becomes current."""

from __future__ import annotations

import logging

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing, LoaError, PlanningFailed, StoreUnavailable
from loa.jobs import Job
from loa.plan import Segment, plan_text
from loa.reading import read
from loa.reading.apart import read_apart
from loa.reading.document import Document
from loa.reading.kinds import kept_kind
from loa.reading.limits import Limits
from loa.reading.scripts import check_script
from loa.store import Batch, Store
from loa.text.normalisation import PARAGRAPH
from loa.voices import VoiceRegistry
from worker import paths
from worker.plans import pack_plan

log = logging.getLogger(__name__)


class Planner:
    """Cuts the documents of jobs into segments."""

    def __init__(self, store: Store, artifacts: Artifacts, voices: VoiceRegistry, limits: Limits | None = None) -> None:
        self._store, self._artifacts, self._voices = store, artifacts, voices
        self._limits = limits or Limits()

    def plan(self, batch: Batch) -> None:
        """Do the planning that `batch` claims, to its end: planned or failed."""
        (item,) = batch.items
        job = batch.jobs[item.job_id]
        try:
            segments = self._segments(job)
            path = paths.plan(job.id, batch.claim)
            self._artifacts.write(path, pack_plan(segments))
        except StoreUnavailable:
            raise  # nothing can be said to the store; the lease will end
        except LoaError as error:
            log.info("job %s cannot be planned: %s", job.id, error.message)
            self._store.claims.fail(batch.claim, item, error)
        except Exception as error:
            log.exception("job %s: planning failed", job.id)
            self._store.claims.fail(batch.claim, item, PlanningFailed(f"{type(error).__name__}: {error}"))
        else:
            if not self._store.claims.plan(batch.claim, job.id, segments, path):
                log.info("job %s: this plan was superseded", job.id)
                self._artifacts.delete(path)

    def _segments(self, job: Job) -> tuple[Segment, ...]:
        if job.document is None:
            raise ArtifactMissing(f"job {job.id} names no document")
        # Not the plan's business to speak, but better to say now than after a thousand segments that the voice is another one.
        voice = self._voices.pinned(job.voice, job.fingerprint, job.owner)
        document = self._document(job, job.document)
        check_script(document, voice.language, voice.name)
        chapters = (chapter for chapter in document.chapters if chapter.matter == "body")
        text = PARAGRAPH.join(block.text for chapter in chapters for block in chapter.blocks)
        return plan_text(text, voice=voice, fingerprint=job.fingerprint, speed=job.speed)

    def _document(self, job: Job, path: str) -> Document:
        if job.kind == "text":  # it came as JSON; there is nothing to parse, and somebody waits
            return read(self._artifacts.read(path), limits=self._limits, kind="txt")
        with self._artifacts.local_copy(path) as copy:
            return read_apart(copy, limits=self._limits, kind=kept_kind(path))
