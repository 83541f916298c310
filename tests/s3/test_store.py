"""The artifact store in S3: create only, last use, signed links, killed uploads, and a server that does not answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest

from loa.artifacts import USED_EVERY, Artifacts
from loa.errors import StorageUnavailable
from loa.object_stores import PART
from tests.s3.conftest import Moto, environment, use
from tests.s3.relay import relay
from tests.waiting import wait_until

PATH = "segments/ab/" + "ab" * 32 + ".zip"
CENTURY = 100 * 365 * 86400.0  # seconds
IN_TIME = 3.0  # seconds until somebody who waits is told that S3 is away


@pytest.mark.parametrize("size", [1000, 2 * PART + 1])
def test_what_is_there_is_never_replaced_in_one_put_or_in_parts(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Two that both saw nothing there: the server decides."""
    monkeypatch.setattr(artifacts._store, "use", lambda path: False)
    outcomes = []
    for number in range(2):
        source = tmp_path / str(number)
        source.write_bytes(bytes([number]) * size)
        outcomes.append(artifacts.write(PATH, source))
    assert outcomes == [True, False]
    assert artifacts.read(PATH) == bytes(size)


def test_a_use_is_noted_once_an_hour(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts.write(PATH, b"speech")
    written = artifacts.look(PATH).modified
    wait_until(lambda: time.time() > written + 1.1)  # S3 tells whole seconds
    assert artifacts.use(PATH)
    assert artifacts.look(PATH).modified == written
    monkeypatch.setattr("loa.object_stores.USED_EVERY", 0.5)
    assert artifacts.use(PATH)
    assert artifacts.look(PATH).modified > written
    assert artifacts.read(PATH) == b"speech"
    artifacts.delete(PATH)
    assert not artifacts.use(PATH)
    assert USED_EVERY == 3600


def test_a_walk_goes_on_beyond_one_page(artifacts: Artifacts) -> None:
    names = {f"jobs/{number:04d}/1/a" for number in range(1005)}
    files, root = fsspec.core.url_to_fs(artifacts.url)
    files.pipe({f"{root}/{name}": b"x" for name in names})
    assert {stored.path for stored in artifacts.walk("jobs")} == names
    assert [stored.path for stored in artifacts.walk("jobs/0007")] == ["jobs/0007/1/a"]


def test_a_signed_link_serves_the_file_with_our_headers_for_a_while(artifacts: Artifacts) -> None:
    artifacts.write(PATH, b"0123456789")
    link = artifacts.link(PATH, 2, media_type="audio/flac", disposition="inline; filename=\"a.flac\"; filename*=UTF-8''%C3%A1.flac")
    assert link is not None
    request = urllib.request.Request(link, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert (response.status, response.read()) == (206, b"234")
        assert response.headers["Content-Type"] == "audio/flac"
        assert response.headers["Content-Disposition"] == "inline; filename=\"a.flac\"; filename*=UTF-8''%C3%A1.flac"
    assert "X-Amz-Expires=2" in link or f"Expires={int(time.time()) + 2}"[:-2] in link
    if "X-Amz-Date=" in link:
        signed = datetime.strptime(link.partition("X-Amz-Date=")[2][:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(signed.timestamp() - time.time()) < 10


@pytest.mark.parametrize("size", [2 * PART - 1, 3 * PART])
def test_a_writer_killed_in_the_middle_of_an_upload_leaves_nothing_that_is_seen(
    moto: Moto, artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """One put, or parts: two thirds of it have arrived when the process is killed as hard as can be."""
    source = tmp_path / "audio.wav"
    source.write_bytes(bytes(size))
    script = tmp_path / "writer.py"
    script.write_text(
        "from pathlib import Path\nfrom loa.artifacts import Artifacts\n"
        f"Artifacts({artifacts.url!r}).write({PATH!r}, Path({str(source)!r}))"
    )
    with relay(moto.url, 2 * size // 3) as slow:
        with pytest.MonkeyPatch.context() as patch:
            use(patch, slow.url)
            child = subprocess.Popen([sys.executable, script], env=environment())
        try:
            assert slow.stalled.wait(60)
            assert not artifacts.exists(PATH)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    assert not artifacts.exists(PATH)
    assert list(artifacts.walk()) == []
    assert artifacts.remove_leftovers(age=CENTURY) == 0  # it might still be written; this server says that all began in 2010
    assert artifacts.remove_leftovers(age=0) == (1 if size >= 2 * PART else 0)
    assert artifacts.remove_leftovers(age=0) == 0
    assert artifacts.write(PATH, source)
    assert artifacts.size(PATH) == size


def test_who_answers_people_learns_soon_that_s3_is_away(moto: Moto, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = Artifacts(bucket, hurried=True)
    assert hurried.write(PATH, b"x")
    moto.freeze()
    try:
        for ask in (hurried.look, hurried.read, lambda path: hurried.write("documents/x.txt", b"text")):
            began = time.monotonic()
            with pytest.raises(StorageUnavailable):
                ask(PATH)
            assert time.monotonic() - began < IN_TIME
    finally:
        moto.thaw()
    assert wait_until(lambda: hurried.read(PATH)) == b"x"
    use(monkeypatch, "http://127.0.0.1:9")  # nobody listens there
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        Artifacts(bucket, hurried=True).look(PATH)
    assert time.monotonic() - began < IN_TIME
