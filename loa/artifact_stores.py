"""Where artifacts can lie: a folder of a POSIX file system, or anything that fsspec knows. Used through `loa.artifacts` only."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from loa.errors import StorageUnavailable

_UNLINKABLE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_LEFTOVER = ".writing-"
_PUT_ATTEMPTS = 3


class _AnotherFileSystem(Exception):
    """A file cannot have a second name there: it has to be copied."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An artifact as a listing shows it."""

    path: str
    size: int  # bytes
    modified: float  # seconds since the epoch


class Store(Protocol):
    def write(self, path: str, data: bytes | Path) -> bool: ...
    def open(self, path: str) -> BinaryIO: ...
    def size(self, path: str) -> int: ...
    def delete(self, path: str) -> None: ...
    def walk(self, prefix: str) -> Iterator[Stored]: ...
    def remove_leftovers(self, age: float) -> int: ...


class Folder:
    """Artifacts in a folder of a local or shared POSIX file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def write(self, path: str, data: bytes | Path) -> bool:
        target = self.root / path
        if target.exists():
            return False
        if isinstance(data, Path):
            with data.open("rb") as source:
                os.fsync(source.fileno())
            with contextlib.suppress(_AnotherFileSystem):
                return self._publish(data, target)  # hours of audio get a second name instead of a copy
        with self._temporary(target.parent) as (temporary, stream):
            _fill(stream, data)
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

    def size(self, path: str) -> int:
        status = (self.root / path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(path)
        return status.st_size

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


class Remote:
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
            if not self._put(data, path):
                return False
            stored = self._files.info(self._full(path))["size"]
            if stored != data.stat().st_size:
                self._files.rm_file(self._full(path))
                raise StorageUnavailable(f"{path} arrived with {stored} of {data.stat().st_size} bytes and was removed again")
        return True

    def _put(self, source: Path, path: str) -> bool:
        for _ in range(_PUT_ATTEMPTS):
            try:
                self._files.put_file(str(source), self._full(path), mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if _http_status(error) not in (409, 412):  # "somebody writes it at this moment" and "it is there"
                    raise
                if self._files.exists(self._full(path)):
                    return False
            else:
                return True
        raise StorageUnavailable(f"{path} was refused {_PUT_ATTEMPTS} times as being there, but it is not")

    def open(self, path: str) -> BinaryIO:
        return self._files.open(self._full(path), "rb")

    def size(self, path: str) -> int:
        facts = self._files.info(self._full(path))
        if facts["type"] != "file":
            raise IsADirectoryError(path)
        return facts["size"]

    def delete(self, path: str) -> None:
        self.size(path)  # S3 answers the removal of nothing with success
        self._files.rm_file(self._full(path))

    def walk(self, prefix: str) -> Iterator[Stored]:
        found: dict[str, dict[str, Any]] = self._files.find(self._full(prefix).rstrip("/"), detail=True)
        for name, facts in found.items():
            modified = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
            seconds = modified.timestamp() if hasattr(modified, "timestamp") else float(modified or 0.0)
            yield Stored(path=name.removeprefix(self._root).lstrip("/"), size=facts["size"], modified=seconds)

    def remove_leftovers(self, age: float) -> int:  # noqa: ARG002 - nothing is ever half written behind a URL
        return 0


def _http_status(error: OSError) -> int | None:
    """The status behind an error of s3fs, which itself knows only Amazon's way to say that the object exists."""
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _fill(stream: Any, data: bytes | Path) -> None:
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
