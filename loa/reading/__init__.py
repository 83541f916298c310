"""Documents of many formats as chapters of plain text.

`read` reads one in this process; what comes from a stranger is read by `loa.reading.apart.read_apart`, in a process that may do nothing
else. The readers and the libraries that they need are loaded when a document of their kind comes.
"""

from __future__ import annotations

import dataclasses
import importlib
import unicodedata
from collections.abc import Iterator
from types import ModuleType

from loa.errors import DocumentTooLarge, EmptyText, PartMissing
from loa.reading.document import Block, Chapter, Cover, Document
from loa.reading.kinds import Kind, kind_of
from loa.reading.limits import Limits
from loa.text import shortened, speakable

__all__ = ["READERS", "Block", "Chapter", "Cover", "Document", "Limits", "load", "read"]

TITLE_LIMIT = 300  # characters of a title and of an author, as in a request: anything may stand there, and all of it goes into every list

READERS: dict[Kind, str] = {  # kind → the module whose `read(content, limits)` reads it
    "txt": "loa.reading.text",
    "md": "loa.reading.markdown",
    "html": "loa.reading.html",
    "epub": "loa.reading.epub",
    "docx": "loa.reading.docx",
    "pdf": "loa.reading.pdf",
}


def read(content: bytes, name: str = "", limits: Limits | None = None, *, kind: Kind | None = None) -> Document:
    """What a listener wants of a document; `kind` where it is known already, else found by the content and the name.

    Every chapter has something to say, and at least one is body. Raises UnsupportedMediaType, UnreadableDocument or one of its kinds
    (EncryptedDocument, ImageOnlyDocument, DocumentTooLarge), TextTooLong, EmptyText, PartMissing.
    """
    limits = limits or Limits()
    reader = load(READERS[kind or kind_of(content, name)])
    document: Document = reader.read(content, limits)
    chapters = tuple(_spoken(document.chapters))
    if not chapters:
        raise EmptyText("the document holds no letter and no digit")
    limits.check_characters(sum(chapter.characters for chapter in chapters))
    if sum(len(chapter.blocks) for chapter in chapters) > limits.blocks:
        raise DocumentTooLarge(f"the document has more than {limits.blocks:,} paragraphs")
    if not any(chapter.matter == "body" for chapter in chapters):  # a preface alone is what there is to read
        chapters = tuple(dataclasses.replace(chapter, matter="body") for chapter in chapters)
    return dataclasses.replace(
        document, title=_label(document.title or "") or None, author=_label(document.author or "") or None, chapters=chapters
    )


def load(module: str) -> ModuleType:
    """A reader, with the libraries that it needs. Raises PartMissing for one that is not there: the document is not to blame."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "loa"):
            raise  # ours, so it is a defect
        needed = f"reading a document of this kind needs {library}, which cannot be loaded: pip install 'loa[documents]'"
        raise PartMissing(needed, part="documents") from error


def _spoken(chapters: tuple[Chapter, ...]) -> Iterator[Chapter]:
    """Chapters without what cannot be spoken, in Unicode's composed form."""
    for chapter in chapters:
        blocks = tuple(_composed(block) for block in chapter.blocks if speakable(block.text))
        if blocks:
            yield dataclasses.replace(chapter, title=_label(chapter.title), blocks=blocks)


def _label(text: str) -> str:
    """A title or an author on one line, in Unicode's composed form, of at most TITLE_LIMIT characters."""
    return shortened(unicodedata.normalize("NFC", " ".join(text.split())), TITLE_LIMIT)


def _composed(block: Block) -> Block:
    if unicodedata.is_normalized("NFC", block.text):
        return block
    return dataclasses.replace(block, text=unicodedata.normalize("NFC", block.text))
