"""Web pages and other HTML as documents: the text without the site around it, cut at its headings."""

from __future__ import annotations

from lxml import etree

from loa.reading import xml
from loa.reading.bookparts import parts_of
from loa.reading.cutting import Book
from loa.reading.document import Block, Document
from loa.reading.limits import Limits
from loa.reading.package import language_tag
from loa.reading.page import Page, headings_of, omissions, without_lists
from loa.reading.walk import page_of

LEAST = 0.2  # of a page's characters that its text has; where less is left, too much was taken for the site


def read(content: bytes, limits: Limits) -> Document:
    """An .html file. Raises UnreadableDocument, DocumentTooLarge and TextTooLong."""
    root = xml.markup(content, limits)
    page = _text(root, limits)
    page = without_lists(page, headings_of([page]))
    language = language_tag(page.language or "")
    highest = [passage.block.text for passage in page.passages if passage.block.kind == "heading" and passage.block.level == 1]
    title = highest[0] if len(highest) == 1 else page.title
    return Document(
        title=title,
        author=_author(root),
        language=language,
        chapters=parts_of(Book(title=title, language=language, pages={"": page})),
        omissions=omissions(page.omitted),
    )


def blocks(markup: bytes | str, limits: Limits) -> list[Block]:
    """All blocks of a piece of HTML, notes included, nothing taken for a site around it."""
    return [passage.block for passage in page_of(xml.markup(markup, limits), limits).passages]


def _text(root: etree._Element, limits: Limits) -> Page:
    """The main part of the page where it marks one, else all without what looks like a site; unless hardly anything would be left."""
    whole = page_of(root, limits)
    for start in (_main(root), root):
        if start is not None:
            page = page_of(start, limits, web=True)
            if page.characters > LEAST * whole.characters:
                return page
    return whole


def _main(root: etree._Element) -> etree._Element | None:
    for names in (("{*}main", "main"), ("{*}article", "article")):
        found = list(root.iter(*names))
        if len(found) == 1:
            return found[0]
    return None


def _author(root: etree._Element) -> str | None:
    named = (meta.get("content", "") for meta in root.iter("{*}meta", "meta") if meta.get("name", "").lower() == "author")
    return next((" ".join(name.split()) for name in named if name.strip()), None)
