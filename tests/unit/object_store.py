"""The part of the S3 protocol that the artifact store uses, over a real socket on this machine, with conditional puts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ObjectStore

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str, more: str = "") -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message>{more}</Error>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.conditions.append(self.headers.get("If-None-Match"))
        with self.server.lock:
            if self.headers.get("If-None-Match") == "*" and self._key() in self.server.objects:
                return self._error(412, "PreconditionFailed", self.server.refusal)
            self.server.objects[self._key()] = body
        return self._answer(200, ETag='"1"')

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            return self._list(self._key().rstrip("/"), query.get("prefix", [""])[0])
        if (body := self.server.objects.get(self._key())) is None:
            return self._error(404, "NoSuchKey")
        facts = {"ETag": '"1"', "Last_Modified": formatdate(usegmt=True), "Accept_Ranges": "bytes"}
        if asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            part = body[int(first) : int(last) + 1 if last else None]
            return self._answer(206, part, Content_Range=f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}", **facts)
        return self._answer(200, body, **facts)

    def _list(self, bucket: str, prefix: str) -> None:
        found = {key.removeprefix(f"{bucket}/"): body for key, body in self.server.objects.items() if key.startswith(f"{bucket}/{prefix}")}
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(body)}</Size><LastModified>2025-11-01T12:00:00.000Z</LastModified></Contents>"
            for key, body in sorted(found.items())
        )
        counts = f"<KeyCount>{len(found)}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
        self._answer(200, f"<ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix>{counts}{entries}</ListBucketResult>".encode())

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key(), None)
        self._answer(204)

    def log_message(self, *args: object) -> None:
        pass


class ObjectStore(ThreadingHTTPServer):
    """A bucket server; `objects` is what it holds, by bucket/key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.conditions: list[str | None] = []  # If-None-Match of every put
        self.refusal = ""  # what a refused conditional put says beside the code; Amazon: <Condition>If-None-Match</Condition>
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    with ObjectStore() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
