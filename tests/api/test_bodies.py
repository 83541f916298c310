"""Bodies that want more of the server than their length: unfolding, nesting, multiplying; and disks that are full."""

from __future__ import annotations

import gzip
import io
import json
import resource
import tracemalloc
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.requests import JSON_VALUES
from api.schemas import METADATA_DEPTH
from tests.api.stage import Served
from tests.api.test_submit import refused, submit, upload
from tests.waiting import wait_until

JSON = "application/json"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"])
def test_a_packed_body_is_not_unpacked(client: FlaskClient, encoding: str) -> None:
    bomb = gzip.compress(b'{"input": "' + b"a" * 1_000_000 + b'"}')
    response = client.post("/v1/jobs", data=bomb, content_type=JSON, headers={"Content-Encoding": encoding})
    assert "Content-Encoding" in refused(response, 415, "unsupported_media_type")["detail"]


def test_a_body_as_it_is_may_say_so(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={"input": "Hi.", "voice": "sine"}, headers={"Content-Encoding": "identity"})
    assert response.status_code == 202


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"metadata": [' + b"{}," * 1_000_000 + b"{}]}", id="a million objects"),
        pytest.param(b"{" + b",".join(b'"a%d":0' % number for number in range(300_000)) + b"}", id="300,000 unknown fields"),
        pytest.param(b'{"metadata": {"a": [' + b"0," * 1_000_000 + b"0]}}", id="a million numbers"),
        pytest.param(b'{"a": [' + b'"",' * 1_000_000 + b'""]}', id="a million empty strings"),
        pytest.param(b"[" * 3_000_000, id="three million brackets"),
        pytest.param(b'{"a":' * 500_000, id="half a million nested objects"),
    ],
)
def test_a_body_of_a_million_values_is_refused_before_they_are_made(client: FlaskClient, body: bytes) -> None:
    tracemalloc.start()
    try:
        refused(client.post("/v1/jobs", data=body, content_type=JSON), 400, "malformed_json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(body) + 5_000_000


def test_a_large_metadata_of_many_values_is_not_too_many(client: FlaskClient) -> None:
    metadata = {"a": [0] * 8_000}
    assert len(json.dumps(metadata, separators=(",", ":"))) < 16_384 < JSON_VALUES
    assert submit(client, metadata=metadata).status_code in (202, 400)  # 24,000 bytes with the blanks that json.dumps makes
    body = json.dumps({"input": "Hi.", "voice": "sine", "metadata": {"a": [0] * 5_000}}, separators=(",", ":"))
    assert client.post("/v1/jobs", data=body, content_type=JSON).status_code == 202


def nested(depth: int) -> bytes:
    """A submission with metadata of so many levels, written without a parser's help, which might not go so deep itself."""
    return b'{"input": "Hi.", "voice": "sine", "metadata": ' + b'{"a":' * (depth - 1) + b"{}" + b"}" * depth


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "nested"}])
def test_metadata_is_nested_so_deep_and_no_deeper(client: FlaskClient, headers: dict[str, str]) -> None:
    def send(depth: int) -> TestResponse:
        return client.post("/v1/jobs", data=nested(depth), content_type=JSON, headers=headers)

    for depth in (METADATA_DEPTH + 1, 400, 900):
        assert f"{METADATA_DEPTH} levels" in refused(send(depth), 400, "invalid_request")["detail"]
    made = send(METADATA_DEPTH)
    assert made.status_code == 202
    assert client.get(made.headers["Location"]).json["metadata"] == json.loads(nested(METADATA_DEPTH))["metadata"]
    if headers:
        assert send(METADATA_DEPTH).json["id"] == made.json["id"]


@pytest.mark.parametrize("number", ["1" * 5_000, "1e999999", "-1e400", "1" * 400])
def test_a_huge_number_breaks_nothing(client: FlaskClient, number: str) -> None:
    for body in (
        f'{{"input": "Hi.", "voice": "sine", "speed": {number}}}',
        f'{{"input": "Hi.", "voice": "sine", "metadata": {{"a": {number}}}}}',
    ):
        assert client.post("/v1/jobs", data=body, content_type=JSON).status_code in (202, 400)


# --- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "count",
    [pytest.param(51, id="a few too many"), pytest.param(100_000, id="a flood")],
)
def test_a_form_of_many_parts_is_refused(client: FlaskClient, count: int) -> None:
    body = b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % number for number in range(count)) + b"--x--\r\n"
    refused(client.post("/v1/jobs", data=body, content_type="multipart/form-data; boundary=x"), 413, "body_too_large")


def test_a_form_larger_than_any_text_is_refused_before_it_is_parsed(client: FlaskClient) -> None:
    response = client.post(
        "/v1/jobs", data=b"x", content_type="multipart/form-data; boundary=x", environ_overrides={"CONTENT_LENGTH": "101000001"}
    )
    refused(response, 413, "body_too_large")


def test_a_form_field_as_long_as_a_book_is_refused(client: FlaskClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + b"x" * 600_000 + b"\r\n--x--\r\n"
    refused(client.post("/v1/jobs", data=body, content_type="multipart/form-data; boundary=x"), 413, "body_too_large")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../../../etc/cron.d/x.txt", id="upwards"),
        pytest.param("/etc/passwd.txt", id="from the root"),
        pytest.param("a\x00b.txt", id="with a zero byte"),
        pytest.param("..\\..\\x.md", id="as Windows has it"),
        pytest.param("x" * 5_000 + ".txt", id="long"),
        pytest.param("\u202etxt.md", id="reversed"),
    ],
)
def test_a_file_name_never_names_a_file(client: FlaskClient, name: str, tmp_path: Path) -> None:
    response = upload(client, name=name)
    assert response.status_code in (202, 400), response.json
    stored = [path.name for path in (tmp_path / "artifacts" / "documents").rglob("*")]
    assert all(len(found) == 64 + len(".txt") or len(found) == 64 + len(".md") for found in stored)


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_a_body_that_finds_no_room_on_the_disk_is_refused_and_the_server_lives(served: Served) -> None:
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    reply = served.call("POST", "/v1/jobs", b" " * 500_000, {"Content-Type": JSON})
    assert (reply.status, reply.json()["code"]) == (507, "storage_full")
    wait_until(lambda: "has no room for the body" in served.text())
    assert "Traceback" not in served.text()
    assert served.call("POST", "/v1/jobs", {"input": "Hi.", "voice": "sine"}).status == 202
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert served.call("POST", "/v1/jobs", b" " * 500_000, {"Content-Type": JSON}).json()["code"] == "malformed_json"


# --- what an upload is ------------------------------------------------------------------------------------------------


def packed(kind: str) -> bytes:
    import tarfile
    import zipfile

    buffer = io.BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("../x.txt"))
    else:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../etc/cron.d/x", "a" * 100_000)
    return (b"#!/bin/sh\n" if kind == "unpacks itself" else b"") + buffer.getvalue()


@pytest.mark.parametrize("name", ["book.txt", "book.md"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (packed("zip"), "ZIP"),
        (packed("unpacks itself"), "ZIP"),
        (packed("tar"), "tar"),
        (gzip.compress(b"a" * 1_000_000), "gzip"),
        (b"{\\rtf1 Hello", "RTF"),
        (b"7z\xbc\xaf\x27\x1cxx", "7z"),
        (b'<?xml version="1.0"?><a>Hi</a>', "XML"),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><a>Hi</a>', "XML"),
        ('<?xml version="1.0"?><a>Hi</a>'.encode("utf-16"), "XML"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "XML"),
    ],
)
def test_a_file_is_judged_by_what_is_in_it(client: FlaskClient, name: str, content: bytes, kind: str) -> None:
    assert kind in refused(upload(client, content, name), 415, "unsupported_media_type")["detail"]
    assert client.get("/v1/jobs").json["jobs"] == []


@pytest.mark.parametrize(
    "content", [b"PK is not a word.", b"<p>Hello.</p>", b"<!DOCTYPE html>\n<p>Hello.</p>", b"He said: <?xml", b"%PDF is a format."]
)
def test_text_that_looks_a_little_like_something_else_is_text(client: FlaskClient, content: bytes) -> None:
    assert upload(client, content).status_code == 202
