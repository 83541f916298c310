"""A document as bytes, to travel from one process to another: lines of JSON, the facts first, then a chapter each."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

from loa.reading.document import Block, Chapter, Cover, Document


def pack(document: Document) -> Iterator[bytes]:
    """The lines, each with its end."""
    cover = document.cover and [document.cover.media_type, b64encode(document.cover.content).decode()]
    yield _line([document.title, document.author, document.language, cover, document.omissions])
    for chapter in document.chapters:
        blocks = [[block.kind, block.text, block.level, block.language] for block in chapter.blocks]
        yield _line([chapter.title, chapter.matter, chapter.role, blocks])


def unpack(packed: bytes) -> Document:
    """The document again. Raises ValueError for anything else."""
    try:
        (title, author, language, cover, omissions), *chapters = (json.loads(line) for line in packed.splitlines())
        return Document(
            title=title,
            author=author,
            language=language,
            cover=cover and Cover(media_type=cover[0], content=b64decode(cover[1])),
            chapters=tuple(_chapter(*chapter) for chapter in chapters),
            omissions=tuple(omissions),
        )
    except (TypeError, LookupError) as error:
        raise ValueError(f"this is no packed document: {error}") from error


def _chapter(title: str, matter: Any, role: str, blocks: list[list[Any]]) -> Chapter:
    said = tuple(Block(kind=kind, text=text, level=level, language=language) for kind, text, level, language in blocks)
    return Chapter(title=title, matter=matter, role=role, blocks=said)


def _line(value: Any) -> bytes:
    # Half a character (a lone surrogate), as fonts of a PDF may yield, is none that anybody could say.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace") + b"\n"
