"""The artifact store in a folder, in memory and behind the S3 protocol: whole or absent, first writer wins, full disks said so."""

from __future__ import annotations

import errno
import os
import resource
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from loa.artifacts import USED_EVERY, Artifacts
from loa.errors import ArtifactMissing, StorageFull, StorageUnavailable
from tests.unit.object_store import ObjectStore, object_store

PATH = "segments/ab/" + "ab" * 32 + ".zip"


@pytest.fixture(scope="module")
def bucket() -> Iterator[ObjectStore]:
    """One server for the module, since fsspec keeps one client for every s3:// URL of a process."""
    with object_store() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield server


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    if request.param == "s3":
        request.getfixturevalue("bucket")
    name = secrets.token_hex(4)
    return Artifacts(
        {
            "folder": str(tmp_path / "store"),
            "file": f"file://{tmp_path}/store",
            "memory": f"memory://{name}/store",
            "s3": f"s3://bucket-{name}/store",
        }[request.param]
    )


def test_what_was_written_is_read_back(artifacts: Artifacts, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"from a file")
    assert artifacts.write(PATH, b"segment")
    assert artifacts.write("documents/x.txt", source)
    assert source.exists()
    assert (artifacts.read(PATH), artifacts.read("documents/x.txt")) == (b"segment", b"from a file")
    assert artifacts.size(PATH) == 7
    with artifacts.open(PATH) as stream:
        stream.seek(3)
        assert stream.read(2) == b"me"


def test_the_first_writer_wins(artifacts: Artifacts) -> None:
    assert artifacts.write(PATH, b"first")
    assert not artifacts.write(PATH, b"second")
    assert artifacts.read(PATH) == b"first"


@pytest.mark.parametrize("artifacts", ["folder", "file", "s3"], indirect=True)  # fsspec's memory is not made for threads
def test_of_many_writers_at_once_one_wins(artifacts: Artifacts) -> None:
    together = threading.Barrier(8)
    won: list[bytes] = []

    def write(content: bytes) -> None:
        together.wait()
        if artifacts.write(PATH, content):
            won.append(content)

    threads = [threading.Thread(target=write, args=(bytes([65 + index]) * 1000,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [artifacts.read(PATH)]


def test_what_is_missing_is_said_so(artifacts: Artifacts) -> None:
    assert not artifacts.exists(PATH)
    assert not artifacts.delete(PATH)
    for ask in (artifacts.read, artifacts.size, artifacts.open):
        with pytest.raises(ArtifactMissing, match="segments/ab"):
            ask(PATH)


def test_a_folder_is_no_artifact(artifacts: Artifacts) -> None:
    artifacts.write(PATH, b"x")
    assert not artifacts.exists("segments/ab")
    assert not artifacts.delete("segments/ab")


def test_delete_makes_room_for_another(artifacts: Artifacts) -> None:
    artifacts.write(PATH, b"one")
    assert artifacts.exists(PATH)
    assert artifacts.delete(PATH)
    assert not artifacts.exists(PATH)
    assert artifacts.write(PATH, b"two")
    assert artifacts.read(PATH) == b"two"


def test_walk_lists_what_is_below_a_folder(artifacts: Artifacts) -> None:
    for path in ("jobs/a/1/audio.wav", "jobs/a/1/timings.json", "jobs/b/1/audio.wav", PATH):
        artifacts.write(path, path.encode())
    assert sorted(stored.path for stored in artifacts.walk("jobs/a")) == ["jobs/a/1/audio.wav", "jobs/a/1/timings.json"]
    everything = {stored.path: stored for stored in artifacts.walk()}
    assert len(everything) == 4
    assert everything[PATH].size == len(PATH)
    assert everything[PATH].modified > 1_000_000_000
    assert list(artifacts.walk("plans")) == []


def test_a_use_is_noted_where_it_can_be(artifacts: Artifacts) -> None:
    assert not artifacts.use(PATH)
    artifacts.write(PATH, b"x")
    assert artifacts.use(PATH)
    assert not artifacts.use("segments/ab")
    assert artifacts.look(PATH).size == 1
    assert artifacts.link(PATH, 60, media_type="audio/wav", disposition="inline") is None or artifacts.url.startswith("s3://")


def test_the_token_belongs_to_the_store(artifacts: Artifacts) -> None:
    token = artifacts.token()
    assert len(token) == 32
    assert Artifacts(artifacts.url).token() == token


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "jobs/../../x", "jobs/./x", "jobs//x", "jobs/", ".hidden", "jobs/.writing-1", "a\x00b", "a\\b", "%2e%2e/x",
     "a b", "a/b/c/d/e/f/g", "x" * 200, "s3://other/x", "ngày"],
)  # fmt: skip
def test_no_path_leads_out_of_the_store(artifacts: Artifacts, path: str) -> None:
    for use in (
        artifacts.read,
        artifacts.exists,
        artifacts.size,
        artifacts.use,
        artifacts.look,
        artifacts.delete,
        artifacts.open,
        artifacts.local_path,
    ):
        with pytest.raises(ValueError, match="not the path"):
            use(path)
    with pytest.raises(ValueError, match="not the path"):
        artifacts.write(path, b"")
    if path:
        with pytest.raises(ValueError, match="not the path"):
            list(artifacts.walk(path))


# --- in a folder -------------------------------------------------------------------------------------------------------


def test_only_a_folder_has_local_paths(tmp_path: Path) -> None:
    assert Artifacts(str(tmp_path)).local_path("token") == tmp_path / "token"
    assert Artifacts("memory://x").local_path("token") is None


def test_every_artifact_can_be_had_as_a_file_for_a_while(artifacts: Artifacts) -> None:
    artifacts.write("documents/a.txt", b"text")
    with artifacts.local_copy("documents/a.txt") as path:
        assert path.read_bytes() == b"text"
    assert path.exists() == (artifacts.local_path("documents/a.txt") is not None)
    with pytest.raises(ArtifactMissing), artifacts.local_copy("documents/b.txt"):
        pass


def test_nothing_but_the_artifact_remains(tmp_path: Path) -> None:
    artifacts = Artifacts(str(tmp_path))
    artifacts.write(PATH, b"x")
    artifacts.write(PATH, b"y")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [PATH.rpartition("/")[2]]
    artifacts.delete(PATH)
    assert list(tmp_path.iterdir()) == []  # empty folders go with the last file


def test_a_use_or_a_second_writer_makes_a_file_young_but_not_each_time(tmp_path: Path) -> None:
    artifacts = Artifacts(str(tmp_path))
    artifacts.write(PATH, b"x")

    def age_after(seconds: float) -> float:
        os.utime(tmp_path / PATH, (time.time() - seconds,) * 2)
        assert artifacts.use(PATH)
        return time.time() - artifacts.look(PATH).modified

    assert age_after(USED_EVERY - 60) > USED_EVERY - 120
    assert age_after(USED_EVERY + 60) < 60
    os.utime(tmp_path / PATH, (0, 0))
    assert not artifacts.write(PATH, b"y")
    assert artifacts.look(PATH).modified > 0


def test_a_file_of_another_user_is_used_without_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts = Artifacts(str(tmp_path))
    artifacts.write(PATH, b"x")
    os.utime(tmp_path / PATH, (0, 0))

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    assert artifacts.use(PATH)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_local_file_becomes_an_artifact_without_a_copy_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"hours of audio")
    hardlink = Path.hardlink_to

    def link(target: Path, link_to: Path) -> None:
        if elsewhere and link_to == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        hardlink(target, link_to)

    monkeypatch.setattr(Path, "hardlink_to", link)
    artifacts = Artifacts(str(tmp_path / "store"))
    assert artifacts.write(PATH, source)
    assert not artifacts.write(PATH, source)
    assert artifacts.local_path(PATH).samefile(source) is not elsewhere
    source.unlink()
    assert artifacts.read(PATH) == b"hours of audio"
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1


def test_writers_do_not_mind_a_folder_that_is_removed_because_it_is_empty(tmp_path: Path) -> None:
    """Four threads write and remove in the same folders: each removal takes the empty folders along."""
    artifacts = Artifacts(str(tmp_path / "store"))
    source = tmp_path / "source.bin"
    source.write_bytes(b"x")

    def work(number: int) -> int:
        for turn in range(150):
            path = f"jobs/one/two/{number}-{turn}"
            assert artifacts.write(path, source if turn % 2 else b"x")
            assert artifacts.delete(path)
        return number

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [0, 1, 2, 3]


def test_a_writer_killed_half_way_leaves_nothing_that_is_seen(tmp_path: Path) -> None:
    """The child writes half of a file, says so, and is killed as hard as can be."""
    program = (
        "import sys; from loa import artifact_stores, artifacts\n"
        "def half(target, data):\n"
        "    target.write(data[:4]), target.flush(), print('half', flush=True), sys.stdin.read()\n"
        "artifact_stores.fill = half\n"
        f"artifacts.Artifacts({str(tmp_path / 'store')!r}).write({PATH!r}, b'half and half')"
    )
    script = tmp_path / "writer.py"
    script.write_text(program)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"half\n"
        child.send_signal(signal.SIGKILL)
    artifacts = Artifacts(str(tmp_path / "store"))
    assert not artifacts.exists(PATH)
    assert list(artifacts.walk()) == []
    assert artifacts.remove_leftovers(age=3600) == 0  # it might still be written
    assert artifacts.remove_leftovers(age=0) == 1
    assert artifacts.write(PATH, b"whole")


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process may grow over 4 kB, the log of the tests neither: writing more fails with EFBIG, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_a_full_disk_is_said_so_and_leaves_no_half_file(tmp_path: Path, place: str) -> None:
    artifacts = Artifacts(str(tmp_path) if place == "folder" else f"memory://{secrets.token_hex(4)}")
    with little_room(), pytest.raises(StorageFull, match="is full"):
        artifacts.write(PATH, bytes(100_000))
    assert not artifacts.exists(PATH)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert artifacts.write(PATH, b"small")


def test_a_place_that_cannot_be_written_is_said_so_and_only_the_log_names_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="cannot be used") as raised:
        Artifacts(str(tmp_path / "file")).write("jobs/x", b"")
    assert str(tmp_path) in caplog.text
    assert str(tmp_path) not in raised.value.message


# --- behind the S3 protocol --------------------------------------------------------------------------------------------


def test_s3_is_told_to_create_only(bucket: ObjectStore) -> None:
    bucket.conditions.clear()
    Artifacts("s3://bucket-conditions/loa").write("token", b"x")
    assert bucket.conditions == ["*"]
    assert bucket.objects["bucket-conditions/loa/token"] == b"x"


@pytest.mark.parametrize("refusal", ["", "<Condition>If-None-Match</Condition>"])
def test_s3_settles_a_race_that_the_question_before_did_not_see(bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    monkeypatch.setattr(bucket, "refusal", refusal)
    artifacts = Artifacts(f"s3://bucket-race-{len(refusal)}/loa")
    monkeypatch.setattr(artifacts._store, "use", lambda path: False)  # the question comes before the other writer's put
    bucket.objects[f"bucket-race-{len(refusal)}/loa/token"] = b"first"
    assert not artifacts.write("token", b"second")
    assert bucket.objects[f"bucket-race-{len(refusal)}/loa/token"] == b"first"


def test_another_process_s_writes_are_seen_at_once(bucket: ObjectStore) -> None:
    artifacts = Artifacts("s3://bucket-fresh/loa")
    artifacts.write("jobs/a/audio.wav", b"x")
    assert [stored.path for stored in artifacts.walk("jobs/a")] == ["jobs/a/audio.wav"]
    assert not artifacts.exists("jobs/a/timings.json")
    bucket.objects["bucket-fresh/loa/jobs/a/timings.json"] = b"{}"
    del bucket.objects["bucket-fresh/loa/jobs/a/audio.wav"]
    assert artifacts.exists("jobs/a/timings.json")
    assert not artifacts.exists("jobs/a/audio.wav")
    assert [stored.path for stored in artifacts.walk("jobs/a")] == ["jobs/a/timings.json"]
