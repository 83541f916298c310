"""Text of one block while it is being collected from the pieces of a line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BLANKS = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")  # soft hyphens, and places where a line may break
_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_EXPONENT = re.compile(r"\s*[0-9+\-−=()n]+\s*")


@dataclass(slots=True)
class Draft:
    """What stands between two boundaries of blocks."""

    pieces: list[str] = field(default_factory=list)
    languages: set[str | None] = field(default_factory=set)  # of its text
    ids: list[str] = field(default_factory=list)  # that stand in it, or directly before
    leads_back: bool = False  # to the mark of a note, as notes do

    def add(self, text: str, language: str | None, *, raised: bool = False, preserved: bool = False) -> bool:
        """Adds text of a tree; whether there was anything but blanks. `raised`: an exponent; `preserved`: its lines are kept."""
        if preserved:
            text = text.replace("\r\n", "\n").expandtabs()
        else:
            text = _BLANKS.sub(" ", text)
            if raised and _EXPONENT.fullmatch(text):
                text = text.translate(_RAISED)
        self.pieces.append(text)
        if text.isspace():
            return False
        self.languages.add(language)
        return True

    def break_line(self) -> None:
        self.pieces.append("\n")

    @property
    def last(self) -> str:
        """The last character; a blank at the beginning."""
        return self.pieces[-1][-1] if self.pieces else " "

    @property
    def is_empty(self) -> bool:
        return all(piece.isspace() for piece in self.pieces)

    @property
    def breaks(self) -> int:
        return sum(piece.count("\n") for piece in self.pieces)

    def lines(self) -> list[str]:
        """Its lines without blanks around them; without empty lines at both ends."""
        lines = [" ".join(line.split()) for line in _INVISIBLE.sub("", "".join(self.pieces)).split("\n")]
        filled = [place for place, line in enumerate(lines) if line]
        return lines[filled[0] : filled[-1] + 1] if filled else []

    def language(self, around: str | None) -> str | None:
        """The language of all its text, where that agrees; else of the block that it stands in."""
        return next(iter(self.languages)) if len(self.languages) == 1 else around
