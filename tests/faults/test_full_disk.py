"""The artifact folder is full: jobs fail with `storage_full` and nothing else, no half file is seen, and all is well when there is room.

Two ways to be full: a small file system, where this user may mount one, and a limit on the size of files, which anybody may set.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from loa.artifacts import Artifacts
from loa.states import State
from tests.api.stage import serve
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet, WorkerProcess

SIZE = 1 << 20  # bytes of the small file system
RECOVERY = 60.0  # seconds
LONG = " ".join(f"This is sentence number {number} of a text that needs more room than there is." for number in range(40))


class Place(Protocol):
    """Where artifacts lie, and how it gets full."""

    folder: Path

    def fill(self, *processes: psutil.Process) -> None: ...
    def free(self, *processes: psutil.Process) -> None: ...


class SmallDisk:
    """A file system of a megabyte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "loa-test", folder], check=True, capture_output=True)

    def fill(self, *processes: psutil.Process) -> None:
        with self._ballast.open("wb") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))

    def free(self, *processes: psutil.Process) -> None:
        self._ballast.unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)


class SmallFiles:
    """Processes whose files may not grow over a page: to them every disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def fill(self, *processes: psutil.Process) -> None:
        self._limit(processes, 4096)

    def free(self, *processes: psutil.Process) -> None:
        self._limit(processes, resource.RLIM_INFINITY)

    def close(self) -> None:
        pass

    def _limit(self, processes: tuple[psutil.Process, ...], size: int) -> None:
        for process in processes:
            _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
            process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))


def may_mount() -> bool:
    """Whether this user may mount a file system here."""
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "loa-test", "/mnt"]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(probe, capture_output=True).returncode == 0 and os.geteuid() == 0
    return False


PLACES = [SmallFiles, *([SmallDisk] if may_mount() else [])]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = request.param(tmp_path / "small")
    yield made
    made.close()


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet], place: Place) -> Fleet:
    return make_fleet(artifacts=str(place.folder / "artifacts"))


def programs(*workers: WorkerProcess) -> list[psutil.Process]:
    return [child for worker in workers for child in psutil.Process(worker.process.pid).children(recursive=True)]


def whole_files(artifacts: Artifacts) -> bool:
    """Whether every file that can be seen could be written to its end."""
    return all(stored.size > 0 for stored in artifacts.walk() if stored.path != "ballast")


def test_jobs_that_find_no_room_fail_and_those_after_them_succeed(fleet: Fleet, place: Place) -> None:
    speaker, cpu = fleet.worker("speak"), fleet.worker("plan,assemble")
    speaker.hot()
    cpu.hot()
    before = fleet.ended(fleet.submit("There is room."), START)
    assert before.state is State.SUCCEEDED, before.error
    planned = fleet.submit(LONG)
    wait_until(lambda: fleet.job(planned).plan, START, "a plan")
    place.fill(*programs(speaker, cpu))
    short = [fleet.submit(f"There is no room for number {number}.") for number in range(3)]
    jobs = fleet.all_ended([planned, *short], START)
    for job in jobs[1:]:
        assert (job.state, job.error["code"]) == (State.FAILED, "storage_full"), job.error
    assert jobs[0].state is State.SUCCEEDED or jobs[0].error["code"] == "storage_full"
    assert whole_files(fleet.artifacts)
    assert hashlib.sha256(fleet.artifacts.read(before.result["path"])).hexdigest() == before.result["sha256"]

    place.free(*programs(speaker, cpu))
    freed = time.monotonic()
    after = fleet.all_ended([fleet.submit("There is room again."), fleet.submit(short_text(4))], RECOVERY)
    assert [job.state for job in after] == [State.SUCCEEDED] * 2, [job.error for job in after]
    assert time.monotonic() - freed <= RECOVERY
    assert all(hashlib.sha256(fleet.artifacts.read(job.result["path"])).hexdigest() == job.result["sha256"] for job in after)
    assert {slot.state for slot in (*speaker.slots, *cpu.slots)} == {"hot"}  # nobody died of it


def short_text(sentences: int) -> str:
    return ". ".join(LONG.split(". ")[:sentences]) + "."


def test_a_document_that_finds_no_room_is_refused_in_words(fleet: Fleet, place: Place) -> None:
    with serve(fleet.settings) as served:
        server = psutil.Process(served.process.pid)
        place.fill(server)
        refused = served.call("POST", "/v1/jobs", {"input": LONG * 3, "voice": "sine"})
        assert (refused.status, refused.json()["code"]) == (507, "storage_full")
        assert served.call("POST", "/v1/jobs", {"input": "This needs none.", "voice": "sine"}).status == 202
        assert not list(fleet.artifacts.walk("documents"))
        place.free(server)
        assert wait_until(lambda: served.call("POST", "/v1/jobs", {"input": LONG * 3, "voice": "sine"}).status == 202, RECOVERY)
