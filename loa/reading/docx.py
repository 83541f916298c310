"""DOCX: headings as chapters, lists, tables as sentences; without footnotes, comments, deleted revisions, contents and page numbers.

The parts are read directly, each unpacked by `Archive` and parsed by `xml.parse`, which bound size, depth and entities. python-docx would
take the archive as a whole, and knows neither footnotes nor fields, revisions, text boxes or numbers of headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from loa.errors import EmptyText, UnreadableDocument
from loa.reading import breaks, xml
from loa.reading.archive import Archive
from loa.reading.document import Block, Document
from loa.reading.docx_styles import Numbering, Styles, namespace
from loa.reading.docx_text import Body, Passage
from loa.reading.limits import Limits
from loa.reading.outline import chapters_of, with_roles, without_contents
from loa.reading.titles import PLAIN, title_of

LONGEST_HEADING = 150  # characters of one that is only set like a heading

_RELATIONS = "_rels/.rels"
_DOCUMENT = "word/document.xml"
_VIETNAMESE = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)  # letters of no other language
_VIETNAMESE_SHARE = 0.05  # of Vietnamese text are such letters, at least; it has some 0.2
_TELLING = 40  # letters, from which their share tells something
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_PAUSE_END = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")


def read(content: bytes, limits: Limits) -> Document:
    """A .docx. Raises EncryptedDocument, DocumentTooLarge, EmptyText, UnreadableDocument."""
    archive = Archive(content, limits)
    root = xml.parse(archive.read(_document_path(archive, limits)), limits)
    w = namespace(root)
    if (content_of := root.find(f"{w}body")) is None:
        raise UnreadableDocument("the .docx has no text in it: its main part is not a document of Word")
    styles = Styles.of(_part(archive, "word/styles.xml", limits))
    body = Body(styles, Numbering(_part(archive, "word/numbering.xml", limits)), w)
    passages = list(body.passages(content_of))
    if not passages:
        raise EmptyText("the .docx has no text")
    title, author, said_language = _core(archive, limits)
    language = _believed(said_language or styles.language, " ".join(passage.text for passage in passages))
    blocks = without_contents(list(_blocks(passages, language)))
    own_title, chapters = chapters_of(blocks)
    titled = next((" ".join(passage.text.split()) for passage in passages if passage.style.role == "title"), None)
    return Document(
        title=title or titled or own_title,
        author=author,
        language=language,
        chapters=with_roles(chapters),
        omissions=tuple(f"{count} {_plural(name, count)}" for name, count in body.omitted.items()),
    )


def _document_path(archive: Archive, limits: Limits) -> str:
    """The main part: the package says which it is."""
    if (relations := archive.find(_RELATIONS)) is not None:
        for relation in xml.parse(archive.read(relations), limits):
            if relation.get("Type", "").endswith("/officeDocument") and (found := archive.find(relation.get("Target", "").lstrip("/"))):
                return found
    return archive.find(_DOCUMENT) or _DOCUMENT


def _part(archive: Archive, path: str, limits: Limits) -> etree._Element | None:
    name = archive.find(path)
    return None if name is None else xml.parse(archive.read(name), limits)


def _core(archive: Archive, limits: Limits) -> tuple[str | None, str | None, str | None]:
    """Title, author and language, as the properties of the file say."""
    root = _part(archive, "docProps/core.xml", limits)
    found = {} if root is None else {xml.local(child): " ".join((child.text or "").split()) or None for child in root}
    return found.get("title"), found.get("creator"), found.get("language")


def _blocks(passages: Sequence[Passage], language: str | None) -> Iterator[Block]:
    """Blocks of a document; where it has no headings, what is set like them is taken for them."""
    headed = any(passage.level for passage in passages)
    stanza: list[str] = []
    for passage in passages:
        if stanza and passage.style.role != "verse":
            yield Block(kind="verse", text="\n".join(stanza))
            stanza = []
        lines = [" ".join(line.split()) for line in passage.text.split("\n")]
        level = passage.level or (0 if headed else _apparent_level(passage))
        spoken = _language(passage, language)
        if passage.style.role == "verse":
            stanza += filter(None, lines)
        elif level:
            text = breaks.of_heading(lines)
            yield Block(kind="heading", level=level, text=f"{passage.number} {text}" if passage.number else text, language=spoken)
        elif passage.row:
            yield Block(kind="row", text=lines[0], language=spoken)
        else:
            kind = "item" if passage.number is not None else "paragraph"
            if passage.number:
                lines[0] = f"{passage.number} {lines[0]}"
            for part, texts in breaks.of_text(lines, kind):
                yield Block(kind=part, text="\n".join(texts), language=spoken)
    if stanza:
        yield Block(kind="verse", text="\n".join(stanza))


def _apparent_level(passage: Passage) -> int:
    """The level of a paragraph that is no heading by its style, but looks like one; 0: it does not."""
    text = " ".join(passage.text.split())
    if passage.row or passage.style.role or len(text) > LONGEST_HEADING:
        return 0
    title = title_of(text)
    if title is not None and title.level < PLAIN:
        return title.level
    return PLAIN if passage.bold and passage.centred and not _PAUSE_END.search(text) else 0


def _language(passage: Passage, language: str | None) -> str | None:
    """The language of a passage where its runs say one that is not the document's, and the letters do not say otherwise."""
    said = {name: count for name, count in passage.languages.items() if name is not None}
    if not said:
        return None
    most = max(said, key=lambda name: said[name])
    return None if most == language else _believed(most, passage.text)


def _believed(language: str | None, text: str) -> str | None:
    """A language that the letters of the text allow: programs write their own language on what is typed in another."""
    if language is None or not _LANGUAGE.fullmatch(language):
        return None
    letters = sum(character.isalpha() for character in text)
    vietnamese = len(_VIETNAMESE.findall(text)) >= _VIETNAMESE_SHARE * max(letters, 1)
    if vietnamese != (language.partition("-")[0].lower() == "vi") and (vietnamese or letters >= _TELLING):
        return None
    return language


def _plural(name: str, count: int) -> str:
    first, of, rest = name.partition(" of ")
    plural = {"formula": "formulas"}.get(first, f"{first}s")
    return name if count == 1 else f"{plural}{of}{rest}"
