"""How much of the bodies of requests this server holds before anybody has looked at them: little memory, bounded disk, no strange encoding.

Waitress gives the application whole requests only: a body lies in memory as long as it is small, then in a temporary file without a name in
LOA_DATA_DIR/uploads, which goes with its request or with the process. parsing.py counts what lies there.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from flask import Flask, request

from loa.errors import BodyTooLarge, UnsupportedMediaType
from loa.settings import Settings

MEMORY_BYTES = 65_536  # of a body; more of it lies on the disk


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
