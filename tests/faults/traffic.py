"""Clients: submissions at a steady pace, whatever becomes of the ones before, and a note of every answer."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from tests.faults.history import Answer

PATIENCE = 15.0  # seconds for an answer; more than any service may take
CLIENTS = 80  # at once

Body = Callable[[int], Mapping[str, Any]]  # the number of a submission → what it asks for


class Traffic(threading.Thread):
    """Submits `a_second` jobs until `stop()`. Every submission has its own key, which is the job's title too."""

    def __init__(self, url: str, answers: list[Answer], *, a_second: float, body: Body, name: str = "traffic", again: bool = False) -> None:
        """`answers` is appended to. `again`: refused and unanswered submissions are repeated once, with their key."""
        super().__init__(name=name, daemon=True)
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port
        self._answers, self._pause, self._body, self._again = answers, 1 / a_second, body, again
        self._stopped = threading.Event()
        self.sent = 0
        self.skipped = 0  # for lack of a free client

    def run(self) -> None:
        following = time.monotonic()
        free = threading.Semaphore(CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as pool:
            while not self._stopped.wait(max(0.0, following - time.monotonic())):
                following += self._pause
                if free.acquire(blocking=False):
                    pool.submit(self._submit, self.sent).add_done_callback(lambda _: free.release())
                    self.sent += 1
                else:
                    self.skipped += 1

    def stop(self) -> None:
        """Returns when the last answer is there."""
        self._stopped.set()
        self.join()

    def _submit(self, number: int) -> None:
        key = f"{self.name}-{number}"
        body = json.dumps({"title": key, **self._body(number)}).encode()
        answer = self._ask(key, body)
        self._answers.append(answer)
        if self._again and answer.job_id == "" and not self._stopped.wait(1.0):
            self._answers.append(self._ask(key, body))

    def _ask(self, key: str, body: bytes) -> Answer:
        began = time.monotonic()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            with contextlib.closing(http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)) as connection:
                connection.request("POST", "/v1/jobs", body, headers)
                response = connection.getresponse()
                content = response.read()
        except (OSError, http.client.HTTPException):
            return Answer(key=key, status=None, seconds=time.monotonic() - began)
        return Answer(
            key=key,
            status=response.status,
            job_id=json.loads(content)["id"] if response.status in (200, 202) else "",
            retry_after=response.headers.get("Retry-After", "").isdigit(),
            seconds=time.monotonic() - began,
        )


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
