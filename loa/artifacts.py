"""Files that all processes share: segments, audio, plans, uploaded documents. In a local folder or behind any fsspec URL (S3, …).

A file is written once and never changes: the first writer wins, and a later one learns that the file was there. A file is either whole or
absent, whatever is killed when. Locally that is a temporary file in the same folder, fsync, and `os.link`; behind a URL a local temporary
file that is then put in one request, with "create only" (S3: If-None-Match) where the file system has it.

Paths: segments/ab/<address>.zip · parts/ab/<address>.json and <address>.packets · jobs/<job id>/<claim id>/audio.<ext>, timings.json and
subtitles.<ext> · plans/<job id>/<claim id>.json ·
documents/<sha256>.<ext> · voices/prompts/<sha256>.<ext> · voices/states/<engine>/<sound version>/<fingerprint>.safetensors · token
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from loa.artifact_stores import USED_EVERY, Folder, Store, Stored
from loa.errors import ArtifactMissing, LoaError, StorageFull, StorageUnavailable
from loa.object_stores import S3, Remote

__all__ = ["FULL", "LEFTOVER_AGE", "USED_EVERY", "Artifacts", "Stored"]

TOKEN = "token"  # noqa: S105 - the path of the store's own random id, no secret
LEFTOVER_AGE = 6 * 3600.0  # seconds: no writer is busy with one file for longer, over whatever network
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # what a write fails with when there is no room: disk, quota, file size

log = logging.getLogger(__name__)

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}){0,5}")


class Artifacts:
    """An artifact store, named by a folder, a file:// URL or any other URL that fsspec knows. Threads may share one.

    Every method raises ValueError for a path that could lead out of the store, and StorageUnavailable when the store cannot be reached.
    """

    def __init__(self, url: str, *, hurried: bool = False) -> None:
        """`hurried`: for who answers people; a store that does not answer is given up within three seconds, not within a minute."""
        self.url = url
        self._store: Store
        if url.startswith(("s3://", "s3a://")):
            self._store = S3(url, hurried=hurried)
        elif "://" in url and not url.startswith("file://"):
            self._store = Remote(url)
        else:
            self._store = Folder(Path(url.removeprefix("file://")))

    def write(self, path: str, data: bytes | Path) -> bool:
        """Store bytes or a local file. True: written now; False: it was there already, is unchanged and counts as used. Raises StorageFull.

        A local file must not be changed afterwards, only removed: on the same file system the artifact is a second name for it.
        """
        _check(path)
        if isinstance(data, Path) and not data.is_file():
            raise ValueError(f"there is no file {data} to store")
        with self._errors(path, writing=True):
            return self._store.write(path, data)

    def read(self, path: str) -> bytes:
        """The whole content. Raises ArtifactMissing."""
        with self.open(path) as stream:
            return stream.read()

    def open(self, path: str) -> BinaryIO:
        """A seekable binary file, to be closed by the caller. Raises ArtifactMissing."""
        _check(path)
        with self._errors(path):
            return self._store.open(path)

    def look(self, path: str) -> Stored:
        """Its size and its time. Raises ArtifactMissing."""
        _check(path)
        with self._errors(path):
            return self._store.look(path)

    def size(self, path: str) -> int:
        """Bytes. Raises ArtifactMissing."""
        return self.look(path).size

    def exists(self, path: str) -> bool:
        try:
            self.size(path)
        except ArtifactMissing:
            return False
        return True

    def use(self, path: str) -> bool:
        """Whether it is there; and it counts as used now. What is used least goes first (loa/house/), as `modified` of `walk` tells."""
        _check(path)
        with self._errors(path):
            return self._store.use(path)

    def link(self, path: str, seconds: int, *, media_type: str, disposition: str) -> str | None:
        """An address under which anybody may fetch the artifact for so many seconds, by GET; None where the store has no such thing."""
        _check(path)
        with self._errors(path):
            return self._store.link(path, seconds, media_type=media_type, disposition=disposition)

    def delete(self, path: str) -> bool:
        """Remove one artifact; False when it was not there."""
        _check(path)
        try:
            with self._errors(path):
                self._store.delete(path)
        except ArtifactMissing:
            return False
        return True

    def walk(self, prefix: str = "") -> Iterator[Stored]:
        """Every artifact below a folder such as "jobs" ("": all), in no special order. One that is removed meanwhile may be left out."""
        if prefix:
            _check(prefix)
        with self._errors(prefix):
            yield from self._store.walk(prefix)

    def local_path(self, path: str) -> Path | None:
        """Where the artifact lies on this machine's disk; None when the store is not a folder. Only for reading."""
        _check(path)
        return self._store.root / path if isinstance(self._store, Folder) else None

    @contextlib.contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        """The artifact as a file on this machine's disk, for as long as the context lasts. Only for reading. Raises ArtifactMissing."""
        if (local := self.local_path(path)) is not None:
            self.look(path)
            yield local
            return
        with self.open(path) as stored, tempfile.NamedTemporaryFile() as copy:
            shutil.copyfileobj(stored, copy)
            copy.flush()
            yield Path(copy.name)

    def token(self) -> str:
        """The random id that the store itself holds, made by whoever asks first: two processes that read the same one share a store."""
        if not self.exists(TOKEN):
            self.write(TOKEN, secrets.token_hex(16).encode())
        return self.read(TOKEN).decode()

    def remove_leftovers(self, age: float = LEFTOVER_AGE) -> int:
        """Remove what killed writers left behind, if it is older than `age` seconds; how many files that were."""
        with self._errors(""):
            return self._store.remove_leftovers(age)

    @contextlib.contextmanager
    def _errors(self, path: str, *, writing: bool = False) -> Iterator[None]:
        """What goes wrong below, as an error that says what to do."""
        try:
            yield
        except (LoaError, ValueError):
            raise
        except Exception as error:  # the libraries behind fsspec have error classes of their own
            if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)) and not writing:
                raise ArtifactMissing(f"{path} is not in the artifact store", path=path) from error
            if isinstance(error, OSError) and error.errno in FULL:
                log.error("%s is full (%s) while %s was written", self.url, error.strerror, path)
                raise StorageFull(f"the artifact store (LOA_ARTIFACTS) is full: {error.strerror}", path=path) from error
            log.error("%s cannot be used for %s: %s: %s", self.url, path, type(error).__name__, error)  # clients shall not read where it is
            raise StorageUnavailable(f"the artifact store (LOA_ARTIFACTS) cannot be used: {type(error).__name__}", path=path) from error


def _check(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError(f"not the path of an artifact: {path[:200]!r}")
