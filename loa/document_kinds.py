"""What an uploaded file is by what is in it, whatever its name says.

Nothing is opened here and nothing is parsed: an archive is refused as such, so none can unfold, hold another one, or name a file outside
of itself; a document of markup that brings definitions of its own (XML with entities) is refused as well, so none can grow or fetch.
"""

from __future__ import annotations

import re

from loa.errors import UnsupportedMediaType

# How files begin that are no text, though some look like it at first. What is not here has a zero byte soon, which no text has.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive (.zip, .epub, .docx, .odt)"),
    (b"PK\x05\x06", "a ZIP archive (.zip, .epub, .docx, .odt)"),
    (b"PK\x07\x08", "a ZIP archive (.zip, .epub, .docx, .odt)"),
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.doc)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_TAR = (257, b"ustar")  # where it stands in the first block
_DIRECTORY_END = b"PK\x05\x06"  # of a ZIP archive with something in front, such as a program that unpacks itself
_DIRECTORY_PLACE = 65_557  # bytes from the end within which it stands
_MARKUP = re.compile(r"\s*<(?:\?xml\b|!DOCTYPE\s+[^>\[]*\[|!ENTITY\b)", re.IGNORECASE)
_MARKUP_PLACE = 4_096  # characters


def refuse_other_files(data: bytes) -> None:
    """Raises UnsupportedMediaType, which says what the file is, for bytes that are no text document."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            raise _refusal(kind)
    place, mark = _TAR
    if data[place : place + len(mark)] == mark:
        raise _refusal("a tar archive")
    if b"\0" in data[-_DIRECTORY_PLACE:] and _DIRECTORY_END in data[-_DIRECTORY_PLACE:]:
        raise _refusal("a ZIP archive (.zip, .epub, .docx, .odt)")


def refuse_markup(text: str) -> None:
    """Raises UnsupportedMediaType for an XML document, and for any that defines entities."""
    if _MARKUP.match(text[:_MARKUP_PLACE]):
        raise _refusal("an XML document")


def _refusal(kind: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(f"the file is {kind}, whatever its name says; send plain text or Markdown")
