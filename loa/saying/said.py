"""What is written and what is said for it: rules that replace stretches of a text, each with its name.

A rule is a pattern and a function that says a match, or declines. Rules are tried in order over the whole text; what one has taken, no
later one touches. So special cases come before general ones, and no rule sees what another one made.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Speak = Callable[[re.Match[str]], str | None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A stretch of a text, `text[start:end]`, that is said in other words than it is written."""

    start: int
    end: int
    source: str
    spoken: str
    rule: str  # its name, such as "date"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A text as it is spoken."""

    text: str
    spoken: str
    changes: tuple[Change, ...] = ()  # in order, apart from each other
    unsayable: tuple[str, ...] = ()  # what nobody knows how to say, as it is written; it is left out of `spoken`

    def source_offset(self, offset: int) -> int:
        """Where in `text` that is said which stands at `offset` of `spoken`; inside a change: where the change begins."""
        starts, ends = self._places
        at = bisect.bisect_right(starts, offset) - 1
        if at < 0:
            return offset
        change = self.changes[at]
        return change.start if offset < ends[at] else change.end + offset - ends[at]

    @property
    def _places(self) -> tuple[list[int], list[int]]:
        starts, ends, shift = [], [], 0
        for change in self.changes:
            starts.append(change.start + shift)
            ends.append(change.start + shift + len(change.spoken))
            shift += len(change.spoken) - (change.end - change.start)
        return starts, ends


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one kind of writing is said. `speak` returns None for a match that is none of its business."""

    name: str
    pattern: re.Pattern[str]
    speak: Speak
    needs: re.Pattern[str] | None = None  # without it somewhere in the text the rule is not tried: a quick look for what most prose lacks


def changes_of(text: str, rules: Iterable[Rule]) -> list[Change]:
    """What the rules make of a text, in order of place."""
    taken = bytearray(len(text))
    found: list[Change] = []
    needs, there = None, True  # neighbours share what they need; a dictionary would hash a whole pattern at every look
    for rule in rules:
        if rule.needs is not needs:
            needs = rule.needs
            there = needs is None or needs.search(text) is not None
        if not there:
            continue
        position = 0
        while match := rule.pattern.search(text, position):
            start, end = match.span()
            position = max(end, start + 1)
            if (busy := taken.find(1, start, end)) >= 0:
                position = taken.find(0, busy)  # what begins behind that may still be this rule's
                if position < 0:
                    break
                continue
            spoken = rule.speak(match) if start < end else None
            if spoken is None:
                continue
            taken[start:end] = b"\1" * (end - start)
            if spoken != match.group():
                found.append(Change(start=start, end=end, source=match.group(), spoken=spoken, rule=rule.name))
    return sorted(found, key=lambda change: change.start)


def replaced(text: str, changes: Sequence[Change]) -> str:
    """The text with every change made."""
    parts, position = [], 0
    for change in changes:
        parts += (text[position : change.start], change.spoken)
        position = change.end
    return "".join((*parts, text[position:]))
