"""Where artifacts can lie: a folder of a POSIX file system, here, or behind a URL (object_stores.py). Used through `loa.artifacts` only."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from loa.errors import StorageUnavailable

_UNLINKABLE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_LEFTOVER = ".writing-"
USED_EVERY = 3600.0  # seconds: how exactly it is known when a file was used last; noting it each time would cost more than it is worth


class _AnotherFileSystem(Exception):
    """A file cannot have a second name there: it has to be copied."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An artifact seen from outside."""

    path: str
    size: int  # bytes
    modified: float  # seconds since the epoch: when it was written or, to within USED_EVERY, used last


class Store(Protocol):
    def write(self, path: str, data: bytes | Path) -> bool: ...
    def open(self, path: str) -> BinaryIO: ...
    def look(self, path: str) -> Stored: ...
    def use(self, path: str) -> bool: ...
    def delete(self, path: str) -> None: ...
    def walk(self, prefix: str) -> Iterator[Stored]: ...
    def remove_leftovers(self, age: float) -> int: ...
    def link(self, path: str, seconds: int, *, media_type: str, disposition: str) -> str | None: ...


class Folder:
    """Artifacts in a folder of a local or shared POSIX file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def write(self, path: str, data: bytes | Path) -> bool:
        target = self.root / path
        if self.use(path):
            return False
        if isinstance(data, Path):
            with data.open("rb") as source:
                os.fsync(source.fileno())
            with contextlib.suppress(_AnotherFileSystem):
                return self._publish(data, target)  # hours of audio get a second name instead of a copy
        with self._temporary(target.parent) as (temporary, stream):
            fill(stream, data)
            stream.flush()
            os.fsync(stream.fileno())
            return self._publish(temporary, target)

    def _publish(self, source: Path, target: Path) -> bool:
        """Give a file that is whole and on the disk its name; False when another writer was faster. Raises _AnotherFileSystem."""
        while True:
            _make_folder(target.parent)
            try:
                target.hardlink_to(source)
            except FileExistsError:
                return False
            except FileNotFoundError:
                if not source.exists():
                    raise
                continue  # `delete` has just removed the empty folder
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise _AnotherFileSystem from error
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
            _make_folder(folder)
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

    def look(self, path: str) -> Stored:
        status = (self.root / path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(path)
        return Stored(path=path, size=status.st_size, modified=status.st_mtime)

    def use(self, path: str) -> bool:
        """The time of a file is that of its last use, to within USED_EVERY."""
        target = self.root / path
        try:
            status = target.stat()
            if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > USED_EVERY:
                with contextlib.suppress(PermissionError):  # another user's file: it is young again when that one uses it
                    os.utime(target)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return stat.S_ISREG(status.st_mode)

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

    def link(self, path: str, seconds: int, *, media_type: str, disposition: str) -> str | None:  # noqa: ARG002 - see object_stores.py
        return None

    def _files(self, prefix: str) -> Iterator[Path]:
        for folder, _, names in os.walk(self.root / prefix):
            for name in names:
                yield Path(folder, name)


def fill(stream: Any, data: bytes | Path) -> None:
    if isinstance(data, Path):
        with data.open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)
    else:
        stream.write(data)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, while `delete` may be removing them because they are empty."""
    while not folder.is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            continue  # one above it went
        except FileExistsError:
            if folder.exists() and not folder.is_dir():
                raise


def _sync_folder(folder: Path) -> None:
    """Make the name as durable as the content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
