"""How long a voice may take for a row: known from the number of its ids, before anything is spoken.

Measured with `joe`: words, numbers and sentences of four books, 7 to 601 ids a row, in 3,700 readings at speeds 0.5, 1 and 2. The length
over what is expected here has a spread (standard deviation of its logarithm) of 0.05 for long rows and 0.14 for rows of a word or two, and
none was further off than 3.2 of its spread. The limits are at more than 6 of it everywhere (at half speed at 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from worker.engines.base import Bounds

# Numbers are read in every language, and in joe's case within 5 % of the pace of its prose.
NUMERALS = "48 65 907 1234. 7, 18, 96. 250. 1999 2001 1815."

OPENING = 0.17  # seconds of silence that a row of joe's begins and ends with
AN_ID = 0.0188  # seconds of joe's for each id, of which a phoneme has two
ROUNDING = 0.5  # frames: the model rounds up the length of every id, at any speed

SHORTEST, LONGEST = 0.6, 1.7  # shares of what is expected
LESS, MORE = 0.25, 0.5  # seconds beside that: what a single word may be off
# Seconds within a row, where 0.72 was the most: after a colon. And as a share of the loudness, where 0.12 was the most: an "s".
MOST_SILENCE, LOUDEST_EDGE = 1.5, 0.6


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Of one voice."""

    factor: float  # joe's is about 1; 0: not known, any length is possible
    frame: float  # seconds
    lead: int  # frames before each row

    @classmethod
    def measured(cls, ids: Sequence[int], frames: Sequence[int], frame: float, lead: int) -> Self:
        """From rows of so many ids that took so many frames without the lead."""
        said = sum(frames) * frame - sum(ids) * ROUNDING * frame
        usual = sum(OPENING + count * AN_ID for count in ids)
        return cls(factor=max(0.0, said / usual) if usual else 0.0, frame=frame, lead=lead)

    def bounds(self, ids: Sequence[int], pauses: Sequence[float], speed: float) -> Bounds:
        """Of rows of so many ids with so many seconds of silence between them."""
        silence = MOST_SILENCE * max(1.0, self.factor) / speed + max(pauses, default=0.0)
        if not self.factor:
            return Bounds(pause=silence, edge=LOUDEST_EDGE)
        expected = sum(self._seconds(count, speed) for count in ids)
        return Bounds(
            least=max(0.0, SHORTEST * expected - LESS / speed) + sum(pauses),
            most=LONGEST * expected + MORE / speed + sum(pauses),
            pause=silence,
            edge=LOUDEST_EDGE,
        )

    def _seconds(self, ids: int, speed: float) -> float:
        return self.factor * (OPENING + ids * AN_ID) / speed + (ids * ROUNDING + self.lead) * self.frame
