"""How a document is set: what its pages have in common, which tells paragraphs, headings and verse apart."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loa.reading.lines import Line

SAME_SIZE = 0.08  # of a font size: less is the same one
USUAL_LEADING = 1.2  # font sizes from one line to the next, where a document has too few to tell
INDENT = (0.7, 5.0)  # font sizes by which the first line of a paragraph stands further in
INDENTED_SHARE = 0.04  # of the lines stand further in, at least, where paragraphs begin so
BOLD_SHARE = 0.25  # of the lines

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Where the lines of a column begin and end, in points from the left of the page."""

    left: float
    right: float


@dataclass(frozen=True, kw_only=True)
class Typography:
    """What is usual in a document. Sizes and lengths in points."""

    size: float  # of the text's font
    leading: float  # from one baseline to the next, in font sizes
    indented: bool  # whether paragraphs begin further in; else gaps part them
    first: float  # how far in most of those lines begin, in font sizes
    bold: bool  # whether so much is bold that it marks no heading
    margins: dict[tuple[int, int], Margins]  # by page and column
    words: Counter[str]  # of the document, in lower case, compounds with their hyphens; not those that a line's end parts

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Typography:
        size = usual_size(lines)
        text = [line for line in lines if abs(line.size - size) <= SAME_SIZE * size]
        margins = _margins(lines, text, size)
        indents = Counter(round((line.left - margins[line.page, line.column].left) / size, 1) for line in text)
        further = {indent: count for indent, count in indents.items() if INDENT[0] <= indent <= INDENT[1]}
        return cls(
            size=size,
            leading=_leading(text, size),
            indented=sum(further.values()) >= INDENTED_SHARE * len(text),
            first=max(further, key=lambda indent: (further[indent], -indent), default=0.0),
            bold=sum(line.bold for line in text) > BOLD_SHARE * len(text),
            margins=margins,
            words=_words(lines),
        )

    def indent(self, line: Line) -> float:
        """How far in from the margin a line begins, in font sizes."""
        return (line.left - self.margins[line.page, line.column].left) / line.size

    def room(self, line: Line) -> float:
        """What a line leaves to the margin, in points."""
        return self.margins[line.page, line.column].right - line.right


def usual_size(lines: Iterable[Line]) -> float:
    """The font size, to a tenth of a point, that most characters are set in; 1 where there is none."""
    characters: Counter[float] = Counter()
    for line in lines:
        characters[round(line.size, 1)] += len(line.text)
    return max(characters, key=lambda size: (characters[size], -size), default=1.0)


def _leading(text: Sequence[Line], size: float) -> float:
    steps: Counter[float] = Counter()
    for line, after in pairwise(text):
        if (line.page, line.column) == (after.page, after.column) and size < (step := after.baseline - line.baseline) < 3 * size:
            steps[round(step, 0)] += 1
    return max(steps, key=lambda step: (steps[step], -step)) / size if steps else USUAL_LEADING


def _margins(lines: Sequence[Line], text: Sequence[Line], size: float) -> dict[tuple[int, int], Margins]:
    columns: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for line in text:
        columns[line.page, line.column].append(line)
    own = {place: Margins(left=_left(column), right=_right(column)) for place, column in columns.items()}
    widths: dict[bool, list[float]] = {True: [], False: []}  # of columns beside others, and of those alone
    for (_, column), margins in own.items():
        widths[column > 0].append(margins.right - margins.left)
    usual = {beside: sorted(found)[len(found) * 3 // 4] if found else 0.0 for beside, found in widths.items()}
    lefts = {beside: Counter(round(own[place].left) for place in own if (place[1] > 0) == beside) for beside in (True, False)}
    margins: dict[tuple[int, int], Margins] = {}
    for line in lines:
        place = (line.page, line.column)
        if place in margins:
            continue
        beside = line.column > 0
        if place in own:
            left, right = own[place].left, own[place].right
            if len(columns[place]) < 4 and lefts[beside] and not beside:  # too few to tell: as on the page where it is the nearest
                left = min((usually for usually, count in lefts[beside].items() if count > 1), key=lambda x: abs(x - left), default=left)
                left = min(left, own[place].left)
        else:
            left = min(lefts[beside], key=lambda usually: abs(usually - line.left), default=line.left)
            right = left
        margins[place] = Margins(left=left, right=max(right, left + usual[beside] - size / 2))
    return margins


def _left(column: Sequence[Line]) -> float:
    """The leftmost place at which several lines begin; a single one may hang out."""
    starts = Counter(round(line.left) for line in column)
    several = [start for start, count in starts.items() if count > 1 or len(column) < 4]
    return float(min(several or starts))


def _right(column: Sequence[Line]) -> float:
    ends = sorted(line.right for line in column)
    return ends[int(0.95 * (len(ends) - 1))]


def _words(lines: Iterable[Line]) -> Counter[str]:
    words: Counter[str] = Counter()
    parted = False
    for line in lines:
        found = _WORD.findall(line.text.casefold())
        if parted:
            found = found[1:]
        parted = line.text.endswith("-")
        words.update(found[:-1] if parted else found)
    return words
