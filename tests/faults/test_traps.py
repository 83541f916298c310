"""Documents that are traps: what they are refused for, how soon, and what they cost those who looked at them."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.api.stage import Reply, Served, serve
from tests.faults.rows import Row, sized
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

MEGABYTE = 1_000_000
WITHIN = 5.0  # seconds
REFUSED = (
    "text_too_long",
    "empty_text",
    "unreadable_document",
    "unsupported_media_type",
    "document_too_large",
    "body_too_large",
    "malformed_json",
    "invalid_request",
)
CANARY = "the content of a file that is none of your business"
ENTITY = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]>\n<a>Hello. &x;</a>'
LAUGHS = '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a0 "lol">{entities}]>\n<lolz>&a9;</lolz>'


def archive(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(name, content)
    return buffer.getvalue()


def refusable(canary: Path, listener: str) -> Iterator[tuple[str, bytes]]:
    """What no reader of text may take: the name of a trap, and its bytes."""
    bomb = archive(("a.txt", b"a" * sized(20, 500) * MEGABYTE))
    yield "zip bomb", bomb
    yield "nested zip", archive(*((f"{number}.zip", bomb) for number in range(10)))
    yield "zip-slip", archive(("../../../../tmp/slipped.txt", b"slipped"), ("/etc/cron.d/slipped", b"slipped"))
    yield "gzip bomb", gzip.compress(b"a" * 20 * MEGABYTE)
    yield "no epub", archive(("mimetype", b"application/epub+zip"), ("a.xhtml", ENTITY.format(url=canary.as_uri()).encode()))
    for name, url in (("file", canary.as_uri()), ("network", listener)):
        text = ENTITY.format(url=url)
        yield f"XXE to {name}", text.encode()
        yield f"XXE to {name} in UTF-16", text.encode("utf-16")
        yield f"XXE to {name} after blanks", b"\xef\xbb\xbf \n\t" + text.encode()
    entities = "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10))
    yield "billion laughs", LAUGHS.format(entities=entities).encode()
    yield "quadratic blow-up", LAUGHS.format(entities=f'<!ENTITY a9 "{"x" * 100_000}">').replace("&a9;", "&a9;" * 10_000).encode()
    yield "10,000,000 characters", b"word " * 2_000_000
    yield "10,000,000 without a blank", b"a" * 10_000_000
    yield "10,000,000 marks", "…".encode() * 6_000_000
    yield "control characters", bytes(character for character in range(1, 32)) * 50_000
    yield "bidi characters", "\u202e\u202d\u2066\u2069\u200f".encode() * 200_000
    yield "zero bytes", bytes(5 * MEGABYTE)
    chance = random.Random(7)
    yield "random bytes", chance.randbytes(5 * MEGABYTE)
    yield "broken UTF-8", ("Trời sáng rồi. " * 50_000).encode()[:-2] + b"\xff\xfe\xc3\x28" + ("Trời. " * 50_000).encode()
    yield "overlong UTF-8", b"Hello. \xc0\xaf\xe0\x80\xaf" + "đường ".encode() * 100_000
    yield "half of UTF-16", "Trời sáng rồi.".encode("utf-16")[:-1]


def readable(listener: str) -> Iterator[tuple[str, bytes]]:
    """What only reading shows: it must be read, or fail, in time and fetch nothing."""
    size = 200_000
    yield "brackets", b"[" * size
    yield "unended comments", b"<!--" * (size // 4)
    yield "unended instructions", b"<?" * (size // 2)
    yield "unended scripts", b"<div>\n" + b"<script>" * (size // 8)
    yield "nested quotes", b">" * size + b" Hello."
    yield "nested lists", b"- " * (size // 2) + b"Hello."
    yield "tables of many cells", (b"|a" * 900 + b"\n" + b"|-" * 900 + b"\n" + b"b\n" * 70 + b"\n") * 50
    yield "a reference to itself", b"[a]: b\n" + b"[a]" * (size // 3)
    yield "docx", archive(("word/document.xml", ENTITY.format(url=listener).encode()))
    yield "epub", archive(("META-INF/container.xml", ENTITY.format(url=listener).encode()))
    yield "pdf", b"%PDF-1.7\n" + b"[" * size
    yield "html", b"<!doctype html>" + b"<div>" * size
    yield "foreign images", f"![Hello]({listener}a.png) <img src='{listener}b.png'>\n\n[link]({listener})\n".encode() * 500


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """An address on this machine, and the connections that came to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    came.append(server.accept())

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", came
        server.shutdown(socket.SHUT_RDWR)


class Peaks:
    """The most memory that processes took since they were watched."""

    def __init__(self, pids: list[int]) -> None:
        self._before = {pid: psutil.Process(pid).memory_info().rss for pid in pids}
        for pid in pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew

    def grown(self) -> int:
        """Bytes, of the one that grew most."""
        return max(self._peak(pid) - before for pid, before in self._before.items())

    @staticmethod
    def _peak(pid: int) -> int:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def send(served: Served, name: str, content: bytes) -> Reply:
    disposition = "Content-Disposition: form-data; name"
    head = f'--x\r\n{disposition}="voice"\r\n\r\nsine\r\n--x\r\n{disposition}="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--x--\r\n"
    return served.call("POST", "/v1/jobs", body, {"Content-Type": "multipart/form-data; boundary=x"})


def test_documents(
    make_fleet: Callable[..., Fleet], listener: tuple[str, list[object]], tmp_path: Path, fault_row: Callable[..., Row]
) -> None:
    row = fault_row(
        "zip bombs, XXE, billion laughs, 10⁷ characters, control and bidi characters, bad UTF-8, Markdown traps",
        "4xx or failed with reason ≤ 5 s; memory ≤ +256 MB; no foreign file, no connection",
        within=WITHIN,
    )
    canary = tmp_path / "canary.txt"
    canary.write_text(CANARY)
    url, came = listener
    fleet = make_fleet()
    planner = fleet.worker("plan")
    slots = planner.hot()
    with serve(fleet.settings) as served:
        peaks = Peaks([served.process.pid, *(slot.pid for slot in slots)])
        for trap, content in refusable(canary, url):
            for name in ("a.txt", "a.md"):
                began = time.monotonic()
                reply = send(served, name, content)
                row.recovered(time.monotonic() - began)
                row.injected += 1
                assert 400 <= reply.status < 500, (trap, name, reply.status, reply.content[:200])
                assert reply.json()["code"] in REFUSED, (trap, name, reply.json()["code"])
        for name in ("a.epub", "a.docx", "a.zip", "a.xml", "a.html", "a.pdf", "a.txt.epub"):
            assert send(served, name, archive(("a", b"a"))).json()["code"] == "unsupported_media_type"
        long = served.call("POST", "/v1/jobs", {"input": "a" * 10_000_000, "voice": "sine"})
        assert (long.status, long.json()["code"]) == (413, "text_too_long")
        for trap, content in readable(url):
            began = time.monotonic()
            reply = send(served, "a.md", content)
            row.injected += 1
            if reply.status == 202:
                job_id = reply.json()["id"]
                wait_until(lambda job_id=job_id: fleet.job(job_id).segments_total or fleet.job(job_id).ended, 30, trap)
                assert fleet.job(job_id).error is None or fleet.job(job_id).error["code"] in REFUSED, (trap, fleet.job(job_id).error)
            else:
                assert reply.json()["code"] in REFUSED, (trap, reply.content)
            row.recovered(time.monotonic() - began)
        grown = peaks.grown()
        assert served.call("GET", "/healthz").status == 200
        assert [slot.pid for slot in planner.hot()] == [slot.pid for slot in slots], "the planner was replaced"
    row.mark += f"; saw +{grown / MEGABYTE:.0f} MB"
    assert grown <= 256 * MEGABYTE
    assert came == []
    kept = [path for path in (tmp_path / "data" / "artifacts").rglob("*") if path.is_file()]
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]
    assert not Path("/tmp/slipped.txt").exists()
    row.check()
