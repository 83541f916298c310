"""A small HTTP server that speaks Loa's contract out of memory, and fails on demand: each fault happens exactly once."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AUDIO = bytes(range(256)) * 4096  # 1 MiB
JOB = "job_0123456789abcdef01234567"

Fault = Callable[["Handler"], bool]  # returns whether the request has been dealt with


def job_json(job_id: str = JOB, state: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A job as the API shows it."""
    done = state == "succeeded"
    result = {
        "audio_url": f"/v1/jobs/{job_id}/audio",
        "duration_seconds": 5.1,
        "sample_rate": 22050,
        "bytes": len(AUDIO),
        "sha256": hashlib.sha256(AUDIO).hexdigest(),
        "timings_url": f"/v1/jobs/{job_id}/timings.json",
        "subtitles": {kind: f"/v1/jobs/{job_id}/subtitles.{kind}" for kind in ("srt", "vtt")},
        "chapters": [],
        "loudness_lufs": None,
        "partial": False,
        "missing": [],
        "missing_count": 0,
    }
    job = {
        "id": job_id,
        "state": state,
        "kind": "text",
        "lane": "interactive",
        "title": None,
        "voice": "joe",
        "format": "wav",
        "speed": 1.0,
        "metadata": {},
        "characters": 13,
        "created_at": "2026-01-02T03:04:05.678Z",
        "finished_at": "2026-01-02T03:04:06.028Z" if done else None,
        "waiting_reason": None,
        "progress": {
            "segments_done": int(done),
            "segments_total": 1,
            "audio_seconds": 5.1 * done,
            "eta_seconds": None,
            "queue_position": 0,
        },
        "timings": {"queued_seconds": 0.004, "setup_seconds": 0.0, "synthesis_seconds": 0.31, "total_seconds": 0.35},
        "result": result if done else None,
        "error": None,
    }
    return job | changes


def voice_json(name: str, language: str) -> dict[str, Any]:
    """A voice as the API shows it, as far as commands look at it."""
    facts = {"title": name, "engine": "vits", "licence": "CC0-1.0", "commercial_use": True}
    return {"name": name, "language": language, "installed": True, "engine_available": True, "common": False, "files": [], **facts}


def problem(code: str, detail: str, **details: Any) -> dict[str, Any]:
    return {"type": f"/docs/errors#{code}", "title": code, "code": code, "detail": detail, **({"details": details} if details else {})}


def refuse(status: int, body: dict[str, Any] | str, **headers: str) -> Fault:
    """Answer with this instead."""

    def fault(handler: Handler) -> bool:
        handler.drain()
        handler.answer(status, body, **headers)
        return True

    return fault


def hang_up(handler: Handler) -> bool:
    """Close the connection without an answer; the request never counted."""
    handler.drain()
    handler.close_connection = True
    return True


def hang_up_after_work(handler: Handler) -> bool:
    """Do what was asked, then close the connection without an answer."""
    handler.silent = True
    handler.close_connection = True
    return False


def cut(after: int) -> Fault:
    """Close the connection after `after` bytes of the body."""

    def fault(handler: Handler) -> bool:
        handler.most = after
        return False

    return fault


@dataclass
class SmallServer:
    url: str = ""
    faults: list[Fault] = field(default_factory=list)  # one for each of the next requests
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)  # method, path, headers, body
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # what GET shows, one after the other; the last one stays
    keys: dict[str, str] = field(default_factory=dict)  # idempotency key → job
    created: str = "succeeded"  # the state that a new job is in at once
    audio: bytes = AUDIO
    ranges: bool = True  # False: as a proxy that strips Range
    voices: list[dict[str, Any]] = field(default_factory=list)
    new_voice: dict[str, Any] = field(default_factory=dict)  # what POST /v1/voices makes
    workers: dict[str, Any] = field(default_factory=lambda: {"workers": [], "queues": {}})
    hot: bool = True
    files: dict[str, bytes] = field(default_factory=dict)  # what else it serves, by path

    def paths(self, method: str) -> list[str]:
        return [path for seen, path, _, _ in self.seen if seen == method]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    small: SmallServer
    silent = False  # do the work, say nothing
    most: int | None = None  # bytes of a body before the connection breaks
    body: bytes | None = None

    def log_message(self, *args: Any) -> None:
        pass

    def drain(self) -> bytes:
        if self.body is None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.body

    def answer(self, status: int, body: dict[str, Any] | str | bytes, **headers: str) -> None:
        if self.silent:
            return
        content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.most is not None:
            self.wfile.write(content[: self.most])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def handle_one_request(self) -> None:
        self.silent, self.most, self.body = False, None, None
        super().handle_one_request()

    def _serve(self) -> None:
        small = self.small
        small.seen.append((self.command, self.path, dict(self.headers), self.drain()))
        if small.faults and small.faults.pop(0)(self):
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (self.command, parts.path) == ("POST", "/v1/jobs"):
            self._submit()
        elif parts.path == "/v1/jobs":
            self._list(query)
        elif match := re.fullmatch(r"/v1/jobs/([^/]+)(/cancel|/audio)?", parts.path):
            self._job(match[1], match[2] or "")
        elif (self.command, parts.path) == ("POST", "/v1/voices"):
            small.voices.append(small.new_voice)
            self.answer(201, small.new_voice)
        elif parts.path == "/v1/voices":
            self.answer(200, {"voices": small.voices})
        elif match := re.fullmatch(r"/v1/voices/([^/]+)", parts.path):
            self._voice(match[1])
        elif parts.path in small.files:
            self._bytes(small.files[parts.path])
        elif parts.path == "/v1/workers":
            self.answer(200, small.workers)
        elif parts.path == "/readyz":
            self.answer(200, {"ready": True}) if small.hot else self.answer(503, problem("not_ready", "no worker is hot"), Retry_After="1")
        else:
            self.answer(404, problem("not_found", self.path))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - http.server finds its methods by these names

    def _submit(self) -> None:
        small = self.small
        key = self.headers["Idempotency-Key"]
        known = key in small.keys
        job_id = small.keys.setdefault(key, f"job_{len(small.keys):024x}")
        job = small.jobs.setdefault(job_id, [job_json(job_id, small.created)])[0]
        self.answer(202, job if known or "wait=" in self.path else job_json(job_id, "queued"))  # nothing has ended as soon as it is new

    def _voice(self, name: str) -> None:
        found = [voice for voice in self.small.voices if voice["name"] == name]
        if not found:
            self.answer(404, problem("unknown_voice", f"there is no voice {name!r}", close=["joe"]))
        elif self.command == "DELETE":
            self.small.voices.remove(found[0])
            self.answer(204, b"")
        else:
            self.answer(200, found[0])

    def _list(self, query: dict[str, str]) -> None:
        found = [states[-1] for states in self.small.jobs.values() if query.get("state") in (None, states[-1]["state"])]
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 20))
        more = start + limit < len(found)
        self.answer(200, {"jobs": found[start : start + limit], "next_cursor": str(start + limit) if more else None})

    def _job(self, job_id: str, what: str) -> None:
        states = self.small.jobs.get(job_id)
        if states is None:
            self.answer(404, problem("unknown_job", f"there is no job {job_id}"))
        elif what == "/cancel":
            states[:] = [states[0] | {"state": "canceled"}]
            self.answer(200, states[0])
        elif what == "/audio":
            self._bytes(self.small.audio)
        else:
            self.answer(200, states.pop(0) if len(states) > 1 else states[0])

    def _bytes(self, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if self.small.ranges else None
        if asked is None:
            self.answer(200, content)
        else:
            start = int(asked[1])
            self.answer(206, content[start:], Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")


@contextmanager
def small_server() -> Iterator[SmallServer]:
    """A server on a free port of the loopback interface."""
    small = SmallServer()
    handler = type("BoundHandler", (Handler,), {"small": small})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        small.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield small
        finally:
            http.shutdown()
            thread.join()
