"""One file from the internet to the disk: resumed where it stopped, checked, and seen under its name only when it is whole.

The bytes so far lie in `<name>.part`; `<name>.part.json` remembers which version of the file they belong to (its ETag or date), so that a
file that changed at the source is fetched from its beginning. A resumed file that fails its check is fetched once more as a whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from loa.artifacts import FULL
from loa.bundles import LOOPBACK, safe_url
from loa.errors import ChecksumMismatch, DownloadFailed, StorageFull

CHUNK = 1 << 16  # bytes
ATTEMPTS = 5  # connections that are tried for one file before the user is asked to run the command again
REDIRECTS = 5
TIMEOUT = urllib3.Timeout(connect=10.0, read=30.0)  # seconds

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int, int], None]
"""Is told the bytes that are there so far and the bytes of the whole (0: unknown), several times a second."""


def download(url: str, target: Path, *, size: int = 0, sha256: str = "", progress: Progress | None = None) -> str:
    """Fetch `url` into `target`, whose folder exists; returns its sha256. `size` (bytes) and `sha256` are checked where they are known.

    Raises DownloadFailed (what came is kept for the next time), ChecksumMismatch (it is thrown away) or StorageFull.
    """
    part = _Part(target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json"))
    with full_disk(target.parent):
        for again in (True, False):
            resumed = _fetch(_Source(url=url, size=size, checked=bool(sha256)), part, progress or (lambda *_: None))
            with part.path.open("rb+") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fsync(stream.fileno())
            if sha256 in ("", found):
                part.path.replace(target)
                part.forget()
                return found
            part.forget()
            if not (resumed and again):
                break
        raise ChecksumMismatch(f"{url} has the sha256 {found}, which is not the expected {sha256}", url=url)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What is to be fetched."""

    url: str
    size: int  # bytes; 0: unknown
    checked: bool  # whether its sha256 is known, so that wrongly joined parts would be noticed


@dataclass(frozen=True)
class _Part:
    """What has come of a file so far."""

    path: Path
    facts: Path

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self, url: str) -> str | None:
        """The ETag or date of the version that the bytes belong to; "" where the source gives none; None for bytes of anything else."""
        try:
            facts = json.loads(self.facts.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return facts["validator"] if facts["url"] == url else None

    def begin(self, url: str, validator: str) -> None:
        self.path.write_bytes(b"")
        self.facts.write_text(json.dumps({"url": url, "validator": validator}))

    def forget(self) -> None:
        self.facts.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def _fetch(source: _Source, part: _Part, progress: Progress) -> bool:
    """Bring `part` to its whole length, over several connections if need be; whether it took more than one, now or in an earlier run."""
    trouble = ""
    resumed = False
    for _ in range(ATTEMPTS):
        try:
            return _connect(source, part, progress) or resumed
        except urllib3.exceptions.HTTPError as error:
            trouble = str(error)
        except _ServerTrouble as error:
            trouble = f"the server answered {error}"
        resumed = True
    raise DownloadFailed(
        f"{source.url} could not be fetched: {trouble}; {part.size():,} bytes are kept", url=source.url, received=part.size()
    )


class _ServerTrouble(Exception):
    """A status that may be another one the next time."""


def _connect(source: _Source, part: _Part, progress: Progress) -> bool:
    """One connection; whether it continued what was there."""
    have = part.size()
    validator = part.validator(source.url)
    if validator is None or (not validator and not source.checked) or (source.size and have > source.size):
        part.forget()
        have = 0
    if source.size and have == source.size:
        return True
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    with _open(source.url, headers) as response:
        if response.status == 416:  # there is nothing after what we have: either that was all, or the file has become shorter
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return True
            part.forget()
            raise _ServerTrouble("that the file is shorter than before")
        if response.status >= 500:
            raise _ServerTrouble(str(response.status))
        if response.status not in (200, 206):
            raise DownloadFailed(f"{source.url} could not be fetched: the server answered {response.status}", url=source.url)
        start, total = _extent(response)
        if start not in (0, have):
            raise _ServerTrouble("with another part of the file than was asked for")
        if source.size and total and total != source.size:
            part.forget()
            raise ChecksumMismatch(f"{source.url} has {total:,} bytes, which are not the expected {source.size:,}", url=source.url)
        if not start:
            part.begin(source.url, _validator(response))
        _receive(source, response, part, start, total or source.size, progress)
        return start > 0


def _receive(source: _Source, response: Any, part: _Part, start: int, total: int, progress: Progress) -> None:
    done = start
    progress(done, total)
    with part.path.open("ab", buffering=0) as stream:
        for chunk in response.stream(CHUNK, decode_content=False):
            done += len(chunk)
            if total and done > total:
                part.forget()
                raise ChecksumMismatch(f"{source.url} sends more than the expected {total:,} bytes", url=source.url)
            _write(stream, chunk)
            progress(done, total)
    if total and done < total:
        raise _ServerTrouble(f"with {done:,} of {total:,} bytes")


def _write(stream: Any, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[stream.write(left) :]


def _extent(response: Any) -> tuple[int, int]:
    """Where the answer's bytes begin in the file, and the length of the whole file (0: unknown)."""
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None:
            raise _ServerTrouble("with a part of the file that it does not name")
        return int(match[1]), 0 if match[2] == "*" else int(match[2])
    return 0, int(response.headers.get("Content-Length", 0))


def _validator(response: Any) -> str:
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


@contextlib.contextmanager
def _open(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """The final answer after redirects, none of which may lead to an unprotected connection."""
    for _ in range(REDIRECTS + 1):
        if not safe_url(url):
            raise DownloadFailed(f"{url} is refused: only https:// is fetched (http:// only from this machine)", url=url)
        with _pool(url) as pool:
            response = pool.request("GET", url, headers=headers, preload_content=False, redirect=False, retries=False, timeout=TIMEOUT)
            try:
                if (location := response.get_redirect_location()) is None or location is False:
                    yield response
                    return
                url = urljoin(url, str(location))
            finally:
                response.release_conn()
                response.close()
    raise DownloadFailed(f"{url} leads to more than {REDIRECTS} redirects", url=url)


def _pool(url: str) -> urllib3.PoolManager:
    """Connections, through the proxy that the environment names for this address."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and parts.hostname not in LOOPBACK and not proxy_bypass(parts.netloc):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Say StorageFull where the operating system says that there is no room."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(f"{folder} is full ({error.strerror})") from error
        raise
