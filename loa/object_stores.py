"""Artifacts behind a URL: S3, and whatever else fsspec knows. Used through `loa.artifacts` only.

A file is put whole, from a local one: never through a remote stream, because fsspec commits what it has when an error interrupts one.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from loa.artifact_stores import USED_EVERY, Stored, fill
from loa.errors import StorageUnavailable

_PUT_ATTEMPTS = 3
PART = 16 << 20  # bytes: larger files go in parts of this size, at most _PARTS_AT_ONCE of them in memory
_PARTS_AT_ONCE = 4
READ_AHEAD = 4 << 20  # bytes
# For who answers people: an S3 that cannot be reached, or does not answer, is known to be away within these seconds together.
HURRIED_CONNECT, HURRIED_ANSWER = 1.0, 1.5


class Remote:
    """Artifacts behind an fsspec URL."""

    def __init__(self, url: str, **options: Any) -> None:
        import fsspec

        # Another process may have written meanwhile: no listing may be remembered.
        self._files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
        self._root = root.rstrip("/")

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def write(self, path: str, data: bytes | Path) -> bool:
        if self.use(path):
            return False
        with contextlib.ExitStack() as stack:
            if isinstance(data, bytes):
                stream = stack.enter_context(tempfile.NamedTemporaryFile(prefix="loa-"))
                fill(stream, data)
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
                self._put_once(source, path)
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

    def _put_once(self, source: Path, path: str) -> None:
        self._files.put_file(str(source), self._full(path), mode="create")

    def open(self, path: str) -> BinaryIO:
        return self._files.open(self._full(path), "rb", block_size=READ_AHEAD)

    def look(self, path: str) -> Stored:
        facts: dict[str, Any] = self._files.info(self._full(path))
        if facts["type"] != "file":
            raise IsADirectoryError(path)
        return Stored(path=path, size=facts["size"], modified=_modified(facts))

    def use(self, path: str) -> bool:
        """Whether it is there. No file system but S3 and a folder can say when a file was used last: there it is when it was written."""
        try:
            self.look(path)
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def delete(self, path: str) -> None:
        self.look(path)  # S3 answers the removal of nothing with success
        self._files.rm_file(self._full(path))

    def walk(self, prefix: str) -> Iterator[Stored]:
        found: dict[str, dict[str, Any]] = self._files.find(self._full(prefix).rstrip("/"), detail=True)
        for name, facts in found.items():
            yield Stored(path=name.removeprefix(self._root).lstrip("/"), size=facts["size"], modified=_modified(facts))

    def remove_leftovers(self, age: float) -> int:  # noqa: ARG002 - nothing is ever half written there
        return 0

    def link(self, path: str, seconds: int, *, media_type: str, disposition: str) -> str | None:  # noqa: ARG002 - see S3
        return None


class S3(Remote):
    """Artifacts in a bucket of S3 or of anything that speaks its protocol; credentials and endpoint are those of the AWS tools."""

    def __init__(self, url: str, *, hurried: bool) -> None:
        timeouts = {"connect_timeout": HURRIED_CONNECT, "read_timeout": HURRIED_ANSWER, "retries": {"max_attempts": 0}}
        super().__init__(url, **({"config_kwargs": timeouts} if hurried else {}))
        if hurried:
            self._files.retries = 1
        self._bucket, _, key = self._root.partition("/")
        self._prefix = f"{key}/" if key else ""

    def _put_once(self, source: Path, path: str) -> None:
        self._files.put_file(str(source), self._full(path), mode="create", chunksize=PART, max_concurrency=_PARTS_AT_ONCE)

    def use(self, path: str) -> bool:
        """The time of an object is that of its last copy: copied onto itself, it is young again."""
        try:
            if time.time() - self.look(path).modified > USED_EVERY:
                place = {"Bucket": self._bucket, "Key": self._prefix + path}
                self._files.call_s3("copy_object", **place, CopySource=place, MetadataDirective="REPLACE")
        except FileNotFoundError:
            return False
        return True

    def look(self, path: str) -> Stored:
        head = self._files.call_s3("head_object", Bucket=self._bucket, Key=self._prefix + path)
        return Stored(path=path, size=head["ContentLength"], modified=head["LastModified"].timestamp())

    def walk(self, prefix: str) -> Iterator[Stored]:
        """A thousand at a time: fsspec's listing would hold all of them."""
        under = f"{self._prefix}{prefix}/" if prefix else self._prefix
        more: dict[str, str] = {}
        while True:
            page = self._files.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=under, **more)
            for entry in page.get("Contents", ()):
                path = entry["Key"].removeprefix(self._prefix)
                yield Stored(path=path, size=entry["Size"], modified=entry["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def remove_leftovers(self, age: float) -> int:
        """Uploads in parts that were begun and never completed: no reader sees them, but they are paid for."""
        removed, more = 0, {}
        while True:
            page = self._files.call_s3("list_multipart_uploads", Bucket=self._bucket, Prefix=self._prefix, **more)
            for upload in page.get("Uploads", ()):
                if time.time() - upload["Initiated"].timestamp() > age:
                    self._files.call_s3("abort_multipart_upload", Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                    removed += 1
            if not page.get("IsTruncated"):
                return removed
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def link(self, path: str, seconds: int, *, media_type: str, disposition: str) -> str | None:
        """A signed address of the object itself, good for so many seconds, that answers with these headers."""
        url: str = self._files.url(
            self._full(path), expires=seconds, ResponseContentType=media_type, ResponseContentDisposition=disposition
        )
        return url


def _modified(facts: dict[str, Any]) -> float:
    """Seconds since the epoch."""
    modified = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
    return float(modified.timestamp() if hasattr(modified, "timestamp") else modified or 0.0)


def _http_status(error: OSError) -> int | None:
    """The status behind an error of s3fs, which itself knows only Amazon's way to say that the object exists."""
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
