"""The outline of a PDF (its bookmarks), and where in the lines each of its places is."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pypdfium2
import pypdfium2.raw as pdfium

from loa.reading.limits import Limits
from loa.reading.lines import Line
from loa.reading.prose import LARGER, joined
from loa.reading.titles import title_of
from loa.reading.typography import Typography

TITLE_BYTES = 2_000  # of UTF-16 that are read of a title
TITLE_LINES = 6  # that a title may take on its page
ABOVE = 1.5  # font sizes: a place that is given may lie so far below the top of its line

_NOT_A_LETTER = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"^(?:chapter|part|section|chương|phần|mục|bài)?\d+")  # in front of a title, where the outline leaves it out
_A_PAGE = re.compile(r"(?:page|trang|p\.?)?\s*[-–]?\s*(?:\d+|[ivxlc]+)", re.IGNORECASE)  # as scanners name places


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A place that the outline names."""

    title: str
    depth: int  # 1 is the highest
    page: int  # counted from 0
    below: float | None = None  # points from the top of the page; None: the outline gives the page only


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entry begins in a sequence of lines."""

    title: str
    depth: int
    start: int  # of its title's lines, which are not text
    text: int  # the first line after them


def entries_of(document: pypdfium2.PdfDocument, limits: Limits) -> list[Bookmark]:
    """The outline in its order, down to `limits.depth` and not more than `limits.outline` entries; one that names pages only is none."""
    entries = list(_entries(document, limits))
    numbers = sum(_A_PAGE.fullmatch(entry.title) is not None for entry in entries)
    return [] if 2 * numbers > len(entries) else entries


def _entries(document: pypdfium2.PdfDocument, limits: Limits) -> Iterator[Bookmark]:
    seen: set[int] = set()
    waiting = [(pdfium.FPDFBookmark_GetFirstChild(document.raw, None), 1)]
    while waiting:
        bookmark, depth = waiting.pop()
        if not bookmark or (address := ctypes.addressof(bookmark.contents)) in seen or len(seen) >= limits.outline:
            continue  # an outline that leads back to itself ends there
        seen.add(address)
        waiting.append((pdfium.FPDFBookmark_GetNextSibling(document.raw, bookmark), depth))
        if depth < limits.depth:
            waiting.append((pdfium.FPDFBookmark_GetFirstChild(document.raw, bookmark), depth + 1))
        title = _title(bookmark)
        destination = pdfium.FPDFBookmark_GetDest(document.raw, bookmark)
        if title and destination and (page := pdfium.FPDFDest_GetDestPageIndex(document.raw, destination)) >= 0:
            yield Bookmark(title=title, depth=depth, page=page, below=_below(document, page, destination))


def _title(bookmark: pdfium.FPDF_BOOKMARK) -> str:
    length = min(pdfium.FPDFBookmark_GetTitle(bookmark, None, 0), TITLE_BYTES)
    buffer = ctypes.create_string_buffer(length)
    if pdfium.FPDFBookmark_GetTitle(bookmark, buffer, length) > length:
        return ""
    text = buffer.raw.decode("utf-16-le", errors="replace").rstrip("\0")
    return " ".join(unicodedata.normalize("NFC", "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)).split())


def _below(document: pypdfium2.PdfDocument, page: int, destination: pdfium.FPDF_DEST) -> float | None:
    has_x, has_y, has_zoom = (ctypes.c_int() for _ in range(3))
    x, y, zoom = (ctypes.c_float() for _ in range(3))
    if not pdfium.FPDFDest_GetLocationInPage(destination, has_x, has_y, has_zoom, x, y, zoom) or not has_y.value:
        return None
    box = pdfium.FS_SIZEF()
    if not pdfium.FPDF_GetPageSizeByIndexF(document.raw, page, box):
        return None
    return max(0.0, box.height - y.value)


def places_of(entries: Sequence[Bookmark], lines: Sequence[Line], typography: Typography) -> list[Place]:
    """Where the entries begin, in the order of the lines, which are in reading order. The lines of a title are found by what they say."""
    pages: list[tuple[int, int]] = [(0, 0)]  # the lines of each page with lines: from, to
    for _, group in groupby(lines, key=lambda line: line.page):
        pages.append((pages[-1][1], pages[-1][1] + sum(1 for _ in group)))
    del pages[0]
    numbers = [lines[first].page for first, _ in pages]
    places: list[Place] = []
    for entry in entries:
        found = bisect_left(numbers, entry.page)
        if found == len(numbers):
            continue  # nothing is read on its page or after it
        here, after = pages[found], pages[min(found + 1, len(pages) - 1)]
        # Some programs name the end of the page before the one that the title stands on.
        place = _titled(entry, lines, here, typography) or _titled(entry, lines, after, typography)
        places.append(place or _given(entry, lines, here))
    places.sort(key=lambda place: (place.start, place.depth))
    return places


def _titled(entry: Bookmark, lines: Sequence[Line], page: tuple[int, int], typography: Typography) -> Place | None:
    """Where the title stands on a page; None: nowhere."""
    wanted = _letters(entry.title)
    found = [(start, text) for start in range(*page) if (text := _after_title(wanted, lines, start, page[1])) is not None]
    if not found:
        return None
    # Of several lines that say the same, the one nearest to the given place; without any, the largest.
    given = _given(entry, lines, page).start
    start, text = min(found, key=lambda one: (abs(one[0] - given) if entry.below is not None else 0, -lines[one[0]].size))
    above = start
    while above > page[0] and _is_above(lines[above - 1], typography) and start - above < TITLE_LINES:
        above -= 1
    title = entry.title
    if above < start and not wanted.startswith(_letters(lines[above].text)):
        title = f"{joined([line.text for line in lines[above:start]], typography.words).rstrip(' .:')}. {entry.title}"
    return Place(title=title, depth=entry.depth, start=above, text=text)


def _given(entry: Bookmark, lines: Sequence[Line], page: tuple[int, int]) -> Place:
    """The place that the outline gives: the first line that is not above it."""
    first, end = page
    start = first if lines[first].page > entry.page else next((place for place in range(first, end) if _reaches(entry, lines[place])), end)
    return Place(title=entry.title, depth=entry.depth, start=start, text=start)


def _reaches(entry: Bookmark, line: Line) -> bool:
    return entry.below is None or line.baseline + ABOVE * line.size >= entry.below + line.size


def _after_title(wanted: str, lines: Sequence[Line], index: int, end: int) -> int | None:
    """The line after a title that begins at `index`; None: it does not."""
    said = ""
    for place in range(index, min(end, index + TITLE_LINES)):
        said += _letters(lines[place].text)
        if said == wanted or _NUMBER.sub("", said) == wanted:
            return place + 1
        if not said or not wanted.startswith((said, _NUMBER.sub("", said))):
            return None
    return None


def _is_above(line: Line, typography: Typography) -> bool:
    """Whether a line above a title belongs to it: "Chapter 1"."""
    title = title_of(line.text)
    return (
        title is not None and title.alone and (line.size >= LARGER * typography.size or line.bold or typography.room(line) > 2 * line.size)
    )


def _letters(text: str) -> str:
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", text)).casefold()
