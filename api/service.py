"""What the views call: the parts of the core that one API process holds, and the threads beside its requests."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import current_app

from api.waiters import Waiters
from api.wake import Wakeups
from loa.added_voices import AddedVoices
from loa.artifacts import Artifacts
from loa.errors import (
    ArtifactMissing,
    AudioExpired,
    JobCanceled,
    JobFailed,
    JobNotFinished,
    LoaError,
    NoKeys,
    NotReady,
    StorageUnavailable,
    StoreUnavailable,
    UnknownJob,
)
from loa.house import Sweeper
from loa.jobs import Job, is_job_id, job_json
from loa.keys import Keys
from loa.plan.listing import list_path
from loa.preview import Preview
from loa.reconciler import Reconciler
from loa.recordings import Recordings
from loa.saying.lexicon import Lexicon
from loa.settings import Settings
from loa.standing import Standing
from loa.states import State
from loa.store import Store, connect_briefly
from loa.submission import Desk, Submission
from loa.subtitles import Kind, from_timings
from loa.voice_desk import NewVoice, VoiceDesk
from loa.voices import VoiceRegistry
from loa.webhooks.desk import WebhookDesk

log = logging.getLogger(__name__)

REOPEN = 0.5  # seconds between attempts to find a Redis that was away at the start
RESERVE = 8  # one thread in so many, and at least four, never waits: it answers everything else


class Service:
    """Everything behind the views of one process. Threads share it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.artifacts = Artifacts(settings.artifacts, hurried=True)
        recordings = Recordings(self.artifacts, settings.data_dir)
        self._added = AddedVoices(lambda: self.store.voices, recordings)
        self.voices = VoiceRegistry(settings, self._added)
        self._voice_desk = VoiceDesk(self.voices, self._added, recordings)
        self.desk = Desk(self.voices, self.artifacts, settings)
        self.preview = Preview(self.voices, Lexicon.load(settings.lexicon))
        self.webhooks = WebhookDesk(lambda: self.store.deliveries, self.desk.check_webhook)
        self._wakeups = Wakeups(settings)
        self._store = Store.for_api(settings, self._wakeups)
        seats = max(1, settings.api_threads - max(4, settings.api_threads // RESERVE))
        self.waiters = Waiters(connect_briefly(settings.redis_url), Keys().events(), seats=seats)
        self._background = Store.for_thread(settings, self._wakeups)
        self._reconciler = Reconciler(self._background.slots, settings.reconcile, self._give_up)
        # A sweep may take minutes: it must not hold up what runs every second, and may be patient with the artifact store.
        self._sweeper = Sweeper(Store.for_thread(settings).house, Artifacts(settings.artifacts), settings)
        self._refuse: Callable[[LoaError], None] | None = None  # told when this process cannot go on
        self._opened = threading.Event()
        self._stopped = threading.Event()

    # --- the life of the process

    @property
    def store(self) -> Store:
        """The store, once it was found to be one that this process may use. Raises StoreUnavailable until then."""
        if not self._opened.is_set():
            raise StoreUnavailable("Redis has not answered since this server started")
        return self._store

    def open(self) -> None:
        """Find out whether this Redis and these artifacts are the right ones.

        Raises UnsupportedRedis, SchemaMismatch, ArtifactsNotShared, NoKeys; StoreUnavailable or StorageUnavailable when it may be tried
        again.
        """
        self._store.database.check()
        if not (self.settings.loopback or self.settings.open or self._store.credentials.configured()):
            raise NoKeys(f"others may reach LOA_HOST {self.settings.host}, and no keys are configured")
        self._store.slots.share_artifacts(self.artifacts.token(), self.settings.artifacts)
        self._store.deliveries.set_standing(self.settings.standing_webhooks)
        self._opened.set()

    def start(self, refuse: Callable[[LoaError], None]) -> None:
        """Start the threads. A store that turns out to be a wrong one, sooner or later, is told to `refuse`."""
        self._refuse = refuse
        self._wakeups.start()
        self.waiters.start()
        if self._opened.is_set():
            self._start_looking()
        else:
            threading.Thread(target=self._keep_opening, name="opener", daemon=True).start()

    def close(self) -> None:
        """Let requests that wait go."""
        self.waiters.close()

    def stop(self) -> None:
        """End the threads."""
        self._stopped.set()
        self._reconciler.stop()
        self._sweeper.stop()
        self._added.stop()
        self.waiters.stop()
        self._wakeups.stop()

    def _keep_opening(self) -> None:
        while not self._stopped.wait(REOPEN):
            try:
                self.open()
            except (StoreUnavailable, StorageUnavailable):
                continue
            except LoaError as error:
                self._give_up(error)
                return
            log.info("Redis answers now")
            self._start_looking()
            return

    def _start_looking(self) -> None:
        """What needs a store that was found to be the right one."""
        self._reconciler.start()
        self._sweeper.start()
        self._added.start(self._background.voices)

    def _give_up(self, error: LoaError) -> None:
        if self._refuse is not None:
            self._refuse(error)

    # --- jobs

    def submit(
        self, owner: str, submission: Submission, key: str | None, wait: float, gone: Callable[[], bool]
    ) -> tuple[dict[str, Any], bool]:
        """The job of a submission as JSON, held for up to `wait` seconds until it has ended, and whether it was there before."""
        accepted = self.desk.submit(self.store.jobs, submission, key, owner)
        known = accepted.job

        def look() -> Job:
            # Once a job is accepted no answer may say otherwise: who submits without a key would submit again.
            nonlocal known
            try:
                known = self.store.jobs.get(accepted.job_id, owner)
            except StoreUnavailable:
                if known is None:
                    raise
            return known

        return self._json(self.waiters.wait(accepted.job_id, wait, look, gone, known)), accepted.job is None

    def job(self, owner: str, job_id: str, wait: float = 0.0, gone: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """A job as JSON, held for up to `wait` seconds until it has ended. Raises UnknownJob."""
        return self._json(self.waiters.wait(job_id, wait, lambda: self.find(owner, job_id), gone))

    def jobs(self, owner: str, **query: Any) -> dict[str, Any]:
        """A page of an owner's jobs as JSON."""
        found, cursor = self.store.jobs.list(owner, **query)
        return {"jobs": [self._json(job) for job in found], "next_cursor": cursor}

    def cancel(self, owner: str, job_id: str) -> dict[str, Any]:
        """Cancel a job unless it has ended; the job as JSON. Raises UnknownJob."""
        return self._json(self.store.jobs.cancel(_checked(job_id), owner))

    def find(self, owner: str, job_id: str) -> Job:
        """A job of an owner. Raises UnknownJob, also for another's, and for what is no id at all."""
        return self.store.jobs.get(_checked(job_id), owner)

    def published(self, owner: str, job_id: str) -> Job:
        """A job of an owner that has a result. Raises UnknownJob, JobNotFinished, JobFailed, JobCanceled."""
        job = self.find(owner, job_id)
        if job.result is None:
            kind = {State.FAILED: JobFailed, State.CANCELED: JobCanceled}.get(job.state, JobNotFinished)
            raise kind(f"job {job.id} is {job.state}", job=job.id, state=job.state.value, error=job.error)
        return job

    def subtitles(self, job: Job, kind: Kind) -> bytes:
        """Those of a job that has no file of them: of one passage, or assembled before there were any. Raises AudioExpired."""
        try:
            timings = json.loads(self.artifacts.read(job.result["timings"])) if job.result else {}
        except ArtifactMissing as error:
            raise AudioExpired("the timings of this job are no longer kept") from error
        said = job.segment.language if job.segment is not None else ""
        return from_timings(timings, kind, said or job.language).encode()

    def chapters(self, owner: str, job_id: str) -> dict[str, Any]:
        """The chapters of a job's document as JSON. Raises UnknownJob, and AudioExpired when the list is no longer kept."""
        job = self.find(owner, job_id)
        listed: dict[str, Any] = {"chapters": [], "omissions": []}
        if job.plan is not None:
            try:
                listed = json.loads(self.artifacts.read(list_path(job.plan)))
            except ArtifactMissing as error:
                raise AudioExpired(f"the chapters of job {job.id} are no longer kept") from error
        return {"job": job.id, "planned": job.segments_total > 0, **listed}

    def _json(self, job: Job) -> dict[str, Any]:
        try:
            standing = self.store.jobs.standing(job)
        except StoreUnavailable:  # the job itself is known: better without its place in the queue than not at all
            standing = Standing(now=time.time())
        return job_json(job, standing)

    # --- voices

    def add_voice(self, owner: str, new: NewVoice) -> tuple[dict[str, Any], bool]:
        """The voice as JSON, and whether it was added now. Raises what VoiceDesk.add raises."""
        voice, created = self._voice_desk.add(new, self.store.voices, owner)
        return self.voices.describe(voice), created

    def remove_voice(self, owner: str, name: str) -> None:
        """Raises what VoiceDesk.remove raises."""
        self._voice_desk.remove(name, self.store.voices, owner)

    # --- operations

    def workers(self) -> dict[str, Any]:
        """Worker processes and queues as JSON."""
        slots = self.store.slots
        return {"workers": [slot.to_json() for slot in slots.all()], "queues": slots.backlog()}

    def check_ready(self) -> None:
        """Raises NotReady, with what the workers are doing, unless one is hot for speech."""
        slots = self.store.slots.all()
        if any(slot.speaks for slot in slots):
            return
        states = ", ".join(f"{slot.id} is {slot.state}" for slot in slots if any(queue.startswith("speak.") for queue in slot.queues))
        raise NotReady(f"no worker is hot for speech: {states or 'none has announced itself'}")


def service() -> Service:
    """The service of the current application."""
    found: Service = current_app.extensions["loa"]
    return found


def _checked(job_id: str) -> str:
    if not is_job_id(job_id):
        raise UnknownJob(f"{job_id[:60]!r} is not a job's id")
    return job_id
