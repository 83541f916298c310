"""What an uploaded file is, by what is in it. The name decides only between plain text, Markdown and HTML without a beginning of its own.

Nothing is unpacked and nothing parsed: this runs where requests are answered. Of an archive only the names in its directory are looked at.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal, get_args

from loa.errors import UnreadableDocument, UnsupportedMediaType
from loa.reading.encoding import BYTE_ORDER_MARKS

Kind = Literal["txt", "md", "html", "epub", "docx", "pdf"]

TEXTS: tuple[Kind, ...] = ("txt", "md", "html")  # those whose bytes are characters

_ENDINGS: dict[str, Kind] = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".xhtml": "html"}  # of names; else: text
# What files are that are no document, by the bytes at a place. What is not here has a zero byte soon, which no text has.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"{\\rtf", "an RTF document: save it as .docx"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.doc), or one with a password: save it as .docx, without"),
    (0, b"AT&TFORM", "a DjVu document: save it as .pdf"),
    (0, b"ITSF\x03", "a .chm: convert it to .epub"),
    (60, b"BOOKMOBI", "a Kindle book (.mobi, .azw): convert it to .epub"),
    (0, b"%!PS", "PostScript: save it as .pdf"),
    (0, b"\x1f\x8b", "a gzip file: unpack it"),
    (0, b"\xfd7zXZ\x00", "an xz file: unpack it"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file: unpack it"),
    (4, b"1AY&SY", "a bzip2 file: unpack it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (0, b"Rar!\x1a\x07", "a RAR archive: unpack it"),
    (257, b"ustar", "a tar archive: unpack it"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90", "a program"),
    (0, b"\x89PNG", "an image"),
    (0, b"\xff\xd8\xff", "an image"),
)
# Those that begin with a word, with which a text may begin as well; they have a zero byte soon after.
_WORDS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "an image"),
    (b"RIFF", "a recording, a film or an image"),
    (b"ID3", "a recording"),
    (b"OggS", "a recording"),
    (b"fLaC", "a recording"),
)

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DIRECTORY_END = b"PK\x05\x06"
_DIRECTORY_END_BYTES = 22
_DIRECTORY_PLACE = 65_557  # bytes from the end within which the end of the directory stands: its own 22 and a comment
_IN_ARCHIVE: tuple[tuple[bytes, Kind], ...] = ((b"META-INF/container.xml", "epub"), (b"word/document", "docx"))
_OTHER_ARCHIVES = (
    (b"xl/workbook", "a spreadsheet"),
    (b"ppt/presentation", "a presentation: save it as .pdf"),
    (b"content.xml", "an OpenDocument file: save it as .docx"),
)

_PDF_PLACE = 1_024  # bytes within which a PDF must say what it is; readers allow for rubbish in front
_OPENING = 4_096  # bytes within which markup shows what it is
_XML = re.compile(r"\s*(?:<\?xml\b|<!DOCTYPE\b|<!ENTITY\b)", re.IGNORECASE)
_HTML = re.compile(r"\s*(?:<\?xml\b[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE\s+html\b|<html\b|<head\b|<body\b)", re.IGNORECASE | re.DOTALL)
_DEFINITIONS = re.compile(r"<!ENTITY\b|<!DOCTYPE\s[^>\[]*\[", re.IGNORECASE)


def kind_of(content: bytes, name: str = "") -> Kind:
    """What `content` is.

    Raises UnsupportedMediaType, which says what the file is and what can be read, and UnreadableDocument for the first part of an archive.
    """
    for place, mark, what in _OTHERS:
        if content[place : place + len(mark)] == mark:
            raise _refusal(what)
    for word, what in _WORDS:
        if content.startswith(word) and b"\0" in content[:_OPENING]:
            raise _refusal(what)
    if content.startswith(_ARCHIVES):
        return _kind_of_archive(content)
    if _is_pdf(content):
        return "pdf"
    if b"\0" in content[-_DIRECTORY_PLACE:] and _DIRECTORY_END in content[-_DIRECTORY_PLACE:]:
        raise _refusal("a ZIP archive with something in front of it, as a program that unpacks itself")
    return _kind_of_text(content, name)


def kept_kind(path: str) -> Kind:
    """The kind of a document in the artifact store, which its path ends with. Raises ValueError for any other path."""
    for kind in get_args(Kind):
        if path.endswith(f".{kind}"):
            return kind
    raise ValueError(f"{path} is no document's path")


def known_kinds() -> str:
    """The kinds as words: ".txt, .md, … and .pdf"."""
    *most, last = get_args(Kind)
    return f"{', '.join(f'.{kind}' for kind in most)} and .{last}"


def directory_of(archive: bytes) -> bytes:
    """What a ZIP archive says that is in it, as it stands at its end. Raises UnreadableDocument for the first part of an archive."""
    end = archive.rfind(_DIRECTORY_END, max(0, len(archive) - _DIRECTORY_PLACE))
    if end < 0 or len(archive) < end + _DIRECTORY_END_BYTES:
        raise UnreadableDocument("the file begins like an .epub or .docx and has no end; was it sent or downloaded in full?")
    size, start = (int.from_bytes(archive[end + place : end + place + 4], "little") for place in (12, 16))
    return archive[start : start + size] if start + size <= end else archive[max(0, end - size) : end]


def _kind_of_archive(content: bytes) -> Kind:
    directory = directory_of(content)
    for entry, kind in _IN_ARCHIVE:
        if entry in directory:
            return kind
    raise _refusal(next((what for entry, what in _OTHER_ARCHIVES if entry in directory), "a ZIP archive: unpack it"))


def _is_pdf(content: bytes) -> bool:
    if content[:_PDF_PLACE].lstrip().startswith(b"%PDF-"):
        return True
    return b"%PDF-" in content[:_PDF_PLACE] and b"startxref" in content[-2 * _PDF_PLACE :]


def _kind_of_text(content: bytes, name: str) -> Kind:
    opening = _opening(content)
    if _DEFINITIONS.search(opening) and _XML.match(opening):
        raise _refusal("an XML document with definitions of its own")
    if _HTML.match(opening):
        return "html"
    if _XML.match(opening):
        raise _refusal("an XML document")
    return _ENDINGS.get(PurePosixPath(name.replace("\\", "/")).suffix.lower(), "txt")


def _opening(content: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) : _OPENING].decode(encoding, errors="replace")
    return content[:_OPENING].decode("latin-1")


def _refusal(what: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(f"the file is {what}; {known_kinds()} can be read", known=list(get_args(Kind)))
