"""Text as it stands on a page: lines with their places. Formats that fix the layout are read into these, and prose is made of them again.

Lengths are points (1/72 inch). A place is measured from the top left corner of the page as a reader holds it: x to the right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of one column, or a piece of one that a wide gap parts from its neighbours."""

    text: str  # NFC, no blanks at its ends
    page: int  # counted from 0
    left: float
    right: float
    baseline: float
    size: float  # of the font, as it appears
    bold: bool = False
    mono: bool = False  # set in letters of one width, as programs are
    column: int = 0  # in which it stands, from the left: 1, 2; 0: it may take the whole width
    cells: tuple[str, ...] = ()  # of a row: what stands side by side, text being all of it
    marks: int = 0  # of footnotes that stood in it and are left out

    @property
    def top(self) -> float:
        return self.baseline - self.size

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def letter(self) -> float:
        """The mean width of a character."""
        return self.width / max(len(self.text), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page with its lines, first as the file has them, then in the order in which they are read."""

    number: int  # counted from 0
    width: float
    height: float
    lines: tuple[Line, ...] = ()
    pictures: int = 0  # on a page without text
    unknown: int = 0  # characters whose font does not say which letters they are
