"""Two versions of Loa on one Redis: an older one, whose code is in schema-1.tar.xz or schema-2.tar.xz, in the middle of a book when this
one comes.

    git archive COMMIT loa worker voices api ':!worker/engines/vi*' ':!loa/cli' | xz -9e

made these files, 88cb356 the first and dc88155 the second: real programs with their own scripts, of which nothing is imported here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loa.settings import Settings
from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import ROOT, START, Fleet

EXPRESSION = "from worker.main import main; main({queues!r})"
API = "import sys; from api.server import main; sys.exit(main())"
BOOK = " ".join(f"This is sentence number {number} of a book that takes a while." for number in range(60))


class Programs:
    """Programs of two versions, with their output in files."""

    def __init__(self, folder: Path, settings: Settings, schema: int) -> None:
        self.schema, self.old, self.folder, self.settings = schema, folder / f"schema-{schema}", folder, settings
        with tarfile.open(Path(__file__).with_name(f"schema-{schema}.tar.xz")) as archive:
            archive.extractall(self.old, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # not on 3.11.2
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, root: Path, expression: str, **environment: str) -> subprocess.Popen[bytes]:
        number = len(self.running)
        variables = {**os.environ, **self.settings.environment(), "PYTHONPATH": str(root), "LOA_PORT": "0", **environment}
        with (self.folder / f"program-{number}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", expression], cwd=root, env=variables, stdout=log, stderr=subprocess.STDOUT)
        self.running.append(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"program-{self.running.index(process)}.log").read_text(errors="replace")

    def refusal(self, root: Path, expression: str) -> str:
        """What a program says that refuses to start."""
        process = self.start(root, expression)
        assert process.wait(START) != 0
        return self.output(process)

    def address(self, api: subprocess.Popen[bytes]) -> str:
        """Where an API listens."""

        def look() -> re.Match[str] | None:
            assert api.poll() is None, self.output(api)
            return re.search(r"listening on (http://\S+)", self.output(api))

        return wait_until(look, START)[1]

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet(batch_max=2, drain_seconds=1.0)


@pytest.fixture(params=[1, 2])
def programs(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Programs]:
    made = Programs(tmp_path, fleet.settings, request.param)
    yield made
    made.close()


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_an_older_service_in_the_middle_of_a_book_is_not_disturbed_and_its_book_is_finished(fleet: Fleet, programs: Programs) -> None:
    worker = programs.start(programs.old, EXPRESSION.format(queues="speak,plan,assemble"), LOA_SINE_SECONDS="0.3")
    api = programs.start(programs.old, API)
    url = programs.address(api)
    job = call(f"{url}/v1/jobs", {"input": BOOK, "voice": "sine", "format": "flac"})
    wait_until(lambda: call(f"{url}/v1/jobs/{job['id']}")["progress"]["segments_done"] >= 4, START, "the book to be on its way")

    # This version comes: it names who still runs, and touches nothing.
    for expression in (API, EXPRESSION.format(queues="speak")):
        said = programs.refusal(ROOT, expression)
        assert f"the data in this Redis has schema {programs.schema}, and processes of that version still run" in said
        assert f"-{worker.pid}/0" in said or "a process connected from" in said
        assert "Stop them" in said
    assert fleet.redis.get(fleet.keys.schema()) == str(programs.schema)
    done = call(f"{url}/v1/jobs/{job['id']}")["progress"]["segments_done"]
    wait_until(lambda: call(f"{url}/v1/jobs/{job['id']}")["progress"]["segments_done"] > done, START, "the old worker to go on")

    # It is stopped in the middle, hands back what it holds, and this version does the rest.
    for process in (api, worker):
        process.terminate()
        process.wait(START)
    half_way = fleet.job(job["id"])
    assert not half_way.ended
    new = fleet.worker("speak,plan,assemble")
    new.hot()
    assert f"the data in Redis is now of schema 3, not {programs.schema}" in new.log
    ended = fleet.ended(job["id"], START)
    assert ended.state is State.SUCCEEDED, ended.error
    assert ended.segments_done == ended.segments_total > half_way.segments_done >= 4
    timings = json.loads(fleet.artifacts.read(ended.result["timings"]))
    assert " ".join(segment["text"] for segment in timings["segments"]) == BOOK
    assert fleet.store.jobs.counts() == dict.fromkeys(State, 0) | {State.SUCCEEDED: 1}

    # And the older one, if somebody starts it again, refuses in words.
    assert "the data in this Redis has schema 3" in programs.refusal(programs.old, API)


def test_running_processes_leave_when_the_data_becomes_newer(fleet: Fleet, programs: Programs) -> None:
    worker = fleet.worker("plan")
    worker.hot()
    api = programs.start(ROOT, API)
    programs.address(api)
    fleet.redis.set(fleet.keys.schema(), 999)
    assert api.wait(START) != 0
    assert worker.process.wait(START) != 0
    for said in (programs.output(api), worker.log):
        assert "the data in this Redis has schema 999, written by a newer Loa; this one has 3 and stops" in said
