"""Uploaded documents as plain text: .txt in whatever encoding, and .md without its marks."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from loa.errors import TextTooLong, UnreadableDocument, UnsupportedMediaType
from loa.text.normalisation import PARAGRAPH

if TYPE_CHECKING:
    from markdown_it.token import Token

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

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_SENTENCE_END = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")


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


def markdown_text(source: str) -> str:
    """What a person would read aloud of a Markdown document (CommonMark with tables).

    Headings, paragraphs, list items and table rows become paragraphs, numbered items keep their number, the cells of a row are parted by
    commas. Of a link its text is kept, of an image its description, of HTML the text. Code blocks, HTML comments and front matter are left
    out; code within a sentence stays.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    source = _FRONT_MATTER.sub("", source.replace("\r\n", "\n"), count=1)
    return PARAGRAPH.join(paragraph for paragraph in _paragraphs(parser.parse(source)) if paragraph.strip())


def _paragraphs(tokens: list[Token]) -> Iterator[str]:
    number = ""  # of the list item whose first paragraph comes next
    cells: list[str] | None = None  # of the table row that is being read
    for token in tokens:
        match token.type:
            case "list_item_open":
                number = f"{token.info}. " if token.info else ""
            case "list_item_close":
                number = ""
            case "tr_open":
                cells = []
            case "tr_close":
                row = ", ".join(cell for cell in cells or [] if cell.strip())
                cells = None
                yield row if not row or _SENTENCE_END.search(row) else f"{row}."
            case "html_block":
                yield _html_text(token.content)
            case "inline" if cells is not None:
                cells.append(_inline_text(token))
            case "inline":
                yield number + _inline_text(token)
                number = ""


def _inline_text(token: Token) -> str:
    parts = []
    for child in token.children or []:
        match child.type:
            case "text" | "code_inline" | "text_special":
                parts.append(child.content)
            case "image":
                parts.append(_inline_text(child))
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "html_inline" if child.content.lower().startswith("<br"):
                parts.append("\n")
    return "".join(parts)


class _Text(HTMLParser):
    """Collects the text of HTML, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the signature of the base class
        self._silent += tag in ("script", "style")
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in ("script", "style")))
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _html_text(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return " ".join("".join(parser.parts).split())
