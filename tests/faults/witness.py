"""Who watches a service: the ends that it tells, and what its store and its artifacts hold in the end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator

import redis

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing
from loa.jobs import Job
from loa.keys import Keys
from loa.settings import Settings
from loa.store import Store, connect_briefly
from tests.faults.history import Event, Record

PAGE = 100


class Endings(threading.Thread):
    """Hears every end that Redis publishes while it is there."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="endings", daemon=True)
        self.events: list[Event] = []
        self._client = connect_briefly(settings.redis_url)
        self._stopped, self.listening = threading.Event(), threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(redis.RedisError), self._client.pubsub() as pubsub:
                pubsub.subscribe(Keys().events())
                self._listen(pubsub)
            self.listening.clear()
            self._stopped.wait(0.05)

    def _listen(self, pubsub: redis.client.PubSub) -> None:
        while not self._stopped.is_set():
            message = pubsub.get_message(timeout=0.1)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self.listening.set()
            else:
                end = json.loads(message["data"])
                self.events.append(Event(job_id=end["job"], state=end["state"]))

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        self._client.close()


@contextlib.contextmanager
def endings(settings: Settings) -> Iterator[Endings]:
    listener = Endings(settings)
    listener.start()
    assert listener.listening.wait(10)
    yield listener
    listener.stop()


def jobs(store: Store) -> Iterator[Job]:
    """Every job that the store knows."""
    cursor: str | None = None
    while True:
        page, cursor = store.jobs.list(limit=PAGE, cursor=cursor)
        yield from page
        if cursor is None:
            return


def records(store: Store, artifacts: Artifacts) -> list[Record]:
    """Every job, with a look at its audio."""
    return [record_of(job, artifacts) for job in jobs(store)]


def record_of(job: Job, artifacts: Artifacts) -> Record:
    promised = found = None
    if job.result is not None:
        promised = (int(job.result["bytes"]), str(job.result["sha256"]))
        with contextlib.suppress(ArtifactMissing):
            audio = artifacts.read(job.result["path"])
            found = (len(audio), hashlib.sha256(audio).hexdigest())
    return Record(job_id=job.id, key=job.title or job.id, state=job.state.value, promised=promised, found=found)
