"""HTML by the rules of browsers (https://html.spec.whatwg.org/multipage/parsing.html, as Lexbor follows them) as a tree of lxml."""

from __future__ import annotations

import re

from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode

from loa.errors import UnreadableDocument
from loa.reading import names

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"})
_DROPPED = frozenset({"script", "style", "template"})
_EMPTY_ELEMENT = re.compile(r"<([A-Za-z][\w:.-]*)(\s[^<>]*)?/>")
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_ATTRIBUTES = {  # all that anybody looks at; a tree of lxml cannot hold every name that HTML allows
    **{name: name for name in (
        "align", "alt", "alttext", "aria-hidden", "aria-level", "class", "colspan", "content", "hidden", "href", "id", "lang",
        "name", "property", "role", "rowspan", "src", "style", "title", "type",
    )},
    "epub:type": names.TYPE, "xml:lang": names.LANGUAGE, "xlink:href": "href",
}  # fmt: skip

_TAG = re.compile(r"""<(/?)([A-Za-z][^\s/>]*+)((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)""")
_UNCLOSED = _VOID | {"p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "tfoot", "html", "head", "body"}
_STEPS = 300_000_000  # of comparing, about 5 ns each


def parse(text: str, *, is_xhtml: bool) -> etree._Element:
    """The root of the tree that a browser makes. `is_xhtml`: it is meant as XHTML, and <a id="x"/> is an element without content.

    Raises UnreadableDocument for elements nested so deeply that a browser's rules would take long.
    """
    if is_xhtml:  # by the rules of browsers <a id="x"/> stays open, and <title/> swallows the book
        text = _EMPTY_ELEMENT.sub(
            lambda match: match[0] if match[1].lower() in _VOID else f"<{match[1]}{match[2] or ''}></{match[1]}>", text
        )
    _check_steps(text)
    document = LexborHTMLParser(text)
    root = place = etree.Element("html")
    if document.root is None:
        return root
    _take_attributes(document.root, root)
    node = document.root.child
    pieces: list[str] = []  # of text, until an element begins or ends: comments cut it into many
    while node is not None:
        entered = None
        if node.is_text_node:
            pieces.append(node.text_content or "")
        elif node.is_element_node and node.tag not in _DROPPED:
            _put(pieces, place)
            entered = etree.SubElement(place, node.tag if _NAME.fullmatch(node.tag or "") else "span")
            _take_attributes(node, entered)
        if entered is not None and node.child is not None:
            node, place = node.child, entered
            continue
        while node.next is None:
            _put(pieces, place)
            if place is root:
                return root
            node, place = node.parent, place.getparent()
        node = node.next
    return root


def _take_attributes(node: LexborNode, element: etree._Element) -> None:
    for name, value in node.attributes.items():
        if name in _ATTRIBUTES:
            element.set(_ATTRIBUTES[name], names.fit(value or ""))


def _put(pieces: list[str], place: etree._Element) -> None:
    if not pieces:
        return
    text = names.fit("".join(pieces))
    pieces.clear()
    last = next(place.iterchildren(reversed=True), None)  # len() would count them all
    if last is not None:
        last.tail = text
    else:
        place.text = text


def _check_steps(text: str) -> None:
    """For each tag a browser may look through all elements that are open, and for each attribute through all of its element.

    Depth and attributes are guessed, on the high side.
    """
    tags = depth = deepest = attributes = 0
    for match in _TAG.finditer(text):
        tags += 1
        if match[3]:
            attributes += (len(match[3].split()) + match[3].count("=")) ** 2
        if match[2].lower() not in _UNCLOSED:
            depth = max(0, depth + (-1 if match[1] else 1))
            deepest = max(deepest, depth)
    if tags * deepest > _STEPS:
        raise UnreadableDocument(f"a part of the file has elements within elements, some {deepest:,} deep")
    if attributes > _STEPS:
        raise UnreadableDocument("a part of the file has elements with thousands of attributes")
