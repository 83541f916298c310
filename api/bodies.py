"""How much of the bodies of requests this server holds before anybody has looked at them: little memory, bounded disk, no strange encoding.

Waitress gives the application whole requests only: a body lies in memory as long as it is small, then in a temporary file without a name in
LOA_DATA_DIR/uploads, which goes with its request or with the process.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path

from flask import Flask, request
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser
from waitress.utilities import Error

from loa.artifacts import FULL
from loa.errors import BodyTooLarge, UnsupportedMediaType
from loa.settings import Settings

MEMORY_BYTES = 65_536  # of a body; more of it lies on the disk

log = logging.getLogger(__name__)


class Shed(Error):
    """Too many large bodies are under way."""

    code, reason = 503, "Service Unavailable"


class DiskFull(Error):
    """A body has no room on the disk."""

    code, reason = 507, "Insufficient Storage"


class Held:
    """The bytes of large bodies that lie on the disk now. Threads share it."""

    def __init__(self, limit: int) -> None:
        self.limit, self.bytes = limit, 0
        self._lock = threading.Lock()

    def add(self, count: int) -> bool:
        """Take or, with a negative count, give back; False: that would be over the limit, and nothing was taken."""
        with self._lock:
            if count > 0 and self.bytes + count > self.limit:
                return False
            self.bytes += count
            return True


class RequestParser(HTTPRequestParser):
    """A request that is being received; counts what it holds on the disk, and gives it back when it is closed."""

    def __init__(self, adj: Adjustments, held: Held) -> None:
        super().__init__(adj)
        self._held, self._taken = held, 0

    def received(self, data: bytes) -> int:
        try:
            consumed = int(super().received(data))
        except OSError as error:
            if error.errno not in FULL:
                raise
            log.error("%s has no room for the body of a request: %s", tempfile.gettempdir(), error.strerror)
            return self._refuse(DiskFull(""), data)
        if self.body_bytes_received > MEMORY_BYTES and self.error is None:
            more = self.body_bytes_received - self._taken
            if not self._held.add(more):
                return self._refuse(Shed(""), data)
            self._taken += more
        return consumed

    def _refuse(self, error: Error, data: bytes) -> int:
        self.error, self.completed = error, True
        return len(data)

    def close(self) -> None:
        super().close()
        self._held.add(-self._taken)
        self._taken = 0


def keep_in(settings: Settings) -> None:
    """Put the temporary files of this process into LOA_DATA_DIR: /tmp is memory on many machines, and small on others. Raises OSError."""
    folder = Path(settings.data_dir) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)


def install(app: Flask, settings: Settings) -> None:
    """Refuse what no view wants to see, before anything is parsed."""

    @app.before_request
    def check() -> None:
        length = request.content_length or 0
        if length > settings.body_limit:
            raise BodyTooLarge(f"the body has {length:,} bytes; the limit is {settings.body_limit:,}", limit=settings.body_limit)
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding != "identity":  # a small body could become a large one
            raise UnsupportedMediaType(f"the Content-Encoding is {encoding[:40]!r}; send the body as it is")
