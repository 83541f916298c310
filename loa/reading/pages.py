"""What is on pages beside the text, and the order in which the text is read: columns, running heads, page numbers, footnotes.

Pure functions over pages; where a threshold is a share, it was set by trying books of one and two columns, in English and Vietnamese.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from loa.reading.lines import Line, Page
from loa.reading.typography import usual_size

EDGE_LINES = 2  # heights at the head and at the foot of a page where running heads and page numbers stand
REPEATS = 3  # pages on which the same words at the same height make them a running head
SAME_HEIGHT = 4.0  # points within which two heights are one
APART = 1.25  # of the distance between lines: a running head stands farther from the text
SHORT = 0.6  # of the widest line: what is shorter may be a running head without standing apart
LARGEST_HEAD = 1.15  # of the size of the text: what is larger opens a chapter
FOOTNOTE_SIZE = 0.93  # of the size of the text
FOOTNOTE_GAP = 1.5  # font sizes between the last line of the text and the first footnote, more than between lines
NARROW = 0.55  # of a column's width: pieces that fill less are cells of a table rather than lines of a column
CROSSING = 0.25  # of the lines may run across the gap between two columns: titles, pictures' captions
MIDDLE = (0.3, 0.7)  # of the page's width, where the gap between two columns is looked for
COLUMN_LINES = 5  # of each of two columns, at least
COLUMN_PAGES = 0.2  # of the pages have columns, where those with few lines are taken to have them as well

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_ONLY_NUMBER = re.compile(r"[\W_]*(?:(?:page|p\.?|trang|tr\.?)\s*)?#(?:\s*(?:/|of|trên|\|)\s*\d+)?[\W_]*", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_NOTE = re.compile(r"\s*(?:[\[(]?\d{1,3}[\])]?[.:]?\s*(?=[^\W\d_]|[\"“‘'«(])|[*†‡§⁎]|[¹²³⁴⁵⁶⁷⁸⁹⁰])")
_CAPTION = re.compile(r"(?:fig(?:ure|\.)|table|chart|map|plate|hình|bảng|biểu|sơ đồ|ảnh|bản đồ)\s*\d", re.IGNORECASE)


def in_reading_order(pages: Sequence[Page]) -> list[Page]:
    """The pages with their lines from the top down, one column after the other; pieces side by side in a table are joined to rows."""
    lines = {page.number: _with_initials(sorted(page.lines, key=lambda line: (line.baseline, line.left))) for page in pages}
    gaps = {page.number: _gap_between_columns(lines[page.number], page.width) for page in pages}
    found = Counter(gap for gap in gaps.values() if gap is not None)
    usual = [gap for gap in _commonest(found, 2) if found[gap] >= COLUMN_PAGES * len(pages)]  # of left and of right pages
    for page in pages:
        if gaps[page.number] is None:
            gaps[page.number] = next((gap for gap in usual if _parts_columns(lines[page.number], gap)), None)
    return [replace(page, lines=tuple(_ordered(lines[page.number], gaps[page.number]))) for page in pages]


def _ordered(lines: Sequence[Line], gap: float | None) -> list[Line]:
    if gap is None:
        return _rows(lines)
    ordered: list[Line] = []
    columns: tuple[list[Line], list[Line]] = ([], [])

    def close() -> None:
        for number, column in enumerate(columns, start=1):
            ordered.extend(replace(line, column=number) for line in _rows(column))
            column.clear()

    for line in lines:
        if line.left < gap < line.right:  # a title or a picture's caption across both
            close()
            ordered.append(line)
        else:
            columns[line.left >= gap].append(line)
    close()
    return ordered


def _gap_between_columns(lines: Sequence[Line], width: float) -> float | None:
    """Where two columns part, if the page has two: a place that few lines cross, with lines that fill both sides."""
    starts = Counter(float(round(line.left)) for line in lines if MIDDLE[0] * width < line.left < MIDDLE[1] * width)
    for start in _commonest(starts, 3):
        gap = start - 1.0
        left, right = [line for line in lines if line.right <= gap], [line for line in lines if line.left >= gap]
        if starts[start] >= COLUMN_LINES and len(left) >= COLUMN_LINES and _parts_columns(lines, gap) and _fill(left, right, gap):
            return gap
    return None


def _commonest(places: Mapping[float, int], most: int) -> list[float]:
    return sorted(places, key=lambda place: (-places[place], place))[:most]


def _parts_columns(lines: Sequence[Line], gap: float) -> bool:
    """Whether few lines run across a gap."""
    return sum(line.left < gap < line.right for line in lines) <= CROSSING * len(lines)


def _fill(left: Sequence[Line], right: Sequence[Line], gap: float) -> bool:
    """Whether most lines on both sides of a gap are as wide as columns there are."""
    space = max(gap - min(line.left for line in left), max(line.right for line in right) - gap)
    return all(sorted(line.width for line in column)[len(column) // 2] >= NARROW * space for column in (left, right))


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

    One is known by its words, the page's number aside, at the same height on REPEATS pages close to each other; a page number by counting
    up with the pages; and where such lines stand on most pages, what stands there on the others is one as well.
    """
    largest = LARGEST_HEAD * usual_size([line for page in pages for line in page.lines])
    apart = APART * _usual_step(pages)
    edges = {page.number: _edges(page, largest, apart) for page in pages}
    offsets = _offsets(edges)
    seen: dict[tuple[str, int], list[int]] = defaultdict(list)  # the pages of each key, in their order
    for number, edge in edges.items():
        for key in {key for line in edge for key in _keys(line, offsets)}:
            seen[key].append(number)
    repeats = min(REPEATS, max(2, len(pages)))
    runs = {key for key, numbers in seen.items() if _run_on(numbers, repeats)}
    found = {line for edge in edges.values() for line in edge if _is_page_number(line, offsets)}
    found |= {line for edge in edges.values() for line in edge if not runs.isdisjoint(_keys(line, offsets))}
    usual = Counter(place for places in ({_place(line) for line in edge if line in found} for edge in edges.values()) for place in places)
    heights = {place for place, count in usual.items() if count >= repeats and 2 * count >= len(pages)}
    found |= {line for edge in edges.values() for line in edge if _place(line) in heights}
    return [replace(page, lines=tuple(line for line in page.lines if line not in found)) for page in pages], len(found)


def _heights(page: Page) -> list[float]:
    """Where lines stand on a page, from the top down."""
    heights: list[float] = []
    for baseline in sorted(line.baseline for line in page.lines):
        if not heights or baseline - heights[-1] > SAME_HEIGHT:
            heights.append(baseline)
    return heights


def _usual_step(pages: Sequence[Page]) -> float:
    """The distance between lines, over all pages."""
    steps = Counter(round(below - above) for page in pages for above, below in pairwise(_heights(page)))
    return float(max(steps, key=lambda step: (steps[step], -step), default=0))


def _edges(page: Page, largest: float, apart: float) -> list[Line]:
    """The lines at the outermost heights of a page, of at most the `largest` size, that are short or farther `apart` from the text."""
    heights = _heights(page)
    widest = max((line.width for line in page.lines), default=0.0)
    edge: list[Line] = []
    for outward in (heights, [*reversed(heights)]):
        for place, height in enumerate(outward[:EDGE_LINES]):
            inward = outward[place + 1 : place + 2]
            far = not inward or abs(inward[0] - height) > apart
            edge += [
                line
                for line in page.lines
                if 0 <= line.baseline - height <= SAME_HEIGHT and line.size <= largest and (far or line.width < SHORT * widest)
            ]
    return edge


def _offsets(edges: dict[int, list[Line]]) -> set[int]:
    """What numbers at the edges differ by from the pages' own, where several pages agree."""
    if len(edges) == 1:
        return {1}
    found = Counter(
        offset
        for number, edge in edges.items()
        for offset in {_value(match[0]) - number for line in edge for match in _NUMBER.finditer(line.text)}
    )
    return {offset for offset, count in found.items() if count >= min(REPEATS, len(edges))}


def _value(numeral: str) -> int:
    if numeral.isdecimal():
        return int(numeral[:9])
    values = [_ROMAN[letter] for letter in numeral.lower()]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))


def _words(line: Line, offsets: set[int]) -> str:
    """What the line says, the page's own number written as #."""
    return _NUMBER.sub(lambda match: "#" if _value(match[0]) - line.page in offsets else match[0], line.text).casefold()


def _run_on(numbers: Sequence[int], repeats: int) -> bool:
    """Whether pages follow each other closely enough to share a running head: all of them, or every other."""
    return any(last - first <= 2 * repeats for first, last in zip(numbers, numbers[repeats - 1 :], strict=False))


def _is_page_number(line: Line, offsets: set[int]) -> bool:
    return _ONLY_NUMBER.fullmatch(_words(line, offsets)) is not None


def _place(line: Line) -> int:
    return round(line.baseline / SAME_HEIGHT)


def _keys(line: Line, offsets: set[int]) -> list[tuple[str, int]]:
    """What the line says with its height, which may round to either of two neighbours."""
    words, height = _words(line, offsets), int(line.baseline // SAME_HEIGHT)
    return [(words, height), (words, height + 1)]


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
    text, foot = lines[:start], lines[start:]
    if not text or not foot or any(_CAPTION.match(line.text) for line in foot):
        return []
    apart = foot[0].baseline - text[-1].baseline > FOOTNOTE_GAP * size
    first = next((place for place, line in enumerate(foot) if _NOTE.match(line.text)), None)
    if apart and (first == 0 or foot[0].text[:1].islower()):  # a note, or the end of one that began on the page before
        return foot
    marked = any(line.marks for line in text)
    return foot[first:] if first is not None and (apart or marked) else []
