"""The broker's append-only file, brought to the disk once a second by the process that started the broker.

The server could do that itself (`appendfsync everysec`). But while one of its syncs is under way it answers before it has written, for up
to two seconds (flushAppendOnlyFile in aof.c), and a server that is killed then forgets what it has acknowledged: with a busy disk three
kills of 34 lost up to 35 writes. With `appendfsync no` it writes first and answers then, always, so the kernel has whatever was
acknowledged; and any process may ask the kernel to bring a file to the disk.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

SYNC_SECONDS = 1.0  # what a loss of power may cost

log = logging.getLogger(__name__)


class AppendFileSync(threading.Thread):
    """Syncs the append-only files in a broker's folder until it is stopped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name="append-file-sync", daemon=True)
        self.folder = folder
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(SYNC_SECONDS):
            sync(self.folder)

    def stop(self) -> None:
        """Returns when no sync is under way."""
        self._ended.set()
        self.join()


def sync(folder: Path) -> None:
    """Bring what the server has appended to the disk. Servers before 7.0 have one file, later ones a folder of them."""
    for path in (folder / "appendonly.aof", *(folder / "appendonlydir").glob("*.incr.aof")):
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # of another version, or just replaced by the server, which syncs what replaces it
            continue
        try:
            os.fsync(file)
        except OSError as error:
            log.error("%s is not safe from a loss of power: %s", path, error)
        finally:
            os.close(file)
