"""Bytes that a server could misread: each is one request or none, and after a doubtful one the connection ends."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from loa.broker import Broker
from loa.settings import Settings
from tests.api.stage import Served, serve
from tests.conftest import VOICES
from tests.waiting import wait_until

BODY_LIMIT = 1_000_000
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def door(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all: none of them makes a job."""
    folder = str(tmp_path_factory.mktemp("door"))
    url = broker.url.replace("db=0", "db=6")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    with serve(
        Settings.load({}, redis_url=url, data_dir=folder, voices=str(VOICES), body_limit=BODY_LIMIT, uploads_limit=3_000_000)
    ) as served:
        yield served


def answers(served: Served, request: bytes) -> tuple[list[int], bool]:
    """The status of every answer to these bytes, and whether the server ended the connection by itself."""
    got = b""
    with served.socket(2) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        try:
            while block := connection.recv(65_536):
                got += block
        except ConnectionResetError:
            ended = True
        except TimeoutError:
            ended = False
        else:
            ended = True
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)], ended


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", id="two lengths"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", id="one length twice"),
        pytest.param(POST + b"Content-Length: 5, 5\r\n\r\nhello", id="a list of lengths"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\nhello", id="a length with a sign"),
        pytest.param(POST + b"Content-Length: 1_0\r\n\r\nhellohello", id="a length as Python writes it"),
        pytest.param(POST + "Content-Length: ٥\r\n\r\nhello".encode(), id="a length in other digits"),
        pytest.param(POST + b"Content-Length: \r\n\r\nhello", id="an empty length"),
        pytest.param(POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nhello", id="a length of 5,000 digits"),
        pytest.param(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="a length and chunks"),
        pytest.param(POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", id="a control character before chunked"),
        pytest.param(POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="a blank before the colon"),
        pytest.param(CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n", id="chunks in HTTP/1.0"),
        pytest.param(CHUNKED.replace(b"1.1", b"1.2") + b"0\r\n\r\n", id="a version that is none"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /healthz\r\n\r\n", id="HTTP/0.9"),
        pytest.param(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", id="a chunk of -5 bytes"),
        pytest.param(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", id="a chunk of 0x5 bytes"),
        pytest.param(CHUNKED + b"5\r\nhelloXX0\r\n\r\n", id="a chunk longer than it says"),
        pytest.param(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", id="a chunk of zz bytes"),
        pytest.param(CHUNKED + b"5;" + b"a" * 100_000, id="an endless chunk extension"),
        pytest.param(CHUNKED + b"0\r\n" + b"X-Y: z\r\n" * 20_000, id="an endless trailer"),
        pytest.param(b"GET /healthz HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", id="a host that is none"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", id="a zero byte in a header"),
        pytest.param(b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", id="a method in small letters"),
    ],
)
def test_a_doubtful_request_is_refused_and_what_follows_is_not_read(door: Served, request_: bytes) -> None:
    assert answers(door, request_ + HEALTH) == ([400], True)


def test_the_rest_of_a_refused_request_is_no_request(door: Served) -> None:
    assert answers(door, HEALTH + b"BAD\r\n\r\n" + HEALTH) == ([200, 400], True)
    assert answers(door, POST + b"Content-Length: x\r\n\r\n" + HEALTH) == ([400], True)


def test_a_body_that_nobody_asked_for_is_no_request(door: Served) -> None:
    inner = b"GET /v1/voices HTTP/1.1\r\nHost: x\r\n\r\n"
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(inner)
    assert answers(door, request + inner) == ([200], True)


def test_requests_in_a_row_are_answered_in_a_row(door: Served) -> None:
    last = HEALTH.replace(b"Host: x", b"Host: x\r\nConnection: close")
    assert answers(door, HEALTH * 49 + last) == ([200] * 50, True)


@pytest.mark.parametrize("header", [b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: DELETE", b"X-HTTP-Method: DELETE"])
def test_a_method_is_the_one_of_the_request_line(door: Served, header: bytes) -> None:
    request = b"GET /v1/voices/sine HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
    assert door.raw(request).json()["name"] == "sine"
    assert door.raw(request.replace(b"sine ", b"sine?_method=DELETE ")).status == 200


@pytest.mark.parametrize("path", ["/", "/v1/jobs", "/v1/voices/sine"])
def test_trace_is_refused_and_echoes_nothing(door: Served, path: str) -> None:
    reply = door.call("TRACE", path, headers={"Authorization": "Bearer hunter2"})
    assert (reply.status, reply.json()["code"]) == (405, "method_not_allowed")
    assert "TRACE" not in reply.headers["Allow"]
    assert b"hunter2" not in reply.content


def test_forwarded_headers_of_strangers_mean_nothing(door: Served) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example",
        "X-Forwarded-Prefix": "/evil",
    }
    assert b"evil" not in door.call("GET", "/", headers=headers).content


def test_5000_headers_and_6000_parameters_are_nothing(door: Served) -> None:
    assert (
        door.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(5_000)) + b"\r\n").status
        == 200
    )
    query = b"&".join(b"a%d=%d" % (number, number) for number in range(6_000))
    reply = door.raw(b"GET /v1/jobs?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (reply.status, reply.json()["code"]) == (400, "invalid_request")
    assert len(reply.content) < 10_000


def test_every_refusal_has_the_security_headers(door: Served) -> None:
    for request, status in (
        (b"BAD\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999\r\n\r\n", 413),
        (HEALTH.replace(b"Host: x", b"X: " + b"a" * 70_000), 431),
    ):
        reply = door.raw(request)
        assert reply.status == status
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


# --- large bodies -----------------------------------------------------------------------------------------------------


def test_large_bodies_take_bounded_room_and_give_it_back(door: Served) -> None:
    """Three of 900 kB fit into LOA_UPLOADS_LIMIT; a fourth is refused, a small request is not; when they end there is room again."""
    half = POST + b"Content-Type: application/json\r\nContent-Length: 950000\r\n\r\n" + b" " * 900_000
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(door.socket(10)) for _ in range(3)]
        for sender in senders:
            sender.sendall(half)
        wait_until(lambda: open_uploads(door) == 3)
        reply = door.raw(half)
        assert (reply.status, reply.json()["code"], reply.headers["Retry-After"]) == (503, "too_many_uploads", "1")
        assert door.call("POST", "/v1/jobs", {"input": ""}).json()["code"] in ("empty_text", "voice_not_installed")
        senders[0].sendall(b" " * 50_000)  # one ends, and is answered
        assert senders[0].recv(12) == b"HTTP/1.1 400"
        senders[1].close()  # one breaks off
        wait_until(lambda: open_uploads(door) == 1)
        assert door.raw(half + b" " * 50_000).json()["code"] == "malformed_json"


def open_uploads(served: Served) -> int:
    """Bodies on the disk: files without a name in the data folder."""
    found = 0
    for descriptor in Path(f"/proc/{served.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += bool(re.search(r"/uploads/.*\(deleted\)", str(descriptor.readlink())))
    return found
