"""Files that all processes share: segments, audio, plans, uploaded documents. In a local folder or behind any fsspec URL (S3, …).

A file is written once and never changes: the first writer wins, and a later one learns that the file was there. A file is either whole or
absent, whatever is killed when. Locally that is a temporary file in the same folder, fsync, and `os.link`; behind a URL a local temporary
file that is then put in one request, with "create only" (S3: If-None-Match) where the file system has it.

Paths: segments/ab/<address>.npz · jobs/<job id>/<claim id>/audio.<ext> and timings.json · plans/<job id>/<claim id>.json ·
documents/<sha256>.<ext> · token
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from loa.errors import ArtifactMissing, LoaError, StorageFull, StorageUnavailable

TOKEN = "token"  # noqa: S105 - the path of the store's own random id, no secret
LEFTOVER_AGE = 3600.0  # seconds: no writer is busy with one file for longer

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # what a write fails with when there is no room: disk, quota, file size

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}){0,5}")
_UNLINKABLE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_LEFTOVER = ".writing-"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An artifact as a listing shows it."""

    path: str
    size: int  # bytes
    modified: float  # seconds since the epoch


class Artifacts:
    """An artifact store, named by a folder, a file:// URL or any other URL that fsspec knows. Threads may share one.

    Every method raises ValueError for a path that could lead out of the store, and StorageUnavailable when the store cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._store: _Store = _Remote(url) if "://" in url and not url.startswith("file://") else _Folder(Path(url.removeprefix("file://")))

    def write(self, path: str, data: bytes | Path) -> bool:
        """Store bytes, or a copy of a local file. True: written now; False: it was there already and is unchanged. Raises StorageFull."""
        _check(path)
        if isinstance(data, Path) and not data.is_file():
            raise ValueError(f"there is no file {data} to store")
        with self._errors(path):
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

    def size(self, path: str) -> int:
        """Bytes. Raises ArtifactMissing."""
        _check(path)
        with self._errors(path):
            return self._store.size(path)

    def exists(self, path: str) -> bool:
        try:
            self.size(path)
        except ArtifactMissing:
            return False
        return True

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
        return self._store.root / path if isinstance(self._store, _Folder) else None

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
    def _errors(self, path: str) -> Iterator[None]:
        """What goes wrong below, as an error that says what to do."""
        try:
            yield
        except (LoaError, ValueError):
            raise
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ArtifactMissing(f"{path} is not in the artifact store", path=path) from error
        except Exception as error:  # the libraries behind fsspec have error classes of their own
            if isinstance(error, OSError) and error.errno in FULL:
                raise StorageFull(f"{self.url} is full ({error.strerror}) while {path} was written", path=path) from error
            raise StorageUnavailable(f"{self.url} cannot be used: {type(error).__name__}: {error}", path=path) from error


class _Store(Protocol):
    def write(self, path: str, data: bytes | Path) -> bool: ...
    def open(self, path: str) -> BinaryIO: ...
    def size(self, path: str) -> int: ...
    def delete(self, path: str) -> None: ...
    def walk(self, prefix: str) -> Iterator[Stored]: ...
    def remove_leftovers(self, age: float) -> int: ...


class _Folder:
    """Artifacts in a folder of a local or shared POSIX file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def write(self, path: str, data: bytes | Path) -> bool:
        target = self.root / path
        if target.exists():
            return False
        with self._temporary(target.parent) as (temporary, stream):
            _fill(stream, data)
            stream.flush()
            os.fsync(stream.fileno())
            try:
                target.hardlink_to(temporary)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno in _UNLINKABLE:
                    raise StorageUnavailable(
                        f"{self.root}: this file system has no hard links; choose another for LOA_ARTIFACTS"
                    ) from error
                raise
        _sync_folder(target.parent)
        return True

    @contextlib.contextmanager
    def _temporary(self, folder: Path) -> Iterator[tuple[Path, io.BufferedWriter]]:
        temporary = folder / f"{_LEFTOVER}{secrets.token_hex(8)}"
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stream = temporary.open("xb")
            except FileNotFoundError:
                continue  # `delete` has just removed the empty folder
            break
        try:
            with stream:
                yield temporary, stream
        finally:
            temporary.unlink(missing_ok=True)

    def open(self, path: str) -> BinaryIO:
        return (self.root / path).open("rb")

    def size(self, path: str) -> int:
        return (self.root / path).stat().st_size

    def delete(self, path: str) -> None:
        target = self.root / path
        target.unlink()
        for folder in target.parents:
            if folder == self.root:
                break
            try:
                folder.rmdir()
            except OSError:  # not empty
                break

    def walk(self, prefix: str) -> Iterator[Stored]:
        for path in self._files(prefix):
            if path.name.startswith("."):
                continue
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                yield Stored(path=path.relative_to(self.root).as_posix(), size=status.st_size, modified=status.st_mtime)

    def remove_leftovers(self, age: float) -> int:
        removed = 0
        for path in self._files(""):
            if path.name.startswith(_LEFTOVER):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > age:
                        path.unlink()
                        removed += 1
        return removed

    def _files(self, prefix: str) -> Iterator[Path]:
        for folder, _, names in os.walk(self.root / prefix):
            for name in names:
                yield Path(folder, name)


class _Remote:
    """Artifacts behind an fsspec URL."""

    def __init__(self, url: str) -> None:
        import fsspec

        # Another process may have written meanwhile: no listing may be remembered.
        self._files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        self._root = root.rstrip("/")

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def write(self, path: str, data: bytes | Path) -> bool:
        if self._files.exists(self._full(path)):
            return False
        with contextlib.ExitStack() as stack:
            if isinstance(data, bytes):
                # Never a remote stream: fsspec commits what it has when an error interrupts one.
                stream = stack.enter_context(tempfile.NamedTemporaryFile(prefix="loa-"))
                _fill(stream, data)
                stream.flush()
                data = Path(stream.name)
            try:
                self._files.put_file(str(data), self._full(path), mode="create")
            except FileExistsError:
                return False
            stored = self._files.info(self._full(path))["size"]
            if stored != data.stat().st_size:
                self._files.rm_file(self._full(path))
                raise StorageUnavailable(f"{path} arrived with {stored} of {data.stat().st_size} bytes and was removed again")
        return True

    def open(self, path: str) -> BinaryIO:
        return self._files.open(self._full(path), "rb")

    def size(self, path: str) -> int:
        return self._files.info(self._full(path))["size"]

    def delete(self, path: str) -> None:
        self._files.info(self._full(path))  # S3 answers the removal of nothing with success
        self._files.rm_file(self._full(path))

    def walk(self, prefix: str) -> Iterator[Stored]:
        found: dict[str, dict[str, Any]] = self._files.find(self._full(prefix).rstrip("/"), detail=True)
        for name, facts in found.items():
            modified = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
            seconds = modified.timestamp() if hasattr(modified, "timestamp") else float(modified or 0.0)
            yield Stored(path=name.removeprefix(self._root).lstrip("/"), size=facts["size"], modified=seconds)

    def remove_leftovers(self, age: float) -> int:  # noqa: ARG002 - nothing is ever half written behind a URL
        return 0


def _fill(stream: Any, data: bytes | Path) -> None:
    if isinstance(data, Path):
        with data.open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)
    else:
        stream.write(data)


def _sync_folder(folder: Path) -> None:
    """Make the name as durable as the content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError(f"not the path of an artifact: {path[:200]!r}")
