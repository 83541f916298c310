"""Markup as trees of lxml: XML, and XHTML and HTML as books really hold them. Nothing is loaded, expanded or asked of a network.

A document that defines entities is refused: with them a file can read other files (XXE) or grow a thousandfold (the "billion laughs").
"""

from __future__ import annotations

import html.entities
import re

from lxml import etree

from loa.errors import DocumentTooLarge, UnreadableDocument
from loa.reading import encoding, html5
from loa.reading.limits import Limits
from loa.reading.names import fit, local

OPENING = 2_048  # characters within which markup says what it is and in which encoding (HTML itself: 1,024)
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))  # how markup begins in UTF-16
_DECLARED = re.compile(rb"""(?:<\?xml[^>]*?\bencoding|<meta[^>]*?\bcharset)\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE)
# What is meant by a declaration is the larger encoding (https://encoding.spec.whatwg.org).
_MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
_UNDECODED = re.compile("[\udc80-\udcff]")

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_FIRST_ELEMENT = re.compile(r"<[A-Za-z]")
_DEFINITION = re.compile(r"<!ENTITY\b", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_HTML = re.compile(r"<(?:[A-Za-z]+:)?html\b")


def parse(content: bytes, limits: Limits) -> etree._Element:
    """The root of an XML document; one that is not well-formed is read as far as it makes sense.

    Raises UnreadableDocument where it makes none, defines entities or is nested too deeply, and DocumentTooLarge.
    """
    text = _text(content, limits)
    if (root := _strict(text)) is None:
        try:
            root = etree.fromstring(text.encode(), _parser(recover=True))
        except etree.XMLSyntaxError as error:
            raise UnreadableDocument(f"a part of the file is damaged: {error.msg}") from None
    if root is None:
        raise UnreadableDocument("a part of the file is damaged: it is no XML")
    return _checked(root, limits)


def markup(content: bytes | str, limits: Limits) -> etree._Element:
    """The root of XHTML or HTML; what is not well-formed XML is read by the rules of browsers.

    Raises UnreadableDocument where it defines entities or is nested too deeply, and DocumentTooLarge.
    """
    text = _text(content, limits)
    root = _strict(text) if _HTML.search(text[:OPENING]) else None
    if root is None or not any(local(child) == "body" for child in root):
        root = html5.parse(text, is_xhtml="xmlns" in text[:OPENING])
    return _checked(root, limits)


def decode(content: bytes) -> str:
    """Markup as text: by its byte order mark, as UTF-8 wherever it is that, else as it declares, else as whatever it looks like.

    A declaration is believed late, because many are wrong. A few damaged bytes in UTF-8 are taken for those of Windows' Latin alphabet.
    Raises UnreadableDocument for bytes that are no text.
    """
    for mark, name in encoding.BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, errors="replace")
    for beginning, name in _UNMARKED:
        if content.startswith(beginning):
            return content.decode(name, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")
    whole = sum(character > "\x7f" for character in text)
    if len(_UNDECODED.findall(text)) <= encoding.DAMAGED_SHARE * whole:
        return _UNDECODED.sub(lambda match: bytes([ord(match[0]) - 0xDC00]).decode("cp1252", errors="replace"), text)
    if declared := _DECLARED.search(content[:OPENING]):
        name = declared[1].decode("ascii").lower()
        if name not in ("utf-8", "utf8"):
            try:
                codec = _MEANT.get(name, name)
                return content.decode(codec, errors="replace" if codec == "cp1252" else "strict")
            except (LookupError, UnicodeDecodeError):
                pass  # wrong, or of an encoding that nobody knows
    return encoding.decode(content)


def _text(content: bytes | str, limits: Limits) -> str:
    if len(content) > limits.entry_bytes:
        raise DocumentTooLarge(f"a part of the file has {len(content):,} bytes of markup; the limit is {limits.entry_bytes:,}")
    text = decode(content) if isinstance(content, bytes) else content
    if (elements := text.count("<")) > limits.elements:
        raise DocumentTooLarge(f"a part of the file has some {elements:,} elements; the limit is {limits.elements:,}")
    first = _FIRST_ELEMENT.search(text)
    if _DEFINITION.search(text, 0, first.start() if first else len(text)):
        raise _definition()
    text = fit(_DECLARATION.sub("", text.lstrip("\ufeff"), count=1))
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    """HTML's names of characters, which XML does not know: &nbsp; is in half of all books."""
    return match[0] if match[1] in _XML_ENTITIES else html.entities.html5.get(f"{match[1]};", match[0])


def _parser(*, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, recover=recover
    )


def _strict(text: str) -> etree._Element | None:
    try:
        return etree.fromstring(text.encode(), _parser())
    except etree.XMLSyntaxError:
        return None


def _checked(root: etree._Element, limits: Limits) -> etree._Element:
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(True for _ in subset.iterentities()):
        raise _definition()
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limits.depth:
            raise UnreadableDocument(f"a part of the file has elements within elements, more than {limits.depth} deep")
    return root


def _definition() -> UnreadableDocument:
    return UnreadableDocument("the document defines entities of its own, with which a file could read others; it is not read")
