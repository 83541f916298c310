"""Tables of contents of books: EPUB 3's navigation document and EPUB 2's NCX, as places in reading order of the table."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from loa.reading import names, vocabulary
from loa.reading.limits import Limits

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a table of contents."""

    title: str
    path: str  # of the file that it points to, from the root of the archive; "": to nothing
    fragment: str = ""  # the id within that file; "": its beginning
    depth: int = 1
    above: tuple[str, ...] = ()  # titles of the entries that it belongs to, outermost first
    types: frozenset[str] = frozenset()  # of a landmark


def resolve(base: str, href: str) -> tuple[str, str]:
    """The file and the id that a reference means, seen from the file `base`; ("", "") for one that leads out of the book."""
    href = href.strip()
    if href.lower().startswith("file:"):
        href = posixpath.basename(href.split(":", 1)[1])
    elif _SCHEME.match(href) or href.startswith("//"):
        return "", ""
    path, _, fragment = href.partition("#")
    path = unquote(path.partition("?")[0]).replace("\\", "/")
    if not path:
        return base, unquote(fragment)
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(base), path)
    return posixpath.normpath(joined).removeprefix("../").lstrip("/"), unquote(fragment)


def of_navigation(root: etree._Element, base: str, limits: Limits) -> tuple[list[Entry], list[Entry]]:
    """The table of contents of an EPUB 3 navigation document, and its landmarks."""
    navs = [(nav, vocabulary.types(nav)) for nav in root.iter("{*}nav", "nav")]
    toc = next((nav for nav, said in navs if "toc" in said), None)
    if toc is None:
        toc = next((nav for nav, said in navs if not said & vocabulary.LISTS_OF_PLACES), None)
    landmarks = next((nav for nav, said in navs if "landmarks" in said), None)
    return _entries(toc, base, limits), _entries(landmarks, base, limits)


def of_ncx(root: etree._Element, base: str, limits: Limits) -> list[Entry]:
    """The table of contents of an NCX."""
    entries: list[Entry] = []
    above: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = names.local(element)
        if name != "navpoint":
            continue
        if event == "end":
            above.pop()
            continue
        label = next((_text(child) for child in element if names.local(child) == "navlabel"), "")
        content = next((child for child in element if names.local(child) == "content"), None)
        path, fragment = resolve(base, content.get("src") or "") if content is not None and content.get("src") else ("", "")
        entries.append(Entry(title=label, path=path, fragment=fragment, depth=len(above) + 1, above=tuple(filter(None, above))))
        above.append(label)
        if len(entries) >= limits.outline:
            break
    return entries


def _entries(nav: etree._Element | None, base: str, limits: Limits) -> list[Entry]:
    entries: list[Entry] = []
    above: list[str] = []
    if nav is None:
        return entries
    for event, element in etree.iterwalk(nav, events=("start", "end")):
        name = names.local(element)
        if name != "li":
            continue
        if event == "end":
            above.pop()
            continue
        label = next((child for child in element.iter("{*}a", "a", "{*}span", "span") if _owner(child) is element), None)
        title, path, fragment, said = "", "", "", frozenset[str]()
        if label is not None:
            link = label if names.local(label) == "a" else next(label.iter("{*}a", "a"), None)
            title, said = _text(label), vocabulary.types(link if link is not None else label)
            if link is not None and link.get("href"):
                path, fragment = resolve(base, link.get("href") or "")
        entries.append(Entry(title=title, path=path, fragment=fragment, depth=len(above) + 1, above=tuple(filter(None, above)), types=said))
        above.append(title)
        if len(entries) >= limits.outline:
            break
    return entries


def _owner(label: etree._Element) -> etree._Element | None:
    return next(label.iterancestors("{*}li", "li"), None)


def _text(element: etree._Element) -> str:
    text = " ".join("".join(element.itertext()).split())
    if not text:
        text = next((image.get("alt", "") for image in element.iter("{*}img", "img")), "") or element.get("title", "")
    return text
