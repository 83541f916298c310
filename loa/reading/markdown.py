"""Markdown as the text that a person would read aloud.

A document may come from anybody, so reading one takes time and memory in proportion to its length, whatever is in it. Where the parser
itself would not, a passage is taken as plain text: paragraphs and rows of tables that are longer than anybody writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING

from loa.errors import UnreadableDocument
from loa.text.normalisation import PARAGRAPH

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST_PARAGRAPH = 10_000  # characters: with marks; the parser takes seconds for 100,000 brackets
LONGEST_ROW = 2_000  # characters of a table's first row
LONGEST_TAG = 500  # characters within which the quotes of an HTML tag count
MOST_TOKENS = 300_000  # about 150 MB; a book of 5,000,000 characters in paragraphs of 50 has as many

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_SENTENCE_END = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")
_SILENT = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}  # HTML elements that are not read, and their ends
_TAG_NAME = re.compile(r"<(?:(?P<name>[a-zA-Z][a-zA-Z0-9-]*)|[/!?])")
_TAG = re.compile(r"""<[^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+>""")


def markdown_text(source: str) -> str:
    """What a person would read aloud of a Markdown document (CommonMark with tables).

    Headings, paragraphs, list items and table rows become paragraphs, numbered items keep their number, the cells of a row are parted by
    commas. Of a link its text is kept, of an image its description, of HTML the text. Code blocks, HTML comments and front matter are left
    out; code within a sentence stays. Raises UnreadableDocument for one of far too many parts.
    """
    source = _FRONT_MATTER.sub("", source.replace("\r\n", "\n"), count=1)
    return PARAGRAPH.join(paragraph for paragraph in _paragraphs(_parser().parse(source)) if paragraph.strip())


def _parser() -> MarkdownIt:
    """markdown-it with bounds."""
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock, paragraph, table
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

    def check(state: StateBlock) -> None:
        if len(state.tokens) > MOST_TOKENS:
            raise UnreadableDocument(f"the document has more than {MOST_TOKENS:,} parts; split it, or send it as plain text")

    def bounded_paragraph(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        check(state)
        return paragraph(state, line, end, silent)

    def bounded_table(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        check(state)
        return state.eMarks[line] - state.bMarks[line] <= LONGEST_ROW and table(state, line, end, silent)

    def bounded_inline(state: StateCore) -> None:
        for token in state.tokens:
            if token.type == "inline":
                token.children = []
                if len(token.content) > LONGEST_PARAGRAPH:
                    token.children.append(Token("text", "", 0, content=token.content))
                else:
                    state.md.inline.parse(token.content, state.md, state.env, token.children)

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.block.ruler.at("paragraph", bounded_paragraph)
    parser.block.ruler.at("table", bounded_table, {"alt": ["paragraph", "reference"]})
    parser.core.ruler.at("inline", bounded_inline)
    return parser


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


def _html_text(html: str) -> str:
    """The text of HTML, without scripts, styles and comments. What begins like a tag and never ends is no text."""
    parts: list[str] = []
    place, unended = 0, set[str]()  # silent elements that end no more
    while (start := html.find("<", place)) >= 0:
        parts.append(html[place:start])
        opening = _TAG_NAME.match(html, start)
        if opening is None:
            parts.append("<")
            place = start + 1
            continue
        name = (opening["name"] or "").lower()
        if name in _SILENT and name not in unended:
            ending = _SILENT[name].search(html, start)
            start = ending.start() if ending else start
            unended |= set() if ending else {name}
        if (end := _tag_end(html, start)) < 0:
            return _line(parts)
        parts.append(" ")
        place = end
    return _line([*parts, html[place:]])


def _tag_end(html: str, start: int) -> int:
    """Where the tag or the comment that begins at `start` has ended; -1: nowhere."""
    if html.startswith("<!--", start):
        mark, place = "-->", html.find("-->", start + 4)
    elif (whole := _TAG.match(html, start, start + LONGEST_TAG)) is not None:
        return whole.end()
    else:
        mark, place = ">", html.find(">", start)
    return place if place < 0 else place + len(mark)


def _line(parts: list[str]) -> str:
    return " ".join(unescape("".join(parts)).split())
