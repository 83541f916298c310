"""Markdown as chapters: CommonMark with tables, strikethrough and footnotes, made HTML and read as that.

A document may come from anybody, so reading one takes time and memory in proportion to its length, whatever is in it. Where the parser
itself would not, a passage is taken as plain text: paragraphs and rows of tables that are longer than anybody writes.
"""

from __future__ import annotations

import dataclasses
import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, paragraph, table
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from loa.errors import DocumentTooLarge
from loa.reading import html
from loa.reading.document import Document
from loa.reading.encoding import decode
from loa.reading.limits import Limits

LONGEST_PARAGRAPH = 10_000  # characters: with marks; the parser takes seconds for 100,000 brackets
LONGEST_ROW = 2_000  # characters of a table's first row

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n((?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_FIELD = re.compile(r"""^(title|author|lang|language)[ \t]*:[ \t]*["']?(\S.*?)["']?[ \t]*$""", re.IGNORECASE | re.MULTILINE)
_PAGE = '<!DOCTYPE html><html><head><meta charset="utf-8"><title></title></head><body>{body}</body></html>'


def read(content: bytes, limits: Limits) -> Document:
    """A .md file. Raises UnreadableDocument for bytes that are no text, TextTooLong, DocumentTooLarge for one of far too many parts."""
    source = decode(content).replace("\r\n", "\n")
    limits.check_characters(len(source))
    front = _FRONT_MATTER.match(source)
    fields = {name.lower(): value for name, value in _FIELD.findall(front[1])} if front else {}
    page = _PAGE.format(body=parser(limits).render(source[front.end() :] if front else source))
    document = html.read(page.encode(), limits)
    return dataclasses.replace(
        document,
        title=fields.get("title") or document.title,
        author=fields.get("author") or document.author,
        language=fields.get("lang") or fields.get("language") or document.language,
    )


def parser(limits: Limits) -> MarkdownIt:
    """markdown-it with bounds."""

    def check(state: StateBlock) -> None:
        if len(state.tokens) > limits.blocks:
            raise DocumentTooLarge(f"the document has more than {limits.blocks:,} parts")

    def bounded_paragraph(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        check(state)
        return paragraph(state, line, end, silent)

    def bounded_table(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        check(state)
        return state.eMarks[line] - state.bMarks[line] <= LONGEST_ROW and table(state, line, end, silent)

    def bounded_inline(state: StateCore) -> None:
        if sum(token.type == "heading_open" for token in state.tokens) > limits.outline:
            raise DocumentTooLarge(f"the document has more than {limits.outline:,} headings")
        for token in state.tokens:
            if token.type == "inline":
                token.children = []
                if len(token.content) > LONGEST_PARAGRAPH:
                    token.children.append(Token("text", "", 0, content=token.content))
                else:
                    state.md.inline.parse(token.content, state.md, state.env, token.children)

    made = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(footnote_plugin)
    made.block.ruler.at("paragraph", bounded_paragraph)
    made.block.ruler.at("table", bounded_table, {"alt": ["paragraph", "reference"]})
    made.core.ruler.at("inline", bounded_inline)
    return made
