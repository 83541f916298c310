"""Files over HTTP, whole or in part (RFC 9110: Range, If-Range, If-None-Match, HEAD)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request

from api.service import service
from loa.errors import ArtifactMissing, AudioExpired, RangeNotSatisfiable

BLOCK = 256 * 1024  # bytes
LINK_SECONDS = 900  # that a signed link is good: for a download to begin, and for a listener to come back from a pause
AGE = 86_400  # seconds that a client may keep a file without asking again; it never changes
NAME_LIMIT = 100  # characters

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w .,()-]+")


def download(path: str, *, tag: str, name: str, media_type: str) -> Response:
    """An artifact as the answer to the current request; `tag` names its content. Raises AudioExpired, RangeNotSatisfiable.

    From a store with signed links (S3) the answer is a redirect to one: the bytes, or the range of them, never pass through the API.
    """
    artifacts = service().artifacts
    headers = {
        "Content-Disposition": disposition(name),
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={AGE}, immutable",
    }
    try:
        size = artifacts.size(path)
        if request.if_none_match.contains_weak(tag):
            return Response(status=304, headers=headers)
        if (link := _link(path, name, media_type)) is not None:
            return Response(status=307, headers={"Location": link, "Cache-Control": "no-store"})
        first, last = _part(tag, size)
        status = 200
        if (first, last) != (0, size - 1):
            status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{size}"
        length = last - first + 1
        headers["Content-Length"] = str(length)
        if request.method == "HEAD":
            return Response(status=status, headers=headers, content_type=media_type)
        stream = artifacts.open(path)
    except ArtifactMissing as error:
        raise AudioExpired("the file of this job is no longer kept") from error
    stream.seek(first)
    # A local file goes to the server as it is, which sends it without holding a thread; anything else is read here, block by block.
    wrap = request.environ.get("wsgi.file_wrapper") if artifacts.local_path(path) is not None else None
    content = _blocks(stream, length) if wrap is None else wrap(stream, BLOCK)
    return Response(content, status=status, headers=headers, content_type=media_type, direct_passthrough=True)


def small_download(content: bytes, *, tag: str, name: str, media_type: str) -> Response:
    """The same for what is made when it is asked for and takes no room: whole, never in part."""
    headers = {"Content-Disposition": disposition(name), "ETag": f'"{tag}"', "Cache-Control": f"private, max-age={AGE}, immutable"}
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers=headers)
    return Response(content, headers=headers, content_type=media_type)


def _link(path: str, name: str, media_type: str) -> str | None:
    """Where the client may fetch the file itself. HEAD is answered here: a link is signed for GET alone."""
    if request.method == "HEAD" or not service().settings.redirect_downloads:
        return None
    return service().artifacts.link(path, LINK_SECONDS, media_type=media_type, disposition=disposition(name))


def disposition(name: str) -> str:
    """Content-Disposition for a file name that a user may have chosen: shown in the browser, saved under that name, in no other folder."""
    stem, dot, ending = name.rpartition(".")
    stem = _UNSAFE.sub("_", stem).strip(" ._")[:NAME_LIMIT] or "audio"
    name = f"{stem}{dot}{ending}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(tag: str, size: int) -> tuple[int, int]:
    """The first and the last byte to send.

    A Range that is malformed, of several parts, or for another version of the file means nothing: RFC 9110 wants or allows that.
    """
    whole = (0, size - 1)
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted is None or request.method == "HEAD" or request.headers.get("If-Range", f'"{tag}"') != f'"{tag}"':
        return whole
    first, last = wanted.groups()
    if not first and not last:
        return whole
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return whole
    if start >= size:
        raise RangeNotSatisfiable(f"the file has {size} bytes", size=size)
    return start, end


def _blocks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    with stream:
        while length > 0 and (block := stream.read(min(BLOCK, length))):
            length -= len(block)
            yield block
