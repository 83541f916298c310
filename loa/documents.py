"""Uploaded documents as plain text: .txt in whatever encoding, and .md without its marks."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from loa.errors import TextTooLong, UnreadableDocument, UnsupportedMediaType
from loa.markdown import markdown_text

DOCUMENT_TYPES = {"txt": "text/plain", "md": "text/markdown"}  # extension → media type

_BYTE_ORDER_MARKS = (  # the longer first: UTF-32's begins like UTF-16's
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


def document_type(file_name: str) -> str:
    """The extension, a key of DOCUMENT_TYPES. Raises UnsupportedMediaType."""
    extension = PurePosixPath(file_name.replace("\\", "/")).suffix.lower().removeprefix(".")
    if extension not in DOCUMENT_TYPES:
        raise UnsupportedMediaType(f"a file named {file_name[-80:]!r} cannot be read; known are .{' and .'.join(DOCUMENT_TYPES)}")
    return extension


def read_document(data: bytes, extension: str, limit: int | None = None) -> str:
    """The text of a document, paragraphs parted by empty lines, not yet normalised. `extension` with or without its full stop.

    Raises UnreadableDocument for bytes that are no text, TextTooLong for more than `limit` characters.
    """
    text = decode(data)
    if extension.removeprefix(".") == "md":
        text = markdown_text(text)
    if limit is not None and len(text) > limit:
        raise TextTooLong(f"the document has {len(text):,} characters; the limit is {limit:,}", characters=len(text), limit=limit)
    return text


def decode(data: bytes) -> str:
    """Bytes as text: by their byte order mark, as UTF-8, else in the encoding that they look most like. Raises UnreadableDocument."""
    for mark, encoding in _BYTE_ORDER_MARKS:
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
