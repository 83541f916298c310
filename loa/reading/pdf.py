"""PDF: chapters by the outline, else by headings; prose out of lines; without running heads, page numbers and footnotes."""

from __future__ import annotations

import codecs
import ctypes
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import pypdfium2
import pypdfium2.raw as pdfium

from loa.errors import DocumentTooLarge, EmptyText, EncryptedDocument, ImageOnlyDocument, UnreadableDocument
from loa.reading.document import Block, Chapter, Document
from loa.reading.limits import Limits
from loa.reading.lines import Line, Page
from loa.reading.outline import chapters_of, with_roles, without_contents
from loa.reading.pages import in_reading_order, without_footnotes, without_running_heads
from loa.reading.pdf_outline import Bookmark, Place, entries_of, places_of
from loa.reading.pdf_streams import check
from loa.reading.pdf_text import page_of
from loa.reading.prose import DEEPEST, Kind, blocks_of, heading_ranks
from loa.reading.sections import Extent, begin_chapters
from loa.reading.titles import CHAPTER, names_contents, title_of
from loa.reading.typography import Typography, usual_size

PICTURES_SHARE = 0.9  # of the pages hold nothing but pictures: the little text on the others is a library's or a scanner's
SCANNED_CHARACTERS = 100  # a page, on average, where that is so
UNKNOWN_SHARE = 0.2  # of the characters, beyond which what is known makes no sense
TITLE_PAGE_LINES = 15
SHORTEST_PROSE = 200  # characters of a paragraph that is rather text than a line of a title page
TITLE_PAGE_PROSE = 3_000  # characters of such: a notice of copyright, an abstract
METADATA_BYTES = 4_000

_LIBRARY = threading.Lock()  # PDFium is not safe with concurrent callers
codecs.lookup("utf-16-le")  # PDFium's strings; loaded now, because the process that reads may open nothing later
_HEADING = Block(kind="heading", text="")  # a title of the outline, whose length is not to be weighed
_LEADERS = re.compile(r"(?:[.·]\s?){4,}\s*(?:\d+|[ivxlc]+)$|…{2,}\s*(?:\d+|[ivxlc]+)$", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"untitled.*|microsoft \w+ - .*|.*\.(?:docx?|indd|qxd|tex|dvi|pdf|rtf|odt|pmd|p65|html?)|document\d*|\W*", re.IGNORECASE
)
_NO_AUTHOR = re.compile(r"admin(?:istrator)?|user|owner|unknown|author|pc|home|hp|dell|asus|lenovo|acer|\W*", re.IGNORECASE)


def read(content: bytes, limits: Limits) -> Document:
    """A .pdf. Raises EncryptedDocument, ImageOnlyDocument, EmptyText, TextTooLong, DocumentTooLarge, UnreadableDocument."""
    check(content, limits)
    with _LIBRARY:
        document = _opened(content)
        try:
            title, author, language = _metadata(document)
            pages = _pages(document, limits)
            entries = entries_of(document, limits)
        finally:
            document.close()
    _check_text(pages)
    lines, omissions = _text_of(pages)
    typography = Typography.of(lines)
    own_title, chapters = _chapters(lines, entries, typography)
    return Document(title=title or own_title, author=author, language=language, chapters=with_roles(chapters), omissions=tuple(omissions))


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise EncryptedDocument("the PDF opens only with a password") from None
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            raise EncryptedDocument("the PDF is protected (DRM) in a way that only its shop's program can open") from None
        raise UnreadableDocument("the PDF is damaged: no page can be found in it") from None


def _metadata(document: pypdfium2.PdfDocument) -> tuple[str | None, str | None, str | None]:
    """Title, author and language, as far as they say anything."""
    title, author = (" ".join(document.get_metadata_value(key)[:METADATA_BYTES].split()) for key in ("Title", "Author"))
    buffer = ctypes.create_string_buffer(METADATA_BYTES)
    length = pdfium.FPDFCatalog_GetLanguage(document.raw, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), METADATA_BYTES)
    language = buffer.raw[: min(length, METADATA_BYTES)].decode("utf-16-le", errors="replace").strip("\0 ")
    return (
        None if _NO_TITLE.fullmatch(title) else title,
        None if _NO_AUTHOR.fullmatch(author) else author,
        language if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", language) else None,
    )


def _pages(document: pypdfium2.PdfDocument, limits: Limits) -> list[Page]:
    if (count := len(document)) > limits.pages:
        raise DocumentTooLarge(f"the PDF has {count:,} pages; the limit is {limits.pages:,}")
    pages: list[Page] = []
    characters = 0
    for number in range(count):
        try:
            page = page_of(document, number)
        except pypdfium2.PdfiumError:
            raise UnreadableDocument(f"page {number + 1} of the PDF is damaged") from None
        characters += sum(len(line.text) for line in page.lines)
        limits.check_characters(characters)
        pages.append(page)
    return pages


def _check_text(pages: Sequence[Page]) -> None:
    characters = sum(len(line.text) for page in pages for line in page.lines)
    unknown = sum(page.unknown for page in pages)
    pictures = sum(page.pictures > 0 for page in pages)
    if pictures >= PICTURES_SHARE * len(pages) and characters <= SCANNED_CHARACTERS * len(pages):
        raise ImageOnlyDocument(f"the pages of the PDF are pictures ({pictures} of {len(pages)}); run OCR first")
    if unknown > UNKNOWN_SHARE * (characters + unknown):
        raise ImageOnlyDocument("the fonts of the PDF do not say which letters they show; run OCR first")
    if not characters:
        raise EmptyText("the PDF has no text")


def _text_of(pages: Sequence[Page]) -> tuple[list[Line], list[str]]:
    """The lines that are read, in their order, and what was left out."""
    pages, heads = without_running_heads(in_reading_order(pages))
    size = usual_size([line for page in pages for line in page.lines])
    lines: list[Line] = []
    notes = contents = programs = 0
    monospaced = sum(line.mono for page in pages for line in page.lines) * 2 > sum(len(page.lines) for page in pages)
    for page in pages:
        page, found = without_footnotes(page, size)
        notes += found
        before: Line | None = None
        for line in page.lines:
            if _LEADERS.search(line.text):
                contents += 1
                if lines and names_contents(lines[-1].text):
                    lines.pop()  # else the heading behind the table would be taken for more of this one
            elif line.mono and not monospaced:
                programs += before is None or not before.mono
            else:
                lines.append(line)
            before = line
    counted = (
        (heads, "running head or page number", "running heads and page numbers"),
        (notes, "footnote", "footnotes"),
        (sum(line.marks for line in lines), "footnote mark", "footnote marks"),
        (contents, "line of a table of contents", "lines of a table of contents"),
        (programs, "code block", "code blocks"),
        (sum(page.pictures > 0 for page in pages), "page without text", "pages without text"),
    )
    return lines, [f"{count} {one if count == 1 else several}" for count, one, several in counted if count]


def _chapters(lines: Sequence[Line], entries: Sequence[Bookmark], typography: Typography) -> tuple[str | None, tuple[Chapter, ...]]:
    """The title as the headings tell it, and the chapters."""
    ranks = heading_ranks(lines, typography)
    places = places_of(entries, lines, typography)
    opening = places[0].start if places else _title_page(lines)
    front = without_contents(list(blocks_of(lines[:opening], typography, ranks)))
    if places:
        blocks, level = _outlined(lines, places, typography, ranks)
    else:
        blocks = list(blocks_of(lines[opening:], typography, ranks))
        level = _numbered_level(blocks)
    own_title, chapters = chapters_of(without_contents(blocks), level)
    title = next((block.text for block in front if block.kind == "heading" and title_of(block.text) is None), None) or own_title
    return title, (*_opening(front), *chapters)


def _opening(blocks: Sequence[Block]) -> Iterator[Chapter]:
    """What stands before the outline: a title page, and a preface or an introduction under its own heading. Long text is none of these."""
    first = next((place for place, block in enumerate(blocks) if _is_named(block)), len(blocks))
    if page := blocks[:first]:
        prose = sum(len(block.text) for block in page if len(block.text) >= SHORTEST_PROSE)
        heading = next((block.text for block in page if block.kind == "heading"), "")
        yield Chapter(title="" if prose <= TITLE_PAGE_PROSE else heading, blocks=tuple(page))
    if named := blocks[first:]:
        yield from chapters_of(named, max(block.level for block in named if _is_named(block)))[1]


def _is_named(block: Block) -> bool:
    title = title_of(block.text) if block.kind == "heading" else None
    return title is not None and title.level == CHAPTER


def _outlined(lines: Sequence[Line], places: Sequence[Place], typography: Typography, ranks: Mapping[Kind, int]) -> tuple[list[Block], int]:
    """The blocks of the document under headings of its outline, above those that only its type shows; and the level of chapters."""
    deepest = min(max(place.depth for place in places), DEEPEST - 1)
    lowered = {kind: min(deepest + rank, DEEPEST) for kind, rank in ranks.items()}
    ends = [*(place.start for place in places[1:]), len(lines)]
    texts = [
        list(blocks_of(lines[place.text : max(end, place.text)], typography, lowered)) for place, end in zip(places, ends, strict=True)
    ]
    extent = Extent.of([block for text in texts for block in (_HEADING, *text)])
    begins = begin_chapters(places, [0, *accumulate(1 + len(text) for text in texts[:-1])], extent)
    level = min(max(place.depth for place, chapter in zip(places, begins, strict=True) if chapter), DEEPEST - 1)
    blocks: list[Block] = []
    for place, chapter, text in zip(places, begins, texts, strict=True):
        own = min(place.depth, level) if chapter else min(max(place.depth, level + 1), DEEPEST)
        blocks += (Block(kind="heading", text=place.title, level=own), *text)
    return blocks, level


def _title_page(lines: Sequence[Line]) -> int:
    """How many lines at the beginning are a title page."""
    first = sum(line.page == lines[0].page for line in lines)
    few = first <= TITLE_PAGE_LINES and first < len(lines) / 4
    return first if few and not any(title_of(line.text) for line in lines[:first]) else 0


def _numbered_level(blocks: Sequence[Block]) -> int | None:
    """The level of headings such as "Chapter 3", where several are; None: there are not."""
    levels = [block.level for block in blocks if block.kind == "heading" and (title := title_of(block.text)) and title.level == CHAPTER]
    return max(levels, key=levels.count) if len(levels) > 1 else None
