"""What is on pages beside the text, and the order in which the text is read: columns, running heads, page numbers, footnotes.

Pure functions over pages; where a threshold is a share, it was set by trying books of one and two columns, in English and Vietnamese.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from loa.reading.lines import Line, Page

EDGE_LINES = 2  # heights at the head and at the foot of a page where running heads and page numbers stand
REPEATS = 3  # pages on which the same words at the same height make them a running head
SAME_HEIGHT = 4.0  # points within which two heights are one
LARGEST_HEAD = 1.15  # of the size of the text: what is larger opens a chapter
FOOTNOTE_SIZE = 0.93  # of the size of the text
FOOTNOTE_GAP = 1.3  # of the distance between lines: a wider one stands above footnotes
NARROW = 0.55  # of a column's width: pieces that fill less are cells of a table rather than lines of a column
CROSSING = 0.25  # of the lines may run across the gap between two columns: titles, pictures' captions
MIDDLE = (0.3, 0.7)  # of the page's width, where the gap between two columns is looked for
COLUMN_LINES = 5  # of each of two columns, at least

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_ONLY_NUMBER = re.compile(r"[\W_]*(?:(?:page|p\.?|trang|tr\.?)\s*)?#(?:\s*(?:/|of|trên|\|)\s*\d+)?[\W_]*", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_NOTE = re.compile(r"\s*(?:[\[(]?\d{1,3}[\])]?[.:]?\s*(?=[^\W\d_]|[\"“‘'«(])|[*†‡§⁎]|[¹²³⁴⁵⁶⁷⁸⁹⁰])")
_CAPTION = re.compile(r"(?:fig(?:ure|\.)|table|chart|map|plate|hình|bảng|biểu|sơ đồ|ảnh|bản đồ)\s*\d", re.IGNORECASE)


def in_reading_order(page: Page) -> Page:
    """The page with its lines from the top down, one column after the other; pieces side by side in a table are joined to rows."""
    lines = _with_initials(sorted(page.lines, key=lambda line: (line.baseline, line.left)))
    gap = _gap_between_columns(lines, page.width)
    if gap is None:
        return replace(page, lines=tuple(_rows(lines)))
    ordered: list[Line] = []
    columns: tuple[list[Line], list[Line]] = ([], [])

    def close() -> None:
        for number, column in enumerate(columns):
            ordered.extend(replace(line, column=number) for line in _rows(column))
            column.clear()

    for line in lines:
        if line.left < gap < line.right:
            close()
            ordered.append(line)
        else:
            columns[line.left >= gap].append(line)
    close()
    return replace(page, lines=tuple(ordered))


def _gap_between_columns(lines: Sequence[Line], width: float) -> float | None:
    """Where two columns part, if the page has two: a place that few lines cross, with lines that fill both sides."""
    starts = Counter(round(line.left) for line in lines if MIDDLE[0] * width < line.left < MIDDLE[1] * width)
    best: tuple[int, float] | None = None
    for start, _ in starts.most_common(5):
        gap = start - 1.0
        left = [line for line in lines if line.right <= gap]
        right = [line for line in lines if line.left >= gap]
        crossing = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) < COLUMN_LINES or crossing > CROSSING * len(lines):
            continue
        if _fills(left) and _fills(right) and (best is None or crossing < best[0]):
            best = crossing, gap
    return best[1] if best else None


def _fills(column: Sequence[Line]) -> bool:
    extent = max(line.right for line in column) - min(line.left for line in column)
    widths = sorted(line.width for line in column)
    return widths[len(widths) // 2] >= NARROW * extent


def _rows(lines: Iterable[Line]) -> list[Line]:
    """Lines from the top down, those at one height joined from left to right."""
    ordered: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.baseline, line.left)):
        last = ordered[-1] if ordered else None
        if last is not None and abs(line.baseline - last.baseline) < 0.3 * min(line.size, last.size):
            ordered[-1] = _joined(last, line) if line.left >= last.left else _joined(line, last)
        else:
            ordered.append(line)
    return ordered


def _joined(left: Line, right: Line) -> Line:
    cells = (*(left.cells or (left.text,)), *(right.cells or (right.text,)))
    return replace(
        left, text=" ".join(cells), right=right.right, cells=cells, size=max(left.size, right.size),
        bold=left.bold and right.bold, marks=left.marks + right.marks,
    )  # fmt: skip


def _with_initials(lines: list[Line]) -> list[Line]:
    """Lines whose first letter is set over two or three of them get it back."""
    usual = sorted(line.size for line in lines)[len(lines) // 2] if lines else 0.0
    for initial in [line for line in lines if len(line.text.strip("“\"‘'")) == 1 and line.text[-1].isupper() and line.size > 1.8 * usual]:
        beside = [
            line
            for line in lines
            if line.size < initial.size / 1.5
            and initial.top - usual < line.top < initial.baseline
            and initial.right - usual < line.left < initial.right + 1.5 * usual
        ]
        if not beside:
            continue
        first = min(beside, key=lambda line: line.baseline)
        alone = initial.text[-1] in "AIOÔÀÁ" and first.left - initial.right > 0.3 * usual and not first.text[:1].isupper()
        lines = [line for line in lines if line is not initial]
        lines[lines.index(first)] = replace(first, text=f"{initial.text}{' ' if alone else ''}{first.text}", left=initial.left)
    return lines


def without_running_heads(pages: Sequence[Page]) -> tuple[list[Page], int]:
    """The pages without running heads, running feet and page numbers, and how many lines those were.

    One is known by its words, the page's number aside, at the same height on at least REPEATS pages; a page number by counting up with the
    pages; and what stands at the height of such a line on another page is one as well.
    """
    size = _usual_size(pages)
    edges = {page.number: _edges(page) for page in pages}
    offsets = _offsets(edges)
    seen: Counter[tuple[str, int, int]] = Counter()
    for number, (head, foot) in edges.items():
        for side, lines in enumerate((head, foot)):
            for key in {key for line in lines if line.size <= LARGEST_HEAD * size for key in _keys(line, number, offsets, side)}:
                seen[key] += 1
    repeats = min(REPEATS, max(2, len(pages)))
    heights = {(side, height) for (_, side, height), count in seen.items() if count >= repeats and 2 * count >= len(pages)}

    def runs(line: Line, number: int, side: int) -> bool:
        if line.size > LARGEST_HEAD * size:
            return False
        words = _words(line, number, offsets)
        if _ONLY_NUMBER.fullmatch(words) and (offsets or len(pages) == 1):
            return True
        keys = _keys(line, number, offsets, side)
        return any(seen[key] >= repeats or key[1:] in heights for key in keys)

    kept, removed = [], 0
    for page in pages:
        out = {line for side, lines in enumerate(edges[page.number]) for line in lines if runs(line, page.number, side)}
        removed += len(out)
        kept.append(replace(page, lines=tuple(line for line in page.lines if line not in out)) if out else page)
    return kept, removed


def _edges(page: Page) -> tuple[list[Line], list[Line]]:
    """The lines at the outermost heights: at the head and at the foot."""
    heights: list[float] = []
    for baseline in sorted(line.baseline for line in page.lines):
        if not heights or baseline - heights[-1] > SAME_HEIGHT:
            heights.append(baseline)
    head, foot = heights[:EDGE_LINES], heights[EDGE_LINES:][-EDGE_LINES:]
    if len(heights) <= EDGE_LINES:  # a number alone on its page may stand at the foot
        foot = head = heights

    def at(places: list[float]) -> list[Line]:
        return [line for line in page.lines if any(0 <= line.baseline - place <= SAME_HEIGHT for place in places)]

    return at(head), at(foot)


def _offsets(edges: dict[int, tuple[list[Line], list[Line]]]) -> set[int]:
    """What numbers at the edges differ by from the pages' own, where at least REPEATS pages agree."""
    found: Counter[int] = Counter()
    for number, (head, foot) in edges.items():
        found.update({_value(match[0]) - number for line in (*head, *foot) for match in _NUMBER.finditer(line.text)})
    return {offset for offset, count in found.items() if count >= min(REPEATS, max(2, len(edges)))}


def _value(numeral: str) -> int:
    if numeral.isdecimal():
        return int(numeral[:9])
    values = [_ROMAN[letter] for letter in numeral.lower()]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))


def _words(line: Line, number: int, offsets: set[int]) -> str:
    """What the line says, the page's own number written as #."""
    return _NUMBER.sub(lambda match: "#" if _value(match[0]) - number in offsets else match[0], line.text).casefold()


def _keys(line: Line, number: int, offsets: set[int], side: int) -> list[tuple[str, int, int]]:
    """The line with its height, which may round to either of two neighbours."""
    words, height = _words(line, number, offsets), int(line.baseline // SAME_HEIGHT)
    return [(words, side, height), (words, side, height + 1)]


def _usual_size(pages: Iterable[Page]) -> float:
    characters: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            characters[round(line.size, 1)] += len(line.text)
    return max(characters, key=lambda size: characters[size], default=0.0)


def without_footnotes(page: Page, size: float) -> tuple[Page, int]:
    """The page without what stands at its foot, or at the foot of a column, in smaller type than `size`; and how many notes that was."""
    columns: dict[int, list[Line]] = defaultdict(list)
    for line in page.lines:
        columns[line.column].append(line)
    out: set[Line] = set()
    notes = 0
    for lines in columns.values():
        foot = _foot(sorted(lines, key=lambda line: line.baseline), size)
        notes += max(sum(_NOTE.match(line.text) is not None for line in foot), bool(foot))
        out.update(foot)
    return (replace(page, lines=tuple(line for line in page.lines if line not in out)), notes) if out else (page, 0)


def _foot(lines: list[Line], size: float) -> list[Line]:
    start = len(lines)
    while start and lines[start - 1].size <= FOOTNOTE_SIZE * size:
        start -= 1
    foot = lines[start:]
    if not foot or start == 0 or any(_CAPTION.match(line.text) for line in foot):
        return []
    first = next((place for place, line in enumerate(foot) if _NOTE.match(line.text)), None)
    apart = foot[0].baseline - lines[start - 1].baseline > FOOTNOTE_GAP * size * 1.2
    if apart and first is not None or apart and len(foot) <= 3 and foot[-1].page >= 0:
        return foot
    return foot[first:] if first is not None else []
