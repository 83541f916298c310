"""POST /v1/jobs: what is accepted, and one test for everything that is not."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.requests import FRAME_BYTES
from api.schemas import JobJson
from api.service import Service
from loa.artifacts import Artifacts
from loa.errors import StorageFull
from loa.plan.planning import SHORT_TEXT
from loa.settings import Settings
from tests.api.stage import SPEAK, Player
from tests.archives import archive

LONG = "A sentence of a long text follows another one. " * 20


def submit(client: FlaskClient, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
    return client.post("/v1/jobs", json={"input": "Hello there.", "voice": "sine", **fields}, headers=headers)


def upload(client: FlaskClient, content: bytes = b"A short file.", name: str = "book.txt", **fields: Any) -> TestResponse:
    return client.post("/v1/jobs", data={"file": (io.BytesIO(content), name), "voice": "sine", **fields})


def refused(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document, checked for what every one must have."""
    problem: dict[str, Any] = json.loads(response.data)
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code), problem
    assert response.mimetype == "application/problem+json"
    assert problem["type"] == f"/docs#{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    return problem


# --- accepted -------------------------------------------------------------------------------------------------------


def test_short_text_becomes_a_job_of_one_segment(client: FlaskClient, service: Service) -> None:
    response = submit(client, input="  Hello\tthere.  ", format="flac", speed=1.25, title="Greeting", metadata={"customer": 7})
    assert response.status_code == 202
    job = response.json
    assert JobJson.model_validate(job)
    assert response.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert "Idempotent-Replay" not in response.headers
    assert (job["state"], job["kind"], job["lane"], job["format"], job["speed"]) == ("queued", "text", "interactive", "flac", 1.25)
    assert (job["title"], job["metadata"], job["characters"]) == ("Greeting", {"customer": 7}, 12)
    assert job["progress"]["segments_total"] == 1
    assert "no hot worker for the engine sine" in job["waiting_reason"]
    kept = service.store.jobs.get(job["id"])
    assert kept.segment is not None
    assert kept.segment.text == "Hello there."
    assert client.get(response.headers["Location"]).json["id"] == job["id"]


def test_everything_but_the_input_has_a_default(client: FlaskClient) -> None:
    problem = client.post("/v1/jobs", json={"input": "Hello."}).json
    assert "joe" in (problem.get("voice"), problem.get("details", {}).get("voice"))  # its files may not be installed here


def test_text_of_more_than_one_segment_becomes_a_document(client: FlaskClient, service: Service) -> None:
    job = submit(client, input=LONG).json
    assert len(LONG) > SHORT_TEXT
    assert (job["state"], job["lane"], job["progress"]["segments_total"]) == ("queued", "interactive", 0)
    assert "no hot worker for the queue plan" in job["waiting_reason"]
    document = service.store.jobs.get(job["id"]).document
    assert document is not None
    assert service.artifacts.read(document).decode() == LONG.strip()


@pytest.mark.parametrize("name", ["book.txt", "book.md", "BOOK.TXT", "../../etc/passwd.md", "C:\\book.md"])
def test_a_file_becomes_a_document_named_by_its_content(client: FlaskClient, service: Service, name: str) -> None:
    content = "# Chương một\n\nTrời sáng rồi.".encode()
    response = upload(client, content, name, speed="1.5", title="Sách", metadata='{"shelf": "vi"}')
    assert response.status_code == 202, response.json
    job = response.json
    assert (job["kind"], job["lane"], job["speed"], job["title"], job["metadata"]) == ("file", "bulk", 1.5, "Sách", {"shelf": "vi"})
    document = service.store.jobs.get(job["id"]).document
    assert document == f"documents/{hashlib.sha256(content).hexdigest()}{Path(name).suffix.lower()}"
    assert service.artifacts.read(document) == content


def test_the_lane_may_be_chosen(client: FlaskClient) -> None:
    assert submit(client, lane="bulk").json["lane"] == "bulk"
    assert upload(client, lane="interactive").json["lane"] == "interactive"


def test_a_waiting_request_gets_the_finished_job(app: Flask, service: Service, player: Player) -> None:
    service.waiters.start()
    player.announce()
    answers: list[TestResponse] = []
    thread = threading.Thread(
        target=lambda: answers.append(app.test_client().post("/v1/jobs?wait=20", json={"input": "Hi.", "voice": "sine"}))
    )
    thread.start()
    while not service.store.slots.backlog().get(SPEAK, {}).get("ready_segments"):
        assert thread.is_alive()
    job_id = player.finish()
    thread.join(10)
    (response,) = answers
    assert (response.status_code, response.json["state"], response.json["id"]) == (200, "succeeded", job_id)
    assert response.headers["Location"] == f"/v1/jobs/{job_id}"


def test_a_request_that_waited_in_vain_gets_the_job_as_it_is(client: FlaskClient) -> None:
    response = client.post("/v1/jobs?wait=0.05", json={"input": "Hi.", "voice": "sine"})
    assert (response.status_code, response.json["state"]) == (202, "queued")


# --- the same request again -----------------------------------------------------------------------------------------


def with_key(client: FlaskClient, key: str = "k-1", **fields: Any) -> TestResponse:
    return client.post("/v1/jobs", json={"input": "Hello.", "voice": "sine", **fields}, headers={"Idempotency-Key": key})


def test_a_repeated_request_gets_the_same_job(client: FlaskClient) -> None:
    first, second = with_key(client), with_key(client, speed=1)
    assert first.json["id"] == second.json["id"]
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["Idempotent-Replay"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert len(client.get("/v1/jobs").json["jobs"]) == 1


def test_a_repetition_after_the_end_says_so(client: FlaskClient, player: Player) -> None:
    player.announce()
    with_key(client)
    player.finish()
    response = with_key(client)
    assert (response.status_code, response.json["state"]) == (200, "succeeded")


def test_a_repetition_is_answered_even_if_the_request_would_be_refused_now(client: FlaskClient, service: Service, tmp_path: Path) -> None:
    manifest = tmp_path / "voices" / "fleeting.toml"
    manifest.parent.mkdir()
    manifest.write_text('title = "x"\nengine = "sine"\nlanguage = "en-US"\nlicence = "MIT"\ncommercial_use = true\n')
    first = with_key(client, voice="fleeting")
    manifest.unlink()
    assert submit(client, voice="fleeting").status_code == 404
    assert with_key(client, voice="fleeting").json["id"] == first.json["id"]


def test_a_repeated_upload_gets_the_same_job(client: FlaskClient) -> None:
    def send(content: bytes, name: str = "a.txt") -> TestResponse:
        form = {"file": (io.BytesIO(content), name), "voice": "sine"}
        return client.post("/v1/jobs", data=form, headers={"Idempotency-Key": "file"})

    first = send(b"One text.")
    assert send(b"One text.", "b.txt").json["id"] == first.json["id"]
    refused(send(b"Another text."), 422, "idempotency_conflict")
    refused(send(b"One text.", "a.md"), 422, "idempotency_conflict")


def test_another_request_with_the_same_key_is_refused(client: FlaskClient) -> None:
    first = with_key(client)
    problem = refused(with_key(client, speed=1.5), 422, "idempotency_conflict")
    assert problem["details"]["job"] == first.json["id"]


def test_other_keys_and_none_make_other_jobs(client: FlaskClient) -> None:
    made = {with_key(client, "a").json["id"], with_key(client, "b").json["id"], submit(client).json["id"], submit(client).json["id"]}
    assert len(made) == 4


def test_requests_at_once_with_one_key_make_one_job(app: Flask) -> None:
    barrier = threading.Barrier(8)
    answers: list[TestResponse] = []

    def send() -> None:
        client = app.test_client()
        barrier.wait()
        answers.append(with_key(client, "race"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status_code for response in answers} == {202}
    assert len({response.json["id"] for response in answers}) == 1
    assert sum("Idempotent-Replay" not in response.headers for response in answers) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_odd_key_is_refused(client: FlaskClient, key: str) -> None:
    refused(with_key(client, key), 400, "invalid_request")


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u0000\u0007\u202e", "… — !!!"])
def test_text_without_anything_to_say(client: FlaskClient, text: str) -> None:
    refused(submit(client, input=text), 400, "empty_text")


@pytest.mark.parametrize("content", [b"", b" \n\n", "——— !!!".encode()])
def test_a_file_without_anything_to_say(client: FlaskClient, content: bytes) -> None:
    refused(upload(client, content), 400, "empty_text")


@pytest.mark.parametrize("content", [b"\x00\x01\x02", "Một câu. ".encode() * 50 + b"\xff"])
def test_a_file_that_is_no_text(client: FlaskClient, content: bytes) -> None:
    refused(upload(client, content), 422, "unreadable_document")


@pytest.fixture
def small(settings: Settings, service: Service) -> FlaskClient:
    """A client of a server with low limits on the same store."""
    limited = dataclasses.replace(settings, text_limit=1000, file_text_limit=2000, body_limit=50_000)
    made = Service(limited)
    made.open()
    return create_app(limited, made).test_client()


def test_text_over_the_limit(small: FlaskClient) -> None:
    assert submit(small, input="a" * 1000).status_code == 202
    assert refused(submit(small, input="a" * 1001), 413, "text_too_long")["details"]["limit"] == 1000


def test_json_that_cannot_hold_a_text_within_the_limit_is_not_even_parsed(settings: Settings, service: Service) -> None:
    limited = dataclasses.replace(settings, text_limit=1000)
    made = Service(limited)
    made.open()
    body = b'{"input": "' + b"a" * (FRAME_BYTES + 12_000) + b'"'  # malformed at its end: parsing it would say so
    response = create_app(limited, made).test_client().post("/v1/jobs", data=body, content_type="application/json")
    refused(response, 413, "text_too_long")


def test_a_file_over_the_limit_of_characters(small: FlaskClient) -> None:
    assert upload(small, "ạ".encode() * 2000).status_code == 202
    refused(upload(small, "ạ".encode() * 2001), 413, "text_too_long")
    refused(upload(small, b"a" * 8001), 413, "text_too_long")


def test_a_body_over_the_limit_of_bytes(small: FlaskClient) -> None:
    problem = refused(upload(small, b"a" * 60_000), 413, "body_too_large")
    assert problem["details"]["limit"] == 50_000


def test_an_unknown_voice_is_answered_with_close_ones(client: FlaskClient) -> None:
    problem = refused(submit(client, voice="sin"), 404, "unknown_voice")
    assert problem["details"]["close"] == ["sine"]
    assert "sine" in problem["detail"]


def test_a_voice_that_is_not_installed_is_answered_with_how_to_pull_it(client: FlaskClient) -> None:
    problem = refused(submit(client, voice="vi_VN-vais1000-medium"), 409, "voice_not_installed")
    assert "loa voices pull vi_VN-vais1000-medium" in problem["detail"]


def test_a_voice_of_an_engine_that_is_not_there(client: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    facts = 'title = "x"\nengine = "gramophone"\nlanguage = "en-US"\nlicence = "MIT"\ncommercial_use = true\n'
    (folder / "old.toml").write_text(facts)
    problem = refused(submit(client, voice="old"), 409, "unknown_engine")
    assert "gramophone" in problem["detail"]


def test_a_job_whose_engine_nobody_has_waits_and_says_how_to_get_it(client: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "voices" / "quynh"
    folder.mkdir(parents=True)
    (folder / "quynh.wav").write_bytes(b"a recording")
    facts = 'title = "x"\nengine = "viettts"\nlanguage = "vi-VN"\nlicence = "x"\ncommercial_use = false\n'
    (folder.parent / "quynh.toml").write_text(f'{facts}[[files]]\nrole = "prompt"\nname = "quynh.wav"\n')
    job = submit(client, voice="quynh").json
    assert "no hot worker for the engine viettts (`loa engines pull viettts`" in job["waiting_reason"]


def test_a_truncated_voice_file(client: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    (folder / "torn").mkdir(parents=True)
    facts = 'title = "x"\nengine = "sine"\nlanguage = "en-US"\nlicence = "MIT"\ncommercial_use = true\n'
    (folder / "torn.toml").write_text(f'{facts}[[files]]\nrole = "model"\nname = "model.onnx"\nsize = 100\n')
    (folder / "torn" / "model.onnx").write_bytes(b"half of it")
    problem = refused(submit(client, voice="torn"), 500, "broken_voice")
    assert "10 bytes" in problem["detail"]


def test_an_unknown_format(client: FlaskClient) -> None:
    problem = refused(submit(client, format="aac"), 400, "unknown_format")
    assert "wav" in problem["details"]["known"]


@pytest.mark.parametrize("speed", [0.49, 2.01, -1, 0, 1e308])
def test_a_speed_out_of_bounds(client: FlaskClient, speed: float) -> None:
    refused(submit(client, speed=speed), 400, "invalid_speed")


@pytest.mark.parametrize("speed", ["nan", "inf", "-1"])
def test_a_speed_out_of_bounds_in_a_form(client: FlaskClient, speed: str) -> None:
    refused(upload(client, speed=speed), 400, "invalid_speed")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"webhook": "https://example.com"}, "webhook"),
        ({"inputs": "x"}, "inputs"),
        ({"input": 5}, "input"),
        ({"input": None}, "input"),
        ({"voice": ["sine"]}, "voice"),
        ({"speed": "fast"}, "speed"),
        ({"speed": True}, "speed"),
        ({"format": None}, "format"),
        ({"lane": "express"}, "lane"),
        ({"title": "x" * 301}, "title"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {"x": "y" * 17_000}}, "metadata"),
    ],
)
def test_a_field_that_is_unknown_or_of_the_wrong_kind_is_named(client: FlaskClient, fields: dict[str, Any], named: str) -> None:
    problem = refused(submit(client, **fields), 400, "invalid_request")
    assert [fault["field"] for fault in problem["details"]["fields"]] == [named]
    assert problem["detail"].startswith(f"{named}: ")


def test_a_missing_input(client: FlaskClient) -> None:
    problem = refused(client.post("/v1/jobs", json={"voice": "sine"}), 400, "invalid_request")
    assert problem["detail"] == "input: is missing"


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "nan", ""])
def test_a_wait_out_of_bounds(client: FlaskClient, wait: str) -> None:
    refused(client.post(f"/v1/jobs?wait={wait}", json={"input": "Hi.", "voice": "sine"}), 400, "invalid_request")
    assert client.get("/v1/jobs").json["jobs"] == []


def test_an_unknown_parameter(client: FlaskClient) -> None:
    refused(client.post("/v1/jobs?wiat=5", json={"input": "Hi.", "voice": "sine"}), 400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"input": "a",}',
        b'{"input": "a", "speed": NaN}',
        b'{"input": "a", "metadata": {"x": -Infinity}}',
        b'{"input": "\xff"}',
        b'{"input": "\\ud800"}',
        b'["input"]',
        b'"text"',
        b"[" * 100_000,
        b'\xef\xbb\xbf{"input": "a"}',
    ],
)
def test_malformed_json(client: FlaskClient, body: bytes) -> None:
    refused(client.post("/v1/jobs", data=body, content_type="application/json"), 400, "malformed_json")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_wrong_content_type(client: FlaskClient, content_type: str) -> None:
    refused(client.post("/v1/jobs", data=b"input=x", content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x7fELF\x02", "a program"),
        (b"{\\rtf1 Hello}", "RTF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b'<?xml version="1.0"?><a>Hello</a>', "XML"),
        (archive(("xl/workbook.xml", b"")), "a spreadsheet"),
        (archive(("a.txt", b"Hello.")), "a ZIP archive"),
    ],
)
def test_a_file_of_another_kind(client: FlaskClient, content: bytes, what: str) -> None:
    problem = refused(upload(client, content, "book.txt"), 415, "unsupported_media_type")
    assert what in problem["detail"]
    assert ".txt, .md, .html, .epub, .docx and .pdf can be read" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n" + b"x" * 1000, "pdf"),
        (archive(("META-INF/container.xml", b""), ("a.xhtml", b"x" * 1000)), "epub"),
        (archive(("word/document.xml", b"x" * 1000)), "docx"),
        (b"<!doctype html><p>Hello.", "html"),
    ],
)
def test_a_document_of_any_name_is_kept_under_its_kind_and_weighed_by_a_guess(
    client: FlaskClient, service: Service, content: bytes, kind: str
) -> None:
    job = upload(client, content, "book.bin").json
    assert 0 < job["characters"] <= 1000
    assert service.store.jobs.get(job["id"]).document == f"documents/{hashlib.sha256(content).hexdigest()}.{kind}"


def test_a_document_over_the_limit_of_bytes(settings: Settings, service: Service) -> None:
    limited = dataclasses.replace(settings, file_limit=5_000)
    made = Service(limited)
    made.open()
    client = create_app(limited, made).test_client()
    assert upload(client, b"%PDF-" + b"x" * 4_995).status_code == 202
    problem = refused(upload(client, b"%PDF-" + b"x" * 4_996), 413, "document_too_large")
    assert problem["details"]["limit"] == 5_000


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"voice": "sine"}, "file"),
        ({"file": "just text"}, "file"),
        ({"input": "x"}, "file"),
        ({"voice": ["sine", "joe"]}, "voice"),
    ],
)
def test_a_form_without_a_proper_file_or_with_doubled_fields(client: FlaskClient, form: dict[str, Any], named: str) -> None:
    response = client.post("/v1/jobs", data=form, content_type="multipart/form-data")
    assert named in refused(response, 400, "invalid_request")["detail"]


def test_two_files(client: FlaskClient) -> None:
    form = {"file": [(io.BytesIO(b"a"), "a.txt"), (io.BytesIO(b"b"), "b.txt")]}
    refused(client.post("/v1/jobs", data=form, content_type="multipart/form-data"), 400, "invalid_request")


@pytest.mark.parametrize("metadata", ["{", "[]", '{"a": NaN}'])
def test_form_metadata_that_is_no_json_object(client: FlaskClient, metadata: str) -> None:
    refused(upload(client, metadata=metadata), 400, "malformed_json")


def test_a_torn_form(client: FlaskClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf of'
    response = client.post("/v1/jobs", data=body, content_type="multipart/form-data; boundary=x")
    refused(response, 400, "invalid_request")
    assert client.get("/v1/jobs").json["jobs"] == []


def test_a_full_disk_is_said_and_leaves_no_job(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise StorageFull("the artifact store is full")

    monkeypatch.setattr(Artifacts, "write", full)
    refused(upload(client), 507, "storage_full")
    assert client.get("/v1/jobs").json["jobs"] == []
