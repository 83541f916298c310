"""A receiver of webhooks that is not always well: it notes every event that it takes, and fails as often as it is told."""

from __future__ import annotations

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.history import Event

FAILURES = (500, 503, None)  # None: it hangs up without an answer


class Receiver:
    """`url` is where it listens. `down`: it takes nothing at all."""

    def __init__(self, seed: int, *, fails: float) -> None:
        """`fails`: the share of attempts that it does not take."""
        self.events: list[Event] = []
        self.attempts = 0
        self.down = False
        self._random, self._fails = random.Random(seed), fails
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/hook"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: Any, body: bytes) -> int | None:
        """The status to answer with."""
        message = json.loads(body)
        event = Event(job_id=message["data"]["id"], state=message["type"].removeprefix("job."), delivery=headers["webhook-id"])
        with self._lock:
            self.attempts += 1
            if self.down or self._random.random() < self._fails:
                return self._random.choice(FAILURES)
            self.events.append(event)
            return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(self.headers, body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """It is not the receiver's log that anybody reads."""

        return Handler
