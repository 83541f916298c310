"""The text of a PDF's page as lines with their places, by PDFium.

PDFium was chosen over pypdf and pdfminer.six: for the same novel of 453 pages they took 12 and 30 times as long. It tells the characters in
the order in which the page draws them, with blanks where it sees gaps, and the place of any of them. To ask for the place of each would
cost more than all the rest, so each word is asked for two: where it begins and where it ends.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium

from loa.reading.lines import Line, Page

# In font sizes:
GAP = 1.5  # between two words that belong to different columns or cells; blanks of justified text stay below
BACK = 0.5  # to the left of where the line ended: another line
SAME_LINE = 0.5  # between the baselines of what stands on one line, raised or lowered
RAISED = 0.15  # above the baseline of the line: together with
SMALLER = 0.85  # of the line's font size: a mark of a footnote, or an exponent

TOUCHING = 0.15  # between two words: less is no blank

_PARTING = frozenset("\x02\ufffe")  # what PDFium says for a hyphen at the end of a line, with nothing for the end itself
_HYPHENS = dict.fromkeys((0x02, 0xFFFE, 0xAD, 0x2010), "-")
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF076, 0xF0D8, 0xF0FC, 0xF06E, 0xF0A8, 0xF02D), "•")  # of the fonts Symbol and Wingdings
_NOTHING = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xFFFF))
_CLEAN = {**_NOTHING, **_HYPHENS, **_LIGATURES, **_BULLETS}
_MARKS = frozenset("0123456789*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰")  # what marks of footnotes are made of
_TOKEN = re.compile(r"(?:[0-9*†‡§]+|[¹²³⁴⁵⁶⁷⁸⁹⁰]+|[^0-9*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰\s\x00\x02\ufffe]+)[\x02\ufffe]?|[\x02\ufffe]")
_RAISED_MARKS = frozenset("¹²³⁴⁵⁶⁷⁸⁹⁰")
_SIGNS = frozenset(("*", "**", "***", "†", "‡", "††", "§"))
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORD_END = re.compile(r"[\w.,;:!?…\"'”’»)\]–—]$")
# What stands before an exponent: 10⁶, km²; not "F2" and 1999, behind which it is the mark of a footnote.
_BASE = re.compile(r"(?:(?<![\w.,])(?!(?:1\d|20)\d\d$)[\d.,]*\d|(?<![^\W\d_])(?:[kcdmμ]?m|ha|in|ft|s))$")
_UNKNOWN = re.compile("[\ufffd\ue000-\uf8ff]")  # of private use: numbers of glyphs rather than letters
_BOLD = re.compile(r"bold|black|heavy|demi|semibd", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt", re.IGNORECASE)
_FORCED_BOLD, _FIXED_PITCH = 1 << 18, 1 << 0  # flags of a font


@dataclass(slots=True)
class _Run:
    """Characters without a blank between them, all figures or none."""

    text: str
    first: int  # the index of its first character
    left: float
    right: float
    baseline: float
    size: float
    turn: int  # quarters of a circle, anticlockwise
    spaced: bool  # there is a blank in front
    breaks: bool  # PDFium sees a new line


def page_of(document: pypdfium2.PdfDocument, number: int) -> Page:
    """A page with its lines in the order of the file. Raises pypdfium2.PdfiumError for a page that is damaged."""
    page = document[number]
    try:
        textpage = page.get_textpage()
        try:
            reader = _Reader(textpage.raw, page.get_bbox())
            lines = tuple(replace(line, page=number) for line in reader.lines())
        finally:
            textpage.close()
        width, height = reader.extent()
        pictures = 0 if lines else _pictures(page.raw)
        return Page(number=number, width=width, height=height, lines=lines, pictures=pictures, unknown=reader.unknown)
    finally:
        page.close()


class _Reader:
    """What is asked of PDFium about the text of one page."""

    def __init__(self, textpage: pdfium.FPDF_TEXTPAGE, box: tuple[float, float, float, float]) -> None:
        self._textpage = textpage
        self._box = box  # left, bottom, right, top of what is shown of the page
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._bounds, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._name, self._flags = ctypes.create_string_buffer(128), ctypes.c_int()
        self._turn = 0
        self.unknown = 0  # characters whose letters nobody knows

    def extent(self) -> tuple[float, float]:
        """Width and height of the page, held so that most of its text stands upright."""
        left, bottom, right, top = self._box
        return (top - bottom, right - left) if self._turn % 2 else (right - left, top - bottom)

    def lines(self) -> Iterator[Line]:
        runs = list(self._runs())
        turns: Counter[int] = Counter()
        for run in runs:
            turns[run.turn] += len(run.text)
        self._turn = max(turns, key=lambda turn: (turns[turn], -turn), default=0)
        width, height = self.extent()
        shown = (run for run in runs if run.turn == self._turn and -1 <= run.left <= width and -1 <= run.baseline <= height + run.size)
        for group in _grouped(shown):
            if (line := self._line(group)) is not None:
                yield line

    def _runs(self) -> Iterator[_Run]:
        end, parted = 0, True
        text = self._text()
        for match in _TOKEN.finditer(text):
            between = text[end : match.start()]
            breaks = parted or "\n" in between or "\r" in between
            first, spaced = match.start(), parted or bool(between)
            for last in self._ends(match):
                yield from self._run(text[first : last + 1], first, last, spaced=spaced, breaks=breaks)
                first, spaced, breaks = last + 1, False, False
            end, parted = match.end(), match[0][-1] in _PARTING

    def _ends(self, match: re.Match[str]) -> Iterator[int]:
        """The last characters of the runs that a token consists of: figures may have raised ones behind them, 10⁶."""
        first, last = match.start(), match.end() - 1
        if last > first and match[0][0] in _MARKS and self._height(first) != self._height(last):
            yield from (place for place in range(first, last) if self._height(place) != self._height(place + 1))
        yield last

    def _height(self, index: int) -> tuple[float, float]:
        """The size of a character's font and where it stands, both in the page's own units."""
        pdfium.FPDFText_GetCharOrigin(self._textpage, index, self._x, self._y)
        return pdfium.FPDFText_GetFontSize(self._textpage, index), round(self._y.value, 1)

    def _text(self) -> str:
        """The characters of the page, each at its index."""
        count = max(pdfium.FPDFText_CountChars(self._textpage), 0)
        buffer = (ctypes.c_ushort * (count + 1))()
        written = pdfium.FPDFText_GetText(self._textpage, 0, count, buffer)
        text = bytes(buffer)[: 2 * (written - 1)].decode("utf-16-le", errors="replace") if written > 0 else ""
        if len(text) == count:
            return text
        # Where PDFium leaves characters out of the whole, or needs two codes for one, they are asked for one by one.
        return "".join(chr(min(pdfium.FPDFText_GetUnicode(self._textpage, index), 0x10FFFF)) for index in range(count))

    def _run(self, text: str, first: int, last: int, *, spaced: bool, breaks: bool) -> Iterator[_Run]:
        x, y, bounds, matrix = self._x, self._y, self._bounds, self._matrix
        length, text = len(text), text.translate(_CLEAN)
        self.unknown += max(length - len(text), 0) + len(_UNKNOWN.findall(text))
        known = (
            pdfium.FPDFText_GetCharOrigin(self._textpage, first, x, y)
            and pdfium.FPDFText_GetLooseCharBox(self._textpage, last, bounds)
            and pdfium.FPDFText_GetMatrix(self._textpage, first, matrix)
        )
        if not text or not known:
            return
        size = pdfium.FPDFText_GetFontSize(self._textpage, first) * math.hypot(matrix.c, matrix.d)
        turn = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
        page_left, page_bottom, page_right, page_top = self._box
        left, right, baseline = (
            (x.value - page_left, bounds.right - page_left, page_top - y.value),
            (y.value - page_bottom, bounds.top - page_bottom, x.value - page_left),
            (page_right - x.value, page_right - bounds.left, y.value - page_bottom),
            (page_top - y.value, page_top - bounds.bottom, page_right - x.value),
        )[turn]
        yield _Run(text, first, left, max(left, right), baseline, size, turn, spaced, breaks)

    def _line(self, runs: list[_Run]) -> Line | None:
        """One line of runs that stand side by side, without the marks of footnotes."""
        letters: Counter[tuple[float, float]] = Counter()
        for run in runs:
            letters[run.size, run.baseline] += len(run.text)
        size, baseline = max(letters, key=lambda place: (letters[place], place))
        text, marks, end = "", 0, runs[0].left
        for run, following in zip(runs, [*runs[1:], None], strict=True):
            spaced = run.spaced and bool(text) and (not run.breaks or run.left - end > TOUCHING * size)
            end, said = run.right, run.text
            glued = bool(text) and not spaced and _WORD_END.search(text) is not None
            last = following is None or following.spaced
            apart = spaced and last and _RAISED_MARKS.issuperset(said)  # "off ¹ ", not "the ¹³C"
            if apart or (_MARKS.issuperset(said) and self._is_mark(run, size, baseline, glued, last=last)):
                if spaced or not _BASE.search(text) or said in _SIGNS:
                    marks += 1
                    continue
                said = said.translate(_SUPERSCRIPTS)
            text += f" {said}" if spaced else said
        if not (text := unicodedata.normalize("NFC", text).strip()):
            return None
        bold, mono = (all(kinds) for kinds in zip(self._kind(runs[0].first), self._kind(runs[-1].first), strict=True))
        return Line(
            text=text, page=0, left=runs[0].left, right=runs[-1].right, baseline=baseline, size=size, bold=bold, mono=mono, marks=marks
        )  # fmt: skip

    def _is_mark(self, run: _Run, size: float, baseline: float, glued: bool, last: bool) -> bool:
        """Whether figures or signs stand above the others of their line, or look like it; `glued` to a word, `last` before a blank."""
        if glued and (_RAISED_MARKS.issuperset(run.text) or (last and run.text in _SIGNS)):
            return True
        if run.size < SMALLER * size:
            return run.baseline < baseline - RAISED * size
        if not glued or run.turn:
            return False
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))  # of the ink: fonts have small figures of their own for this
        known = pdfium.FPDFText_GetCharBox(self._textpage, run.first, left, right, bottom, top)
        return bool(known) and self._box[3] - bottom.value < run.baseline - RAISED * size

    def _kind(self, index: int) -> tuple[bool, bool]:
        """Whether the font of a character is bold, and whether its letters are of one width."""
        length = pdfium.FPDFText_GetFontInfo(self._textpage, index, self._name, len(self._name), self._flags)
        name = self._name.value.decode("utf-8", errors="replace") if 0 < length <= len(self._name) else ""
        flags = self._flags.value if length else 0
        return bool(flags & _FORCED_BOLD) or _BOLD.search(name) is not None, bool(flags & _FIXED_PITCH) or _MONO.search(name) is not None


def _grouped(runs: Iterable[_Run]) -> Iterator[list[_Run]]:
    """The runs of each line, or of each piece of one that a wide gap parts from the next."""
    group: list[_Run] = []
    for run in runs:
        if group and not _continues(group, run):
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def _continues(group: list[_Run], run: _Run) -> bool:
    last = group[-1]
    size = max(last.size, run.size)
    if abs(run.baseline - last.baseline) > SAME_LINE * size or not -BACK * size <= run.left - last.right <= GAP * size:
        return False
    # PDFium sees new lines where a line goes on in another size: only the place counts, unless two full sizes stand at different heights.
    return not (run.breaks and abs(run.baseline - last.baseline) > RAISED * size and min(last.size, run.size) > SMALLER * size)


def _pictures(page: pdfium.FPDF_PAGE) -> int:
    """How many objects on a page are pictures, or forms that may hold some."""
    kinds = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
    objects = (pdfium.FPDFPage_GetObject(page, index) for index in range(min(pdfium.FPDFPage_CountObjects(page), 1_000)))
    return sum(pdfium.FPDFPageObj_GetType(item) in kinds for item in objects)
