"""Files over a real socket on this machine, with Range, ETag and If-Range, and with all that can go wrong between here and there."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        if server.statuses:
            return self._empty(server.statuses.pop(0))
        if self.path in server.redirects:
            return self._empty(302, Location=server.redirects[self.path])
        if (body := server.files.get(self.path)) is None:
            return self._empty(404)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        asked = self.headers.get("Range") if server.ranges else None
        if self.headers.get("If-Range") not in (None, etag):
            asked = None
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if first and first >= len(body):
            return self._empty(416, Content_Range=f"bytes */{len(body)}")
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        if server.etags:
            self.send_header("ETag", etag)
        if server.lengths:
            self.send_header("Content-Length", str(len(body) - first))
        else:
            self.close_connection = True
        self.end_headers()
        part = body[first:]
        if server.cuts:
            part = part[: server.cuts.pop(0)]
            self.close_connection = True
        server.sent += len(part)
        self.wfile.write(part)
        server.before_the_end()
        return None

    def _empty(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client has seen enough
            super().handle()

    def log_message(self, *args: object) -> None:
        pass


class FileServer(ThreadingHTTPServer):
    """Serves `files`, by path. Everything else about it may be changed while it runs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.requests: list[tuple[str, str | None, str | None]] = []  # path, Range, If-Range
        self.statuses: list[int] = []  # what the next requests are answered with instead
        self.cuts: list[int] = []  # after how many bytes the next answers end, their connection closed
        self.sent = 0  # bytes of files
        self.ranges = self.etags = self.lengths = True

    def before_the_end(self) -> object:
        """Called when an answer has been written."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def file_server() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
