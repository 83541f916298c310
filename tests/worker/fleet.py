"""A private broker, real workers, and a client's view of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil

from loa.added_voices import AddedVoices
from loa.artifacts import Artifacts
from loa.broker import Broker
from loa.bundles import BundleFile
from loa.jobs import DEFAULT_OWNER, Job
from loa.recordings import Recordings
from loa.settings import Settings
from loa.store import Slot, Store
from loa.submission import Desk, Submission
from loa.voice_manifest import Addition, Voice
from loa.voice_record import write_record
from loa.voices import VoiceRegistry
from loa.wakeups import task_name
from tests.leaks import assert_no_leaks
from tests.waiting import wait_until
from worker.app import create_app

ROOT = Path(__file__).parents[2]
START = 60.0  # seconds that a worker may take to get hot on a busy machine
QUICK = {"lease": 3.0, "beat": 0.5, "reconcile": 0.25, "drain_seconds": 3.0, "threads": 1, "engines": "sine"}
JOURNAL = "journal"  # file in the fleet's folder: what its engines began to speak

STARTS = frozenset({"warm", "This is a short test before the work begins."})  # what the sine engine speaks before it is hot

T = TypeVar("T")


class WorkerProcess:
    """`loa worker`, as a process of its own with its log in a file."""

    def __init__(self, fleet: Fleet, queues: str, before: str, environment: dict[str, str]) -> None:
        """`before`: Python that the parent runs first."""
        self._fleet = fleet
        self.log_file = fleet.folder / f"worker-{len(fleet.workers)}.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{before}; from worker.main import main; main({queues!r})"],
                cwd=ROOT,
                env={
                    **os.environ,
                    **fleet.settings.environment(),
                    "LOA_SINE_FAULTS": "1",
                    "LOA_SINE_JOURNAL": str(fleet.folder / JOURNAL),
                    **environment,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def slots(self) -> list[Slot]:
        return [slot for slot in self._fleet.store.slots.all() if slot.worker.endswith(f"-{self.process.pid}")]

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def hot(self, processes: int = 1) -> list[Slot]:
        """Wait until so many processes are hot."""

        def look() -> list[Slot]:
            assert self.process.poll() is None, self.log
            slots = [slot for slot in self.slots if slot.state == "hot"]
            return slots if len(slots) >= processes else []

        try:
            return wait_until(look, START, "hot")
        except AssertionError:
            sys.stderr.write(self.log)
            raise

    def kill_child(self, slot: Slot) -> None:
        os.kill(slot.pid, signal.SIGKILL)

    def end(self, seconds: float = 20.0) -> int:
        """SIGTERM and wait."""
        self.process.terminate()
        return self.process.wait(seconds)

    def destroy(self) -> None:
        """Whatever state it is in: nothing of it remains."""
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        for process in (self.process, *children):
            process.kill()
        self.process.wait()
        psutil.wait_procs(children, 5)


class Fleet:
    broker: Broker  # where a test may kill it

    def __init__(self, folder: Path, redis_url: str, **settings: Any) -> None:
        """`settings` beside QUICK, or in place of it."""
        self.folder = folder
        values = {**QUICK, "redis_url": redis_url, "data_dir": str(folder / "data"), "voices": str(ROOT / "tests" / "voices"), **settings}
        self.settings = Settings.load({}, **values)
        self._celery = create_app(self.settings, [])
        self.store = Store.for_thread(self.settings, self.wake)
        self.redis = self.store.database.client
        self.keys = self.store.database.keys
        self.artifacts = Artifacts(self.settings.artifacts)
        self.recordings = Recordings(self.artifacts, self.settings.data_dir)
        self.voices = VoiceRegistry(self.settings, AddedVoices(lambda: self.store.voices, self.recordings))
        self.desk = Desk(self.voices, self.artifacts, self.settings)
        self.workers: list[WorkerProcess] = []

    def wake(self, queue: str, token: str) -> None:
        self._celery.send_task(task_name(queue), args=[token], queue=queue, retry=False, ignore_result=True)

    def worker(self, queues: str = "speak", *, before: str = "pass", **environment: str) -> WorkerProcess:
        worker = WorkerProcess(self, queues, before, environment)
        self.workers.append(worker)
        return worker

    def submit(self, text: str | None, voice: str = "sine", owner: str = DEFAULT_OWNER, **options: Any) -> str:
        return self.desk.submit(self.store.jobs, Submission(text=text, voice=voice, **options), owner=owner).job_id

    def add_voice(self, name: str, recording: bytes, owner: str = DEFAULT_OWNER) -> None:
        """As the API does once the recording is judged to be one."""
        file = BundleFile(role="prompt", name=f"{name}.wav", size=len(recording), sha256=hashlib.sha256(recording).hexdigest())
        about: dict[str, Any] = {"title": name, "engine": "sine", "language": "en-US", "licence": "CC0", "commercial_use": True}
        voice = Voice(name=name, files=(file,), addition=Addition(consent="I am the speaker.", created=0.0), **about)
        self.recordings.keep(file, recording)
        assert self.store.voices.add(name, write_record(voice), owner).created

    def job(self, job_id: str) -> Job:
        return self.store.jobs.get(job_id, None)

    def ended(self, job_id: str, seconds: float = 30.0) -> Job:
        return self.all_ended([job_id], seconds)[0]

    def all_ended(self, job_ids: list[str], seconds: float = 30.0) -> list[Job]:
        left = list(job_ids)

        def look() -> bool:
            left[:] = [job_id for job_id in left if not self.job(job_id).ended]
            return not left

        wait_until(look, seconds, f"{len(left)} jobs to end")
        return [self.job(job_id) for job_id in job_ids]

    def begun(self) -> list[list[str]]:
        """The texts of every batch that an engine of this fleet began, but for those of its starts."""
        journal = self.folder / JOURNAL
        lines = journal.read_bytes().splitlines() if journal.exists() else []
        batches = [json.loads(line)["texts"] for line in lines]
        return [texts for texts in batches if not STARTS.issuperset(texts)]

    def item(self, job_id: str, item: str) -> dict[str, Any] | None:
        """What the store knows of an item of a job that has not ended."""
        raw = self.redis.hget(self.keys.items(job_id), item)
        return dict(zip(("bucket", "estimate", "state", "claim", "losses", "spoken"), json.loads(raw), strict=False)) if raw else None

    def claimed_by(self, slot_id: str) -> list[tuple[str, str, str]]:
        """(claim, job, item) of everything that a slot holds."""
        found = []
        for claim in self.redis.zrange(self.keys.claims(), 0, -1):
            if self.redis.hget(self.keys.claim(claim), "slot") == slot_id:
                found += [(claim, *entry.split(" ")) for entry in self.redis.smembers(self.keys.claim(claim) + ":items")]
        return found

    def kill_redis(self) -> None:
        """SIGKILL; `broker.restart()` brings it back with its append-only file."""
        assert self.broker.pid is not None
        os.kill(self.broker.pid, signal.SIGKILL)
        wait_until(lambda: not self.broker.alive())

    def close(self) -> None:
        """End every process; nothing but what the legend of the keys allows may be left in Redis then."""
        for worker in self.workers:
            worker.destroy()
        try:
            assert_no_leaks(self.store)
        finally:
            self._celery.close()
            self.redis.close()


@contextlib.contextmanager
def fleets(folder: Path) -> Iterator[Callable[..., Fleet]]:
    """Fleets with settings of their own, on a server of their own: Celery's queues have no prefix."""
    made: list[Fleet] = []
    with Broker(folder / "redis") as broker:

        def make(**settings: Any) -> Fleet:
            fleet = Fleet(folder, broker.url, **settings)
            fleet.broker = broker
            made.append(fleet)
            return fleet

        try:
            yield make
        finally:
            for fleet in made:
                fleet.close()
