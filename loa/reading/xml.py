"""Markup as trees of lxml: XML strictly, XHTML as books really hold it, HTML by the rules of browsers. No tree loads or expands anything.

A document type is never loaded, there is no network, and a document that defines entities is refused: with them a file can read other files
(XXE) or grow a thousandfold (the "billion laughs").
"""

from __future__ import annotations

import codecs
import html.entities
import re

from lxml import etree

from loa.errors import DocumentTooLarge, UnreadableDocument
from loa.reading.limits import Limits

OPS = "http://www.idpf.org/2007/ops"  # the namespace of epub:type
TYPE = f"{{{OPS}}}type"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))  # how markup begins in UTF-16
_OPENING = 2_048  # bytes within which markup declares its encoding (HTML: 1,024)
_DECLARED = re.compile(rb"""(?:<\?xml[^>]*?\bencoding|<meta[^>]*?\bcharset)\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE)
_MEANT = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
_DAMAGED = 0.1  # UTF-8 in which less than this share of the bytes beyond ASCII is broken is damaged UTF-8, not another encoding

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # no XML document may hold them
_DEFINITION = re.compile(r"<!DOCTYPE\b[^>]*\[.*?<!ENTITY\b", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_EMPTY_ELEMENT = re.compile(r"<([A-Za-z][\w:.-]*)(\s[^<>]*)?/>")
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"})
_UNCLOSED = _VOID | {"p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "tfoot", "html", "head", "body"}  # nest no deeper
_STEPS = 300_000_000  # elements × depth: what a browser's rules look at, at worst; some 5 ns each
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_ATTRIBUTES = {
    **{name: name for name in (
        "align", "alt", "alttext", "aria-hidden", "aria-label", "aria-level", "class", "colspan", "content", "hidden", "href", "id", "lang",
        "name", "property", "role", "rowspan", "src", "start", "style", "title", "type",
    )},
    "epub:type": TYPE, "xml:lang": LANGUAGE, "xlink:href": "href",
}  # fmt: skip


def parse(content: bytes, limits: Limits) -> etree._Element:
    """The root of an XML document; one that is not well-formed is read as far as it makes sense.

    Raises UnreadableDocument where it makes none, defines entities or is nested too deeply, and DocumentTooLarge.
    """
    text = _text(content, limits)
    root = _strict(text)
    if root is None:
        try:
            root = etree.fromstring(text.encode(), _parser(recover=True))
        except etree.XMLSyntaxError as error:
            raise UnreadableDocument(f"a part of the file is damaged: {error.msg}") from error
    if root is None:
        raise UnreadableDocument("a part of the file is damaged: it is no XML")
    return _checked(root, limits)


def markup(content: bytes | str, limits: Limits) -> etree._Element:
    """The root of XHTML or HTML, well-formed or not: what is not well-formed XML is read by the rules of browsers.

    Raises UnreadableDocument where it defines entities or is nested too deeply, and DocumentTooLarge.
    """
    text = _text(content, limits)
    root = _strict(text) if "<html" in text[:_OPENING] else None
    if root is None or not _is_html(root):
        root = _forgiving(text)
    return _checked(root, limits)


def local(element: etree._Element) -> str:
    """The name of an element in small letters, without its namespace; "" for what is not an element."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def decode(content: bytes) -> str:
    """Markup as text: by its byte order mark, as UTF-8 wherever it is that, else as it declares, else as whatever it looks like.

    A declaration is believed last, because many are wrong; a few damaged bytes are taken for those of Windows' Latin alphabet.
    """
    for mark, encoding in (*_BYTE_ORDER_MARKS, *_UNMARKED):
        if content.startswith(mark):
            kept = content if (mark, encoding) in _UNMARKED else content[len(mark) :]
            return kept.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")
    broken = sum("\udc80" <= character <= "\udcff" for character in text)
    if broken < _DAMAGED * sum(character > "\x7f" for character in text):
        return re.sub("[\udc80-\udcff]", lambda match: bytes([ord(match.group()) - 0xDC00]).decode("cp1252", errors="replace"), text)
    return content.decode(_encoding(content), errors="replace")


def _encoding(content: bytes) -> str:
    if declared := _DECLARED.search(content[:_OPENING]):
        name = declared[1].decode("ascii").lower()
        try:
            codec = codecs.lookup(_MEANT.get(name, name)).name
        except LookupError:
            codec = "utf-8"
        if codec != "utf-8" and codecs.lookup(codec)._is_text_encoding:  # it is not UTF-8: that was tried
            return codec
    import charset_normalizer

    best = charset_normalizer.from_bytes(re.sub(rb"<[^>]*>", b" ", content)[:200_000], cp_isolation=["cp1252", "cp1258", "cp1250", "cp1251"]).best()
    return best.encoding if best is not None else "cp1252"


def _text(content: bytes | str, limits: Limits) -> str:
    if len(content) > limits.entry_bytes:
        raise DocumentTooLarge(f"a part of the file has {len(content):,} bytes of markup; the limit is {limits.entry_bytes:,}")
    text = decode(content) if isinstance(content, bytes) else content
    if (elements := text.count("<")) > limits.elements:
        raise DocumentTooLarge(f"a part of the file has some {elements:,} elements; the limit is {limits.elements:,}")
    if _DEFINITION.search(text):
        raise UnreadableDocument("the document defines entities of its own, which is not safe to read")
    text = _CONTROLS.sub("", _DECLARATION.sub("", text.lstrip("\ufeff"), count=1))
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    """HTML's names of characters, which XML does not know: &nbsp; is in half of all books."""
    name = match[1]
    return match[0] if name in _XML_ENTITIES else html.entities.html5.get(f"{name};", match[0])


def _parser(**options: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, **options
    )


def _strict(text: str) -> etree._Element | None:
    try:
        return etree.fromstring(text.encode(), _parser())
    except etree.XMLSyntaxError:
        return None


def _is_html(root: etree._Element) -> bool:
    return local(root) == "html" and any(local(child) == "body" for child in root)


def _checked(root: etree._Element, limits: Limits) -> etree._Element:
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(True for _ in subset.iterentities()):
        raise UnreadableDocument("the document defines entities of its own, which is not safe to read")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limits.depth:
            raise UnreadableDocument(f"a part of the file has elements within elements, more than {limits.depth} deep")
    return root


def _forgiving(text: str) -> etree._Element:
    """What a browser makes of it (WHATWG HTML, by Lexbor), as a tree of lxml."""
    from selectolax.lexbor import LexborHTMLParser

    if "xmlns" in text[:_OPENING]:  # meant as XHTML: to a browser <a id="x"/> would be open, and <title/> would swallow the book
        text = _EMPTY_ELEMENT.sub(_closed, text)
    _check_steps(text)
    grown = etree.Element("html")
    node = LexborHTMLParser(text).root
    place = grown
    while node is not None:
        entered = None
        if node.is_text_node:
            _append(place, node.text_content)
        elif node.is_element_node and node.tag not in ("script", "style"):
            entered = grown if node.tag == "html" else etree.SubElement(place, node.tag if _NAME.fullmatch(node.tag or "") else "span")
            for name, value in (node.attributes or {}).items():
                if name in _ATTRIBUTES:
                    entered.set(_ATTRIBUTES[name], _CONTROLS.sub("", value or ""))
        if entered is not None and node.child is not None:
            node, place = node.child, entered
            continue
        while node is not None and node.next is None:
            node = node.parent
            place = place.getparent() if place is not None else None
        node = node.next if node is not None else None
    return grown


def _append(place: etree._Element, text: str | None) -> None:
    text = _CONTROLS.sub("", text or "")
    if len(place):
        place[-1].tail = (place[-1].tail or "") + text
    else:
        place.text = (place.text or "") + text


def _closed(match: re.Match[str]) -> str:
    name, attributes = match[1], match[2] or ""
    return match[0] if name.lower() in _VOID else f"<{name}{attributes}></{name}>"


def _check_steps(text: str) -> None:
    """Refuses what would take a browser long: for each tag it may look through all that are open."""
    tags = depth = deepest = 0
    for match in _TAG.finditer(text):
        tags += 1
        if match[2].lower() not in _UNCLOSED:
            depth = max(0, depth + (-1 if match[1] else 1))
            deepest = max(deepest, depth)
    if tags * deepest > _STEPS:
        raise UnreadableDocument(f"a part of the file has elements within elements, some {deepest:,} deep")
