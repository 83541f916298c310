"""What elements of books and web pages mean to a listener: by tag, by epub:type and ARIA role, and by the classes that publishers use.

Sources: EPUB 3 Structural Semantics Vocabulary, DPUB-ARIA 1.1, HTML; the classes of Project Gutenberg, Standard Ebooks, Calibre, InDesign,
pandoc, DocBook and Wikipedia.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from lxml import etree

from loa.reading import names

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
    "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "title", "tr", "ul",
})  # fmt: skip
SECTIONS = frozenset({"html", "body", "section", "article", "div", "nav", "main", "aside", "ol", "ul", "dl"})
ITEMS = frozenset({"li", "dt", "dd"})
HEADINGS = {f"h{level}": level for level in range(1, 7)}
UNHEARD = frozenset({
    "area", "audio", "base", "button", "canvas", "case", "del", "datalist", "embed", "head", "iframe", "input", "link", "map", "meta",
    "noscript", "object", "progress", "rp", "rt", "rtc", "script", "select", "style", "svg", "template", "textarea", "video",
})  # fmt: skip  # "case" is of epub:switch, whose "default" is read; "rt" of a ruby is looked at with the whole
BOILERPLATE = frozenset({"nav", "aside", "footer", "form", "menu", "dialog"})  # of a web page
BOILERPLATE_ROLES = frozenset({
    "navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "alert", "menu", "menubar", "toolbar",
})  # fmt: skip

VERSE = frozenset({"verse", "poem", "song", "hymn", "lyrics", "stanza"})
PAGE_NUMBERS = frozenset({"pagebreak", "pagenumber", "page-number"})
NOTE_MARKS = frozenset({"noteref", "biblioref"})
NOTES = frozenset({"footnote", "endnote", "rearnote", "annotation"})  # one note
BACKLINKS = frozenset({"backlink", "referrer"})
LISTS_OF_PLACES = frozenset({"landmarks", "page-list"})

PAGE_NUMBER = 24  # characters at most: "[Pg 123]"; a page that is wrongly marked as its own number is longer
_MARK = re.compile(r"[\[({]?\s*(?:\d{1,4}|[*†‡§¶#]{1,4}|[ivxlc]{1,7}|[a-z])\s*[])}]?[.:]?", re.IGNORECASE)
_SYMBOL = re.compile(r"[\[({]\s*\w{1,7}\s*[])}][.:]?|[\[({]?[*†‡§¶#]{1,4}[])}]?")  # nothing but a mark, wherever it stands
_NOTE_WORD = re.compile(r"\W*(?:(?:foot|end)?notes?|fn|chú thích|ghi chú|cước chú)?\s*\W*\d{0,4}\W*", re.IGNORECASE)
_ARROW = re.compile(r"[↩↵↑⇑⬆⏎^⤴◄«←\ufe0e\ufe0f\s]+")

_VERSE_CLASS = re.compile(
    r"(?:.*[-_])?(?:verses?|poems?|poetry|stanzas?|linegroup|lg|strophe|lyrics?|tho|baitho|khotho)\d*(?:[-_](?!num|no\b|ref).*)?",
    re.IGNORECASE,
)
_LINE_CLASS = re.compile(r"(?:verse|poem|poetry)?-?_?line\d*|l|i\d{1,2}|c\d{1,2}|indent\d*", re.IGNORECASE)  # spans of a poem, each a line
_NUMBER_CLASS = re.compile(
    r"(?:x-ebookmaker-)?page-?_?(?:num(?:ber)?s?|no|break)|pgnum|l(?:ine)?-?num(?:ber)?s?|linenos?|mw-editsection|reference-accessdate",
    re.IGNORECASE,
)
_MARK_CLASS = re.compile(
    r"note-?_?(?:ref|link|anchor|call|mark)|fn-?_?(?:ref|anchor)|(?:foot|end)note-?reference|_idfootnotelink|fnanchor", re.IGNORECASE
)
_NOTE_CLASS = re.compile(r"_?(?:id)?(?:foot|end|rear)-?note(?:text|body|content)?s?(?:-?item)?", re.IGNORECASE)
_HEADING_CLASS = re.compile(
    r"(?:chap(?:ter)?|part|book)[-_]?(?:title|head(?:ing)?|num(?:ber)?|name|no)|chap(?:ter)?h\d?|heading[-_ ]?\d?|h[1-6]", re.IGNORECASE
)
_CODE_CLASS = re.compile(
    r"code|programlisting|screen|literallayout|source-?code|highlight|console|terminal|language-.*|brush:?.*", re.IGNORECASE
)
_BOILERPLATE_CLASS = re.compile(
    r"(?:.*[-_])?(?:cookies?|consent|gdpr|pop-?up|modal|newsletter|subscri(?:be|ption)|share|sharing|social|breadcrumbs?|sidebar|adverts?|ads?"
    r"|promo|related|comments?|menu|navbar|nav|navigation|navbox|skip-?link|skip-to-content|masthead|toolbar|paywall|toc|site-?header|site-?footer"
    r"|page-?footer|banner|pagination|pager)(?:[-_](?:bar|box|banner|notice|links?|list|items?|wrapper|container|widget|buttons?|area|section))*",
    re.IGNORECASE,
)
_CLASSES = {
    "verse": _VERSE_CLASS,
    "line": _LINE_CLASS,
    "page number": _NUMBER_CLASS,
    "mark": _MARK_CLASS,
    "note": _NOTE_CLASS,
    "heading": _HEADING_CLASS,
    "code": _CODE_CLASS,
}
_NOTHING: frozenset[str] = frozenset()
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def types(element: etree._Element) -> frozenset[str]:
    """What an element says it is: the words of epub:type and role, without prefixes ("z3998:", "doc-")."""
    said, role = element.get(names.TYPE), element.get("role")
    return _NOTHING if said is None and role is None else _words(f"{said or ''} {role or ''}".lower())


def classes(element: etree._Element) -> frozenset[str]:
    """What its classes make of an element: "verse", "line", "page number", "mark", "note", "heading", "code"."""
    said = element.get("class")
    return _NOTHING if said is None else _meaning(said)


@lru_cache(maxsize=1_024)
def _words(said: str) -> frozenset[str]:
    return frozenset(word.rpartition(":")[2].removeprefix("doc-") for word in said.split())


@lru_cache(maxsize=4_096)
def _meaning(said: str) -> frozenset[str]:
    return frozenset(what for what, pattern in _CLASSES.items() if any(map(pattern.fullmatch, said.split())))


def is_hidden(element: etree._Element) -> bool:
    """Whether the element itself says that nobody is to see it."""
    hidden, aria_hidden = element.get("hidden"), element.get("aria-hidden")
    if hidden is not None and hidden.lower() not in ("false", "until-found"):
        return True
    if aria_hidden is not None and aria_hidden.lower() == "true":
        return True
    style = element.get("style")
    return style is not None and _HIDING_STYLE.search(style) is not None


def is_boilerplate(element: etree._Element) -> bool:
    """Whether this part of a web page belongs to the site rather than to the text."""
    name = names.local(element)
    if name == "header":  # of the site; that of an article holds its title
        inside = any(names.local(above) in ("article", "main", "section") for above in element.iterancestors())
        return not inside and not _has_title(element)
    if is_note(element, types(element)):
        return False
    if name in BOILERPLATE or element.get("role", "").lower() in BOILERPLATE_ROLES:
        return True
    words = (*element.get("class", "").split(), element.get("id", ""))
    return any(_BOILERPLATE_CLASS.fullmatch(word) for word in words) and not _has_title(element)


def is_verse(element: etree._Element, said: frozenset[str]) -> bool:
    return bool(said & VERSE) or "verse" in classes(element)


def is_line(element: etree._Element) -> bool:
    """Whether an inline element inside a poem calls itself a line of it."""
    return "line" in classes(element)


def is_page_number(element: etree._Element, said: frozenset[str]) -> bool:
    return bool(said & PAGE_NUMBERS or "page number" in classes(element)) and short_text(element, PAGE_NUMBER) is not None


def is_note(element: etree._Element, said: frozenset[str]) -> bool:
    """Whether the element is a note to the text, or several."""
    return bool(said & NOTES) or ("note" in classes(element) and names.local(element) in BLOCKS)


def is_heading(element: etree._Element) -> bool:
    """Whether a paragraph looks like a heading in print."""
    return "heading" in classes(element) or element.get("role") == "heading"


def is_code(element: etree._Element) -> bool:
    """Whether preformatted text says that it is a program."""
    return "code" in classes(element) or next(element.iter("{*}code", "{*}samp", "{*}kbd"), None) is not None


def is_note_mark(link: etree._Element, said: frozenset[str], *, raised: bool, before: str) -> bool:
    """Whether a link is the mark of a note, or leads back from one.

    `raised`: it is superscript; `before`: the character in front of it, "" for the beginning of a paragraph.
    """
    text = short_text(link, PAGE_NUMBER)
    if text is None:
        return False
    inside = "#" in link.get("href", "") and "://" not in link.get("href", "")
    if said & BACKLINKS or (inside and text and _ARROW.fullmatch(text)):
        return True
    if said & NOTE_MARKS or "mark" in classes(link):
        return bool(_MARK.fullmatch(text) or _NOTE_WORD.fullmatch(text))
    if not inside or not _MARK.fullmatch(text):
        return False
    return raised or bool(_SYMBOL.fullmatch(text)) or (text[0].isdigit() and (not before or before not in " ([-–—/"))


def is_arrow(text: str) -> bool:
    """Whether text is nothing but an arrow, as on links that lead back from a note."""
    return _ARROW.fullmatch(text) is not None


def is_mark(text: str) -> bool:
    """Whether text is what notes are marked with: "12", "[3]", "*", "iv", "a"."""
    return _MARK.fullmatch(text) is not None


def short_text(element: etree._Element, most: int) -> str | None:
    """The text of an element, without blanks around it; None where it is longer than `most` characters."""
    if next(itertools.islice(element.iter(), most, None), None) is not None:
        return None
    pieces, length = [], 0
    for piece in element.itertext():
        pieces.append(piece)
        length += len(piece.strip())
        if length > most:
            return None
    return " ".join("".join(pieces).split())


def _has_title(element: etree._Element) -> bool:
    """Whether the title of a page, or the whole of its text, is inside."""
    return next(element.iter("h1", "{*}h1", "article", "{*}article", "main", "{*}main"), None) is not None
