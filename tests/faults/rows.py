"""The fault table: one row a fault, with what was injected, what it cost, and the mark that it has to meet.

Every row is one test with two sizes: a short one in `make test`, and the full one under `make faults`, which prints the table.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

FULL = os.environ.get("LOA_FAULTS") == "full"  # read here, because no test sees the person's LOA_* variables
PROPERTY = "fault_row"  # under which a row travels with its test's report
HEADINGS = ("fault", "injected", "lost", "duplicated", "worst recovery", "mark", "")

T = TypeVar("T")


def sized(short: T, full: T) -> T:
    """What a test uses in each of its sizes."""
    return full if FULL else short


@dataclass(kw_only=True)
class Row:
    """The record of one fault. A test fills it in and then asks `check()`."""

    fault: str
    mark: str  # in words
    injected: int = 0
    lost: int = 0  # accepted and never ended, or ended as what it should not have been
    duplicated: int = 0  # results, events or syntheses that were made once too often
    recovery: float | None = None  # seconds, the worst of all
    within: float | None = None  # seconds: what `recovery` may be
    met: bool = False

    def recovered(self, seconds: float) -> None:
        """One recovery took so long."""
        self.recovery = max(self.recovery or 0.0, seconds)

    def check(self) -> None:
        """The mark is met. Fails where it is not."""
        assert self.injected > 0, "no fault was injected"
        assert self.lost == 0, f"{self.lost} lost"
        assert self.duplicated == 0, f"{self.duplicated} duplicated"
        if self.within is not None:
            assert self.recovery is not None, "nothing recovered"
            assert self.recovery <= self.within, f"the recovery took {self.recovery:.1f} s; the mark is {self.within:g} s"
        self.met = True

    def cells(self) -> tuple[str, ...]:
        recovery = "–" if self.recovery is None else f"{self.recovery:.1f} s"
        return (self.fault, str(self.injected), str(self.lost), str(self.duplicated), recovery, self.mark, "met" if self.met else "MISSED")


def table(rows: Iterable[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Rows as a Markdown table, padded so that it reads well in a terminal too."""
    lines = [tuple(headings), *map(tuple, rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(headings))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines)
