"""GET …/audio and …/timings.json: whole, in part, and not at all."""

from __future__ import annotations

import hashlib

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header

from api.downloads import disposition
from api.schemas import JobJson, TimingsJson
from api.service import Service
from loa.errors import Unspeakable
from tests.api.stage import Player, tone
from tests.api.test_submit import refused, submit

AUDIO = tone()
SIZE = len(AUDIO)
TAG = f'"{hashlib.sha256(AUDIO).hexdigest()}"'


@pytest.fixture
def url(client: FlaskClient, player: Player) -> str:
    """The address of a finished job's audio."""
    player.announce()
    job = submit(client, title="Chào buổi sáng").json
    player.finish(AUDIO)
    return f"/v1/jobs/{job['id']}/audio"


def test_the_whole_file(client: FlaskClient, url: str) -> None:
    response = client.get(url)
    assert (response.status_code, response.data) == (200, AUDIO)
    assert response.content_type == "audio/wav"
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["ETag"] == TAG
    assert response.headers["Accept-Ranges"] == "bytes"
    _, parameters = parse_options_header(response.headers["Content-Disposition"])
    assert parameters["filename"] == "Chào buổi sáng.wav"


def test_head_tells_all_but_the_content(client: FlaskClient, url: str) -> None:
    whole, head = client.get(url), client.head(url, headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.data) == (200, b"")
    named = ("Content-Type", "Content-Length", "ETag", "Accept-Ranges", "Content-Disposition")
    assert {name: head.headers[name] for name in named} == {name: whole.headers[name] for name in named}


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=100-", 100, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-500", SIZE - 500, SIZE - 1),
        (f"bytes=10-{SIZE * 9}", 10, SIZE - 1),
        ("Bytes= 5-6 ", 5, 6),
    ],
)
def test_a_part(client: FlaskClient, url: str, wanted: str, first: int, last: int) -> None:
    response = client.get(url, headers={"Range": wanted})
    assert (response.status_code, response.data) == (206, AUDIO[first : last + 1])
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=9-3",
        "bytes=a-b",
        "bytes=-",
        "bytes",
        "seconds=0-1",
        "bytes=0-1,5-6",
        "bytes=" + "9" * 5000 + "-",
        f"bytes=-{SIZE * 2}",
        "bytes=0-",
    ],
)
def test_a_range_that_is_malformed_multiple_or_everything_means_the_whole(client: FlaskClient, url: str, wanted: str) -> None:
    response = client.get(url, headers={"Range": wanted})
    assert (response.status_code, response.data) == (200, AUDIO)


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_outside_the_file(client: FlaskClient, url: str, wanted: str) -> None:
    response = client.get(url, headers={"Range": wanted})
    refused(response, 416, "range_not_satisfiable")
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    ("condition", "status"), [(TAG, 206), ('"another"', 200), (f"W/{TAG}", 200), ("Sun, 22 Nov 2026 11:00:00 GMT", 200), ("", 200)]
)
def test_a_part_only_if_the_file_is_still_that_one(client: FlaskClient, url: str, condition: str, status: int) -> None:
    response = client.get(url, headers={"Range": "bytes=0-9", "If-Range": condition})
    assert response.status_code == status
    assert response.data == (AUDIO[:10] if status == 206 else AUDIO)


@pytest.mark.parametrize("known", [TAG, f'"x", {TAG}', "*", f"W/{TAG}"])
def test_a_file_that_the_client_has_already(client: FlaskClient, url: str, known: str) -> None:
    response = client.get(url, headers={"If-None-Match": known})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == TAG
    assert client.get(url, headers={"If-None-Match": '"x"'}).status_code == 200


def test_the_file_is_handed_to_the_server_as_it_is(app: Flask, url: str) -> None:
    """A server with wsgi.file_wrapper gets the file at the right place and the right length; that keeps its threads free."""
    given: list[tuple[int, int]] = []

    def wrapper(stream: object, block: int) -> list[bytes]:
        with stream as file:  # type: ignore[attr-defined]
            given.append((file.tell(), block))
        return [b"x" * 10]

    response = app.test_client().get(url, headers={"Range": "bytes=20-29"}, environ_base={"wsgi.file_wrapper": wrapper})
    assert response.headers["Content-Length"] == "10"
    assert [place for place, _ in given] == [20]


SUBTITLES = {
    "srt": ("application/x-subrip", "1\n00:00:00,100 --> 00:00:00,400\nHi <you>.\n\n"),
    "vtt": ("text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.100 --> 00:00:00.400\nHi &lt;you&gt;.\n\n"),
}


@pytest.mark.parametrize("kind", SUBTITLES)
def test_subtitles_of_one_passage_are_made_of_its_timings(client: FlaskClient, url: str, kind: str) -> None:
    response = client.get(url.replace("/audio", f"/subtitles.{kind}"))
    assert (response.status_code, response.content_type, response.text) == (200, *SUBTITLES[kind])
    _, parameters = parse_options_header(response.headers["Content-Disposition"])
    assert parameters["filename"] == f"Chào buổi sáng.{kind}"
    again = client.get(url.replace("/audio", f"/subtitles.{kind}"), headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_subtitles_of_one_passage_are_cut_by_the_rules_of_its_language(
    client: FlaskClient, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence that goes on after "TP." does so where Vietnamese is spoken."""
    text = "Trung tâm TP. Hồ Chí Minh nằm ở phía nam. Đó là một thành phố lớn."
    monkeypatch.setattr("tests.api.stage.SAID", {"index": 0, "text": text, "start": 0.0, "end": 6.0, "words": []})
    player.announce()
    job_id = submit(client, input=text).json["id"]
    player.finish(AUDIO)
    assert player.store.jobs.get(job_id).language == "en"
    first = {}
    for language in ("en", "vi"):
        player.store.database.client.hset(player.store.database.keys.job(job_id), "language", language)
        first[language] = client.get(f"/v1/jobs/{job_id}/subtitles.srt").text.split("\n")[2]
    assert first == {"en": "Trung tâm TP.", "vi": "Trung tâm TP. Hồ Chí Minh nằm ở phía nam."}


@pytest.mark.parametrize("kind", SUBTITLES)
def test_subtitles_of_a_longer_job_are_files(client: FlaskClient, player: Player, service: Service, kind: str) -> None:
    player.announce()
    submit(client)
    path = f"jobs/x/y/subtitles.{kind}"
    service.artifacts.write(path, b"as they were written")
    chapters = [{"title": "One", "start": 0.0, "end": 0.5}]
    job_id = player.finish(AUDIO, subtitles={kind: path}, chapters=chapters, loudness_lufs=-19.0)
    result = JobJson(**client.get(f"/v1/jobs/{job_id}").json).result
    assert result is not None
    assert ([mark.model_dump() for mark in result.chapters], result.loudness_lufs) == (chapters, -19.0)
    response = client.get(getattr(result.subtitles, kind))
    assert (response.status_code, response.content_type, response.data) == (200, SUBTITLES[kind][0], b"as they were written")
    service.artifacts.delete(path)
    refused(client.get(getattr(result.subtitles, kind)), 410, "audio_expired")


def test_timings(client: FlaskClient, url: str) -> None:
    response = client.get(url.replace("/audio", "/timings.json"))
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert TimingsJson.model_validate(response.json)
    assert response.headers["ETag"] != TAG


def test_a_job_that_has_not_ended(client: FlaskClient, player: Player) -> None:
    job_id = submit(client).json["id"]
    for what in ("audio", "timings.json", "subtitles.srt", "subtitles.vtt"):
        problem = refused(client.get(f"/v1/jobs/{job_id}/{what}"), 409, "job_not_finished")
        assert problem["details"]["state"] == "queued"


def test_a_job_that_was_canceled(client: FlaskClient) -> None:
    job_id = submit(client).json["id"]
    client.post(f"/v1/jobs/{job_id}/cancel")
    refused(client.get(f"/v1/jobs/{job_id}/audio"), 409, "job_canceled")


def test_a_job_that_failed(client: FlaskClient, player: Player) -> None:
    player.announce()
    job_id = submit(client).json["id"]
    player.fail(Unspeakable("nothing to say"))
    problem = refused(client.get(f"/v1/jobs/{job_id}/audio"), 409, "job_failed")
    assert problem["details"]["error"]["code"] == "unspeakable_text"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_is_no_longer_kept(client: FlaskClient, service: Service, url: str, method: str) -> None:
    for stored in list(service.artifacts.walk("jobs")):
        service.artifacts.delete(stored.path)
    assert client.open(url, method=method).status_code == 410
    refused(client.get(url), 410, "audio_expired")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("book.wav", "book.wav"),
        ("Chào.mp3", "Chào.mp3"),
        ('a"b\r\nX: y.wav', "a_b_X_ y.wav"),
        ("../../etc/passwd.wav", "etc_passwd.wav"),
        ("C:\\x.wav", "C_x.wav"),
        ("....wav", "audio.wav"),
        ("x" * 300 + ".wav", "x" * 100 + ".wav"),
        ("a\u202egpj.wav", "a_gpj.wav"),
    ],
)
def test_a_title_makes_a_file_name_and_nothing_else(name: str, shown: str) -> None:
    header = disposition(name)
    kind, parameters = parse_options_header(header)
    assert kind == "inline"
    assert parameters["filename"] == shown
    header.encode("ascii")
    assert not set("\r\n") & set(header)
