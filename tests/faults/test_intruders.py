"""Clients that mean harm: ids that are paths, bodies without end, sockets that never finish."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import redis
from werkzeug.routing import Map

from api.app import create_app
from api.service import Service
from loa.broker import Broker
from loa.settings import Settings
from tests.api.stage import Served, serve
from tests.conftest import VOICES
from tests.faults.rows import Row, sized

MEGABYTE = 1_000_000


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    url = broker.url.replace("db=0", "db=7")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return Settings.load({}, redis_url=url, data_dir=str(tmp_path), voices=str(VOICES))


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings) as found:
        yield found


# --- ids --------------------------------------------------------------------------------------------------------------

# As they stand in a request line: much of it no client's library would send.
TRAPS = (
    *(
        "..",
        "../..",
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cwindows",
    ),
    *("%252e%252e%252f", "..%c0%af..%c0%af", "..;/", "....//", "%00", "job_%00", "%0a", "%0d%0aSet-Cookie:%20a=b", "%09", "%7f", "%1b[2J"),
    *("%ff%fe", "%ed%a0%80", "%f0%9f%98%80", "%e2%80%ae", "%c2%a0", "%ef%bc%8e%ef%bc%8e", "J%CC%88ob", "job_" + "%EF%BC%91" * 24),
    *(
        "*",
        "%3f",
        "%23",
        "+",
        "%20",
        "-1",
        "0",
        "1e9",
        "null",
        "undefined",
        "true",
        "[]",
        "{}",
        "%7b%7d",
        "''",
        "%22",
        "`id`",
        "$(id)",
        "{{7*7}}",
    ),
    *("loa:schema", "job:*", "job_*", "job_%3f", "*:ready:*", "default", "CON", "NUL", "aux.txt", ".git", ".env", "~root", "%7eroot"),
    *("job_" + "0" * 23, "job_" + "0" * 24, "job_" + "0" * 25, "job_" + "G" * 24, "JOB_" + "0" * 24, "job_" + "0" * 24 + "%0a"),
    *(
        "x" * 255,
        "x" * 4_096,
        "x" * 60_000,
        "job_" + "a" * 60_000,
        "%61" * 10_000,
        "'%20OR%201=1--",
        "<script>alert(1)</script>",
        "a b",
        "a\tb",
        "\xe9",
    ),
)


def further_ids(seed: int) -> Iterator[str]:
    """Without end: bytes at random, and ids with one character changed."""
    chance = random.Random(seed)
    while True:
        yield "".join(f"%{chance.randrange(256):02x}" for _ in range(chance.randrange(1, 40)))
        almost = [*f"job_{chance.getrandbits(96):024x}"]
        almost[chance.randrange(len(almost))] = quote(chr(chance.choice((chance.randrange(32), chance.randrange(0x300, 0x3000)))), safe="")
        yield "".join(almost)


def addresses(routes: Map) -> Iterator[tuple[str, str]]:
    """Method and path of every call with an id in its address; `{}` is where the id stands."""
    for rule in routes.iter_rules():
        if rule.arguments:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, re.sub(r"<[^>]+>", "{}", rule.rule, count=1)


def test_fuzzed_ids(served: Served, settings: Settings, fault_row: Callable[..., Row]) -> None:
    count = sized(200, 2_000)
    row = fault_row(f"{count:,} fuzzed ids (../, %2e, NUL, long, Unicode) in every address", "never 200, never 500")
    ids = list(itertools.islice(itertools.chain(TRAPS, further_ids(4)), count))
    calls = list(addresses(create_app(settings, Service(settings)).url_map))
    assert len(calls) >= 6
    wrong = []
    for name, (method, path) in itertools.product(ids, calls):
        request = f"{method} {path.replace('{}', name)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        reply = served.raw(request.encode("latin-1"))
        row.injected += 1
        if not 400 <= reply.status < 500 or reply.headers["Content-Type"] != "application/problem+json":
            wrong.append((method, path, name[:80], reply.status))
    row.lost = len(wrong)
    assert not wrong
    assert "Traceback" not in served.text()
    row.check()


# --- bodies -----------------------------------------------------------------------------------------------------------


def test_a_body_without_end(served: Served, fault_row: Callable[..., Row]) -> None:
    rounds = sized(1, 5)
    row = fault_row(f"{2 * rounds} bodies of 1 GB, with a length and chunked", "413 ≤ 1 s; memory ≤ +20 MB", within=1.0)
    assert served.call("GET", "/healthz").status == 200
    process = psutil.Process(served.process.pid)
    before = process.memory_info().rss
    for _, chunked in itertools.product(range(rounds), (False, True)):
        began = time.monotonic()
        assert refused(served, chunked) == b"HTTP/1.1 413"
        row.recovered(time.monotonic() - began)
        row.injected += 1
    grown = process.memory_info().rss - before
    row.mark += f"; saw +{grown / MEGABYTE:.0f} MB"
    assert grown <= 20 * MEGABYTE
    row.check()


def refused(served: Served, chunked: bool) -> bytes:
    """The beginning of the answer to a client that sends as fast as it can, and looks for an answer meanwhile."""
    block = b"a" * 65_536
    part = b"%x\r\n%b\r\n" % (len(block), block) if chunked else block
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000"
    with served.socket(10) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + length + b"\r\n\r\n")
        connection.setblocking(False)
        for _ in range(1_000 * MEGABYTE // len(block)):
            with contextlib.suppress(BlockingIOError):
                return connection.recv(12)
            connection.settimeout(10)
            connection.sendall(part)
            connection.setblocking(False)
    raise AssertionError("1 GB was taken")


# --- sockets ----------------------------------------------------------------------------------------------------------

BEGINNINGS = (
    b"",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-",
    b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
    b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n" * 200,  # and does not read the answers
)
DRIPPING = BEGINNINGS[1:4]  # a byte now and then


def test_slow_sockets(settings: Settings, fault_row: Callable[..., Row]) -> None:
    timeout, within = sized((2, 7.0), (settings.socket_timeout, 30.0))
    count = 200
    row = fault_row(f"{count} slow sockets: silent, dripping, not reading", f"healthy p95 ≤ 1 s; cut ≤ {within:g} s", within=within)
    with serve(replace(settings, socket_timeout=timeout)) as served, contextlib.ExitStack() as stack:
        slow = {stack.enter_context(served.socket()): BEGINNINGS[number % len(BEGINNINGS)] for number in range(count)}
        began = time.monotonic()
        for connection, beginning in slow.items():
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.send(beginning)
            row.injected += 1
        healthy: list[float] = []
        stopped = threading.Event()
        client = threading.Thread(target=ask_again_and_again, args=(served, healthy, stopped))
        client.start()
        ours = {connection.getsockname()[1] for connection in slow}
        while (left := ours & ports_of_clients(served)) and time.monotonic() - began < within + 5:
            for connection, beginning in slow.items():
                if beginning in DRIPPING:
                    with contextlib.suppress(OSError):  # cut, or its buffer is full
                        connection.send(b"a")
            stopped.wait(0.2)
        row.recovered(time.monotonic() - began)
        row.lost = len(left)
        stopped.set()
        client.join()
    p95 = statistics.quantiles(healthy, n=20)[-1]
    row.mark += f"; saw {p95 * 1000:.0f} ms"
    assert p95 <= 1.0, sorted(healthy)[-5:]
    row.check()


def ask_again_and_again(served: Served, seconds: list[float], stopped: threading.Event) -> None:
    while not stopped.wait(0.02):
        began = time.monotonic()
        with contextlib.suppress(OSError, http.client.HTTPException):
            if served.call("GET", "/v1/jobs").status == 200:
                seconds.append(time.monotonic() - began)
                continue
        seconds.append(float("inf"))  # a healthy client that is refused


def ports_of_clients(served: Served) -> set[int]:
    """Of the connections that the server holds open."""
    return {connection.raddr.port for connection in psutil.Process(served.process.pid).net_connections("tcp") if connection.raddr}
