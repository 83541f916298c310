"""What the packed streams of a PDF unpack to, found out before a library that knows no bounds unpacks them."""

from __future__ import annotations

import re
import zlib
from itertools import islice

from loa.errors import DocumentTooLarge, UnreadableDocument
from loa.reading.limits import Limits

CHUNK = 1 << 20  # bytes that are unpacked at a time, and thrown away
DICTIONARY = 600  # bytes in front of a stream in which its dictionary says what it is
END_PLACE = 4_096  # bytes from the end of the file within which it must say that it ends; some servers append a page of HTML

_STREAM = re.compile(rb"stream\r?\n")
_FLATE = re.compile(rb"/(?:FlateDecode|Fl)\b")
_PICTURE = re.compile(rb"/Subtype\s*/Image\b")  # not unpacked by who wants only text


def check(content: bytes, limits: Limits) -> None:
    """Raises UnreadableDocument for half a PDF; DocumentTooLarge for one that unpacks to more than the limits, of one stream or of all.

    Streams are found by their word, so that nothing that the file says about places and lengths needs to be true. A PDF that packs a stream
    more than once, or encrypts it, keeps it from this check; whoever reads it has bounds on memory and time besides.
    """
    if b"%%EOF" not in content[-END_PLACE:]:
        raise UnreadableDocument("the PDF has no end; was it sent or downloaded in full?")
    left = limits.unpacked_bytes
    for place in islice(_STREAM.finditer(content), limits.elements):
        dictionary = content[max(0, place.start() - DICTIONARY) : place.start()].rpartition(b" obj")[2]
        if _FLATE.search(dictionary) and not _PICTURE.search(dictionary):
            left -= _unpacked(content, place.end(), min(limits.entry_bytes, left))


def _unpacked(content: bytes, start: int, allowed: int) -> int:
    """How many bytes a stream unpacks to. Raises DocumentTooLarge for more than `allowed`."""
    unpacker = zlib.decompressobj()
    size = 0
    packed: bytes | memoryview = memoryview(content)[start : start + CHUNK]
    following = start + CHUNK
    try:
        while packed and not unpacker.eof:
            size += len(unpacker.decompress(packed, CHUNK))
            if size > allowed:
                raise DocumentTooLarge(f"a part of the PDF unpacks to more than {allowed:,} bytes")
            packed = unpacker.unconsumed_tail
            if not packed:
                packed = memoryview(content)[following : following + CHUNK]
                following += CHUNK
    except zlib.error:
        return size  # not packed like this, or damaged: the reader will see
    return size
