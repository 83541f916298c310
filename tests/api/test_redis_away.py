"""Redis dead, frozen, late or wrong: refusals in time, no phantom jobs, and everything works again afterwards."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.artifacts import Artifacts
from loa.broker import Broker
from loa.settings import Settings
from loa.store import Store
from tests.api.stage import MAIN, Reply, Served, serve
from tests.conftest import VOICES
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
IN_TIME = 3.0  # seconds for a refusal
TEXT = {"input": "Hello.", "voice": "sine"}
CALLS = [
    ("POST", "/v1/jobs"),
    ("POST", "/v1/jobs?wait=30"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/job_" + "0" * 24),
    ("GET", "/v1/jobs/job_" + "0" * 24 + "?wait=30"),
    ("GET", "/v1/jobs/job_" + "0" * 24 + "/audio"),
    ("POST", "/v1/jobs/job_" + "0" * 24 + "/cancel"),
    ("GET", "/v1/workers"),
    ("GET", "/readyz"),
]


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """A server that a test may kill."""
    with tempfile.TemporaryDirectory(prefix="loa-test-") as folder, Broker(Path(folder)) as broker:
        yield broker


@pytest.fixture
def settings(own_broker: Broker, tmp_path: Path) -> Settings:
    return Settings.load({}, redis_url=own_broker.url, data_dir=str(tmp_path), voices=str(VOICES), reconcile=0.2)


def kill(broker: Broker) -> None:
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    wait_until(lambda: not broker.alive())
    broker.stop()


def submit(served: Served, key: str = "") -> Reply:
    return served.call("POST", "/v1/jobs", TEXT, {"Idempotency-Key": key} if key else None)


def check_refused(served: Served, method: str, path: str) -> None:
    began = time.monotonic()
    reply = served.call(method, path, TEXT if method == "POST" and "cancel" not in path else None)
    assert time.monotonic() - began <= IN_TIME, path
    assert (reply.status, reply.json()["code"]) == (503, "store_unavailable"), path
    assert reply.headers["Retry-After"] == "1"


def works(served: Served) -> bool:
    return submit(served).status == 202


def test_without_redis_at_the_start_it_is_alive_and_works_once_redis_is_there(settings: Settings, own_broker: Broker) -> None:
    own_broker.stop()
    with serve(settings) as served:
        assert served.call("GET", "/healthz").status == 200
        for method, path in [*CALLS, ("GET", "/v1/voices")]:  # nobody knows yet whether a key is needed
            check_refused(served, method, path)
        own_broker.start()
        wait_until(lambda: works(served))
        assert "Redis answers now" in served.text()


def test_a_server_that_others_reach_leaves_when_redis_comes_back_without_keys(settings: Settings, own_broker: Broker) -> None:
    """Until then it answers nobody."""
    own_broker.stop()
    environment = {**os.environ, **settings.environment(), "LOA_HOST": "0.0.0.0", "LOA_PORT": "0", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", MAIN], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr)
        while "listening on" not in next(lines):
            pass
        own_broker.start()
        assert process.wait(20) == 1
        assert "NoKeys: others may reach LOA_HOST 0.0.0.0" in "".join(lines)


def test_a_dead_redis_is_said_in_time_and_a_restarted_one_is_used(settings: Settings, own_broker: Broker) -> None:
    with serve(settings) as served:
        assert works(served)
        kill(own_broker)
        for method, path in CALLS:
            check_refused(served, method, path)
        assert served.call("GET", "/healthz").status == 200
        assert served.call("GET", "/v1/voices").status == 200
        own_broker.start()
        wait_until(lambda: works(served))
        store = Store.for_thread(settings)
        answers: list[Reply] = []
        job_id = submit(served).json()["id"]
        thread = threading.Thread(target=lambda: answers.append(served.call("GET", f"/v1/jobs/{job_id}?wait=30")))
        thread.start()
        store.jobs.cancel(job_id)
        thread.join(10)
        assert answers[0].json()["state"] == "canceled"


def test_a_frozen_redis_is_said_in_time_and_leaves_no_phantom_jobs(settings: Settings, own_broker: Broker) -> None:
    assert own_broker.pid is not None
    with serve(settings) as served:
        accepted = submit(served, "before").json()["id"]
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            seconds: list[float] = []
            replies: list[Reply] = []

            def send(index: int) -> None:
                began = time.monotonic()
                replies.append(submit(served, f"during-{index}"))
                seconds.append(time.monotonic() - began)

            threads = [threading.Thread(target=send, args=(index,)) for index in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert max(seconds) <= IN_TIME, sorted(seconds)
            assert {reply.status for reply in replies} == {503}
            for method, path in CALLS:
                check_refused(served, method, path)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        wait_until(lambda: served.call("GET", "/v1/jobs").status == 200)
        assert [job["id"] for job in served.call("GET", "/v1/jobs").json()["jobs"]] == [accepted]
        assert submit(served, "before").json()["id"] == accepted
        first, second = submit(served, "during-7"), submit(served, "during-7")
        assert (first.status, first.json()["id"]) == (202, second.json()["id"])
        assert len(served.call("GET", "/v1/jobs").json()["jobs"]) == 2


def test_an_accepted_job_is_never_denied(settings: Settings, own_broker: Broker) -> None:
    """Redis freezes while the submitting request waits for the end: the answer is still the job."""
    assert own_broker.pid is not None
    with serve(settings) as served:
        answers: list[Reply] = []
        thread = threading.Thread(target=lambda: answers.append(served.call("POST", "/v1/jobs?wait=4", TEXT)))
        thread.start()
        store = Store.for_thread(settings)
        wait_until(lambda: store.jobs.list()[0])
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            thread.join(10)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        (answer,) = answers
        assert (answer.status, answer.json()["state"], answer.json()["waiting_reason"]) == (202, "queued", None)
        assert store.jobs.get(answer.json()["id"])


def test_a_redis_that_comes_late_and_is_a_wrong_one_ends_the_server(settings: Settings, own_broker: Broker) -> None:
    """The other processes use another artifact store: better no server than jobs that nobody can speak."""
    elsewhere = Artifacts(settings.artifacts + "-elsewhere")
    Store.for_thread(settings).slots.share_artifacts(elsewhere.token(), elsewhere.url)
    own_broker.stop()
    environment = {**os.environ, **settings.environment(), "LOA_PORT": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", MAIN], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "trying again until it is there" in process.stderr.readline()
        own_broker.start()
        said = process.stderr.read()
        assert process.wait(20) != 0
    assert "ArtifactsNotShared" in said


def test_a_wrong_redis_at_the_start_is_refused(settings: Settings, own_broker: Broker) -> None:
    Store.for_thread(settings).slots.share_artifacts("another token", "elsewhere")
    environment = {**os.environ, **settings.environment(), "LOA_PORT": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "ArtifactsNotShared" in ended.stderr


def test_without_a_redis_url_that_of_loa_up_is_used(settings: Settings, tmp_path: Path) -> None:
    with Broker(tmp_path / "redis"), serve(dataclasses.replace(settings, redis_url="")) as served:
        assert works(served)


def test_without_any_redis_url_it_says_what_to_do(settings: Settings) -> None:
    environment = {**os.environ, **dataclasses.replace(settings, redis_url="").environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "LOA_REDIS_URL is not set, and no `loa up` runs" in ended.stderr
