"""The whole way with artifacts in S3: submitted over HTTP, spoken by a real worker, fetched from the bucket by a signed link."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loa.client import Client
from loa.house import Sweeper
from loa.states import State
from tests.api.stage import Reply, Served, serve
from tests.s3.conftest import Moto
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

BOOK = " ".join(f"This is sentence number {number} of a rather long text." for number in range(12))
IN_TIME = 3.5  # seconds for a refusal: three, and the way there and back on a busy machine


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet()


@pytest.fixture
def served(fleet: Fleet) -> Iterator[Served]:
    with serve(fleet.settings) as found:
        yield found


def fetch(url: str, **headers: str) -> Reply:
    """One GET, without following anything."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    response = connection.getresponse()
    reply = Reply(response.status, {name.title(): value for name, value in response.headers.items()}, response.read())
    connection.close()
    return reply


def test_from_submission_to_audio(fleet: Fleet, served: Served, tmp_path: Path) -> None:
    fleet.worker("speak,plan,assemble").hot()
    client = Client(f"http://{served.host}:{served.port}")
    job = client.wait(client.submit(BOOK, voice="sine", format="flac", title="Sách hay")["id"])
    assert job["state"] == State.SUCCEEDED, job["error"]
    path = f"/v1/jobs/{job['id']}/audio"

    answer = served.call("GET", path)
    assert (answer.status, answer.headers["Cache-Control"]) == (307, "no-store")
    link = answer.headers["Location"]
    audio = fetch(link)
    assert hashlib.sha256(audio.content).hexdigest() == job["result"]["sha256"]
    assert audio.headers["Content-Type"] == "audio/flac"
    assert "S%C3%A1ch%20hay.flac" in audio.headers["Content-Disposition"]
    part = fetch(link, Range="bytes=4-9")
    assert (part.status, part.content) == (206, audio.content[4:10])

    head = served.call("HEAD", path)
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(audio.content)))
    assert served.call("GET", path, headers={"If-None-Match": head.headers["Etag"]}).status == 304
    assert json.loads(fetch(served.call("GET", f"/v1/jobs/{job['id']}/timings.json").headers["Location"]).content)["job"] == job["id"]
    client.download(job["id"], tmp_path / "book.flac")  # follows, and checks the sum
    assert (tmp_path / "book.flac").read_bytes() == audio.content

    # What lies there is what the job needs, and it goes when it may.
    kinds = sorted({stored.path.split("/")[0] for stored in fleet.artifacts.walk()})
    assert kinds == ["documents", "jobs", "plans", "segments", "token"]
    fleet.redis.hincrby(fleet.keys.job(job["id"]), "finished", -8 * 86_400_000)
    fleet.redis.delete(fleet.keys.sweeper())
    assert Sweeper(fleet.store.house, fleet.artifacts, fleet.settings).sweep()
    assert "jobs" not in {stored.path.split("/")[0] for stored in fleet.artifacts.walk()}
    gone = served.call("GET", path)
    assert (gone.status, gone.json()["code"]) == (410, "audio_expired")


def test_downloads_through_the_api_where_clients_cannot_reach_the_bucket(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(redirect_downloads=False)
    fleet.worker("speak").hot()
    job = fleet.ended(fleet.submit("One sentence."))
    with serve(fleet.settings) as served:
        whole = served.call("GET", f"/v1/jobs/{job.id}/audio")
        assert (whole.status, hashlib.sha256(whole.content).hexdigest()) == (200, job.result["sha256"])
        part = served.call("GET", f"/v1/jobs/{job.id}/audio", headers={"Range": "bytes=44-99"})
        assert (part.status, part.content) == (206, whole.content[44:100])


def test_an_s3_that_does_not_answer_is_said_in_time_and_comes_back(moto: Moto, served: Served) -> None:
    body = {"input": BOOK, "voice": "sine"}
    moto.freeze()
    try:
        began = time.monotonic()
        refused = served.call("POST", "/v1/jobs", body)
        assert time.monotonic() - began < IN_TIME
        assert (refused.status, refused.json()["code"]) == (503, "storage_unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert served.call("POST", "/v1/jobs", {"input": "Short text needs no S3.", "voice": "sine"}).status == 202
    finally:
        moto.thaw()
    assert wait_until(lambda: served.call("POST", "/v1/jobs", body).status == 202)
