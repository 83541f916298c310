"""A document as a listener meets it: chapters of blocks, without any mark of the format that it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "paragraph", "verse", "item", "row"]
Matter = Literal["front", "body", "back"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """What is read between two pauses of structure."""

    kind: BlockKind  # item: of a list; row: of a table, as a sentence
    text: str  # one or more sentences, no markup; lines of a verse are parted by "\n"
    level: int = 0  # of a heading: 1 (highest) to 6
    language: str | None = None  # BCP 47, where the document itself says so


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A part of the document that its own table of contents names, or that its headings make."""

    title: str
    matter: Matter = "body"  # front and back matter (cover, copyright, contents; notes, index) is read only when it is asked for
    role: str = "chapter"  # what it is in one word: "cover", "copyright", "contents", "dedication", "notes", "index", "bibliography" …
    blocks: tuple[Block, ...] = ()

    @property
    def characters(self) -> int:
        return sum(len(block.text) for block in self.blocks)


@dataclass(frozen=True, kw_only=True)
class Cover:
    """The picture on the front."""

    media_type: str  # "image/jpeg" or "image/png"
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Document:
    """Everything that is taken from a document."""

    title: str | None = None
    author: str | None = None
    language: str | None = None  # BCP 47, as the document says
    cover: Cover | None = None
    chapters: tuple[Chapter, ...] = ()  # in reading order; a document without any structure has one
    omissions: tuple[str, ...] = ()  # what was left out and why, in words: "12 footnote marks", "3 code blocks"
