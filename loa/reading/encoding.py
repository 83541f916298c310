"""Bytes as characters: in Unicode's encodings, in an older one where a file is in none of them."""

from __future__ import annotations

import codecs
import contextlib

from loa.errors import UnreadableDocument

BYTE_ORDER_MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of encodings that explain a file equally well the first is taken. (The Vietnamese TCVN3 and VNI are fonts rather than encodings.)
OLDER_ENCODINGS = (
    "cp1252", "cp1258", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "koi8_r", "gb18030", "big5", "cp932", "euc_jp", "cp949",
)  # fmt: skip
SAMPLE = 200_000  # bytes: enough to tell an encoding, few enough to take no time
DAMAGED_SHARE = 0.1  # UTF-8 in which less than this share of the non-ASCII characters is broken is damaged UTF-8, not another encoding


def decode(data: bytes) -> str:
    """Bytes as text: by their byte order mark, as UTF-8, else in the encoding that they look most like. Raises UnreadableDocument."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if b"\0" in data:
        raise UnreadableDocument(f"this is not a text file: byte {data.index(0)} is zero")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start
    if _is_damaged_utf8(data):
        raise UnreadableDocument(f"the file is UTF-8 but damaged: byte {position} (0x{data[position]:02x}) does not belong there")
    import charset_normalizer

    sample = data[max(0, position - SAMPLE // 2) : position + SAMPLE // 2]
    matches = charset_normalizer.from_bytes(sample, cp_isolation=[*OLDER_ENCODINGS])
    if (best := matches.best()) is None:
        raise UnreadableDocument(
            f"the file is not UTF-8 (byte {position} is 0x{data[position]:02x}) and no other encoding makes sense of it"
        )
    as_likely = {match.encoding for match in matches if (match.chaos, match.coherence) == (best.chaos, best.coherence)}
    return _strictly(data, next(encoding for encoding in OLDER_ENCODINGS if encoding in as_likely))


def prepare(data: bytes) -> None:
    """Load what `decode` would load on its way, for a process that may soon open no file any more."""
    with contextlib.suppress(UnreadableDocument):
        decode(codecs.BOM_UTF32_BE)
        decode(codecs.BOM_UTF16_BE)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        decode("“Café”, où il faisait très beau. ".encode("cp1252") * 20)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"the file looks like {encoding}, but is damaged at byte {error.start}") from None


def _is_damaged_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    whole = sum(1 for character in text if character > "\x7f") - broken
    return broken <= DAMAGED_SHARE * whole
