"""Planning: a document becomes chapters, chapters become segments, and the plan becomes current."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loa.artifacts import Artifacts
from loa.casting import pinned_cast
from loa.errors import ArtifactMissing, LoaError, PlanningFailed, StoreUnavailable
from loa.jobs import Job
from loa.plan import Plan
from loa.plan.listing import chapter_list, list_path
from loa.plan.pauses import Pauses
from loa.plan.planning import plan_document, plan_text
from loa.reading import Cover, Document, Limits
from loa.reading.apart import read_apart
from loa.reading.kinds import kept_kind
from loa.saying.lexicon import Lexicon
from loa.settings import Settings
from loa.store import Batch, Store
from loa.voices import VoiceRegistry
from worker import paths

PICTURES = {"image/jpeg": "jpg", "image/png": "png"}

log = logging.getLogger(__name__)


class Planner:
    """Cuts the documents of jobs into segments."""

    def __init__(self, store: Store, artifacts: Artifacts, voices: VoiceRegistry, settings: Settings) -> None:
        """Raises InvalidLexicon for a LOA_LEXICON that cannot be used."""
        self._store, self._artifacts, self._voices, self._settings = store, artifacts, voices, settings
        self._limits = Limits.of(settings)
        self._lexicon = Lexicon.load(settings.lexicon)

    def plan(self, batch: Batch) -> None:
        """Do the planning that `batch` claims, to its end: planned or failed."""
        (item,) = batch.items
        job = batch.jobs[item.job_id]
        path = paths.plan(job.id, batch.claim)
        try:
            plan = self._planned(job, path)
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
                for written in (path, list_path(path), plan.document.cover):
                    if written is not None:
                        self._artifacts.delete(written)

    def _planned(self, job: Job, path: str) -> Plan:
        """The plan of a job, with what lies beside it written."""
        if job.document is None:
            raise ArtifactMissing(f"job {job.id} names no document")
        # Not the plan's business to speak, but better to say now than after a thousand segments that a voice is another one.
        cast = pinned_cast(self._voices, job)
        pauses, lexicon = Pauses.of(self._settings, job.pauses), self._lexicon_of(job)
        if job.kind == "text":
            text = self._artifacts.read(job.document).decode()
            plan = plan_text(text, cast=cast, pauses=pauses, lexicon=lexicon, speed=job.speed)
            self._keep_list(path, plan, [])
            return plan
        document = self._document(job.document)
        plan = plan_document(document, cast=cast, pauses=pauses, lexicon=lexicon, speed=job.speed, chapters=job.chapters_wanted)
        self._keep_list(path, plan, chapter_list(document, plan))
        cover = self._keep_cover(document.cover, path)
        facts = replace(plan.document, cover=cover, title=job.title or document.title, author=job.author or document.author)
        return replace(plan, document=facts)

    def _keep_list(self, plan_path: str, plan: Plan, chapters: Sequence[Mapping[str, Any]]) -> None:
        listed = {"chapters": chapters, "omissions": plan.document.omissions}
        self._artifacts.write(list_path(plan_path), json.dumps(listed, ensure_ascii=False).encode())

    def _lexicon_of(self, job: Job) -> Lexicon:
        if job.lexicon is None:
            return self._lexicon
        return Lexicon.parse(json.loads(self._artifacts.read(job.lexicon))).over(self._lexicon)

    def _document(self, path: str) -> Document:
        with self._artifacts.local_copy(path) as copy:
            return read_apart(copy, limits=self._limits, kind=kept_kind(path))

    def _keep_cover(self, cover: Cover | None, plan_path: str) -> str | None:
        """Write the picture beside the plan; one of a kind that no audio file holds is left out."""
        if cover is None or cover.media_type not in PICTURES:
            return None
        path = f"{plan_path.removesuffix('.json')}/cover.{PICTURES[cover.media_type]}"
        self._artifacts.write(path, cover.content)
        return path
