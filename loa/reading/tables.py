"""Tables as sentences, one for each row, such as: Year: 1851; Pages: 635."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from loa.reading import names
from loa.reading.vocabulary import HEADINGS

_WIDEST = 100  # columns; what claims to span more is not believed
_LONGEST_CELL = 400  # characters; cells with more are columns of a layout


@dataclass(slots=True)
class Table:
    """A table that is being read: cells come in the order of the page."""

    element: etree._Element
    headers: list[str] = field(default_factory=list)  # by column
    spanning: dict[int, tuple[str, int]] = field(default_factory=dict)  # column → text of a cell from above, and rows that it still covers
    cells: list[tuple[str, bool]] = field(default_factory=list)  # of the current row: text, and whether it is a header
    rows: int = 0

    def begin_row(self) -> None:
        self.cells = []
        self._take_spanning()

    def add(self, text: str, cell: etree._Element) -> None:
        text = " ".join(text.split())
        is_header = names.local(cell) == "th"
        rows = _span(cell, "rowspan")
        for _ in range(min(_span(cell, "colspan"), _WIDEST - len(self.cells))):
            if rows > 1:
                self.spanning[len(self.cells)] = (text, rows - 1)
            self.cells.append((text, is_header))
        self._take_spanning()

    def end_row(self, row: etree._Element) -> str:
        """The row as a sentence; "" for the row of headers and for an empty one."""
        cells, self.cells = self.cells, []
        in_head = row.getparent() is not None and names.local(row.getparent()) == "thead"
        self.rows += 1
        if cells and (in_head or (self.rows == 1 and all(is_header or not text for text, is_header in cells))):
            above = self.headers or [""] * len(cells)
            self.headers = [" ".join(dict.fromkeys(filter(None, pair))) for pair in zip(above, (text for text, _ in cells), strict=False)]
            return ""
        return self._sentence(cells)

    def _sentence(self, cells: list[tuple[str, bool]]) -> str:
        parts: list[str] = []
        begins_with = ""
        before: str | None = None
        for column, (text, is_header) in enumerate(cells):
            if not text or text == before:
                continue
            before = text
            header = self.headers[column] if column < len(self.headers) else ""
            if is_header and column == 0:
                begins_with = text
            else:
                parts.append(f"{header.rstrip(':')}: {text}" if header else text)
        sentence = "; ".join(part.rstrip(";") for part in parts)
        if begins_with:
            sentence = f"{begins_with.rstrip('.:')}. {sentence}" if sentence else begins_with
        return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."

    def _take_spanning(self) -> None:
        while (column := len(self.cells)) in self.spanning:
            text, rows = self.spanning.pop(column)
            if rows > 1:
                self.spanning[column] = (text, rows - 1)
            self.cells.append((text, False))


def is_data(table: etree._Element) -> bool:
    """Whether a table holds data; else it lays a page out, and what is in it is text like all other."""
    if table.get("role", "").lower() in ("presentation", "none"):
        return False
    rows = widest = cells = 0
    for element in table.iterdescendants():
        name = names.local(element)
        if name == "table" or name in HEADINGS or name == "pre":
            return False
        if name == "tr":
            rows, widest, cells = rows + 1, max(widest, cells), 0
        elif name in ("td", "th"):
            cells += 1
            if sum(len(piece) for piece in element.itertext()) > _LONGEST_CELL:
                return False
    return rows > 1 and max(widest, cells) > 1


def _span(cell: etree._Element, name: str) -> int:
    value = (cell.get(name) or "").strip()
    return min(int(value), _WIDEST) if value.isdecimal() and len(value) < 5 and int(value) > 0 else 1
