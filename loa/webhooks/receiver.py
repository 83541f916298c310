"""A small receiver of webhooks for development: it verifies what comes, shows it, and answers. `loa webhooks listen` runs it.

It shows what any receiver has to do: take the body as it came, verify, answer at once, and know by its id a message that comes again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loa.errors import InvalidSetting, InvalidSignature, PortInUse
from loa.webhooks.signature import Secret, verify

LARGEST_BODY = 64 * 1024  # bytes; Loa sends at most 20 kB
REMEMBERED = 1000  # messages that are known again
PATIENCE = 10.0  # seconds for a sender that is slow, or no sender


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message, or what was taken for one."""

    status: int  # that it was answered with
    id: str = ""
    type: str = ""  # as job.succeeded
    content: Any = None  # the body, read as JSON
    repeated: bool = False  # it came before: its id says so
    refusal: str | None = None  # why it is none; then all of the above is empty


class Receiver(ThreadingHTTPServer):
    """Listens from its making on; `serve_forever` receives, one thread a message, until `shutdown`."""

    daemon_threads = True

    def __init__(self, host: str, port: int, secrets: Sequence[Secret], show: Callable[[Received], None], *, status: int = 204) -> None:
        """Give each message, one after the other, to `show`; answer `status` to those that one of `secrets` signed.

        Raises PortInUse, InvalidSetting.
        """
        self._secrets, self._show, self._status = secrets, show, status
        self._lock = threading.Lock()
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"port {port} of {host} is in use", port=port) from None
            raise InvalidSetting(f"cannot listen on {host}, port {port}: {error.strerror}") from None

    @property
    def url(self) -> str:
        """Where messages are to be sent, seen from this machine."""
        return f"http://{self.server_address[0]}:{self.server_port}/"

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Verify one message, show it, and return the status to answer with."""
        with self._lock:
            received = self._judged(headers, body)
            self._show(received)
        return received.status

    def _judged(self, headers: dict[str, str], body: bytes) -> Received:
        try:
            verify(self._secrets, headers, body)
        except InvalidSignature as error:
            return Received(status=error.status, refusal=error.message)
        try:
            content = json.loads(body)
        except ValueError:
            return Received(status=400, refusal="the body is not JSON")
        id = headers["webhook-id"]  # noqa: A001 - the specification's name
        repeated = id in self._seen
        self._seen.append(id)
        kind = str(content.get("type", "")) if isinstance(content, dict) else ""
        return Received(status=self._status, id=id, type=kind, content=content, repeated=repeated)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = PATIENCE

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._answer(411)
        if len(length) > 9 or int(length) > LARGEST_BODY:
            return self._answer(413)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return None  # it was cut off
        return self._answer(self.server.take({name.lower(): value for name, value in self.headers.items()}, body))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):  # the sender has gone, or says nothing
            super().handle()

    def log_message(self, *args: object) -> None:
        """What came is shown; there is nothing else to log."""
