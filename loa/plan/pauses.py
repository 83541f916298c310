"""Silence between what is spoken, by the structure of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loa.errors import InvalidPauses
from loa.settings import Settings

LONGEST = 10_000  # ms
LINE = 0.2  # seconds after a line of verse: enough to hear that it ends
NAMES = ("sentence", "paragraph", "heading", "chapter")


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """Seconds of silence after each, beside what the voice itself leaves."""

    sentence: float = 0.25
    paragraph: float = 0.6
    heading: float = 0.9
    chapter: float = 2.0

    @classmethod
    def of(cls, settings: Settings, wishes: Mapping[str, int] | None = None) -> Pauses:
        """Those of the settings, or, where a job wishes for others (name → ms), its own."""
        usual = cls(**{name: getattr(settings, f"pause_{name}") / 1000 for name in NAMES})
        return replace(usual, **{name: ms / 1000 for name, ms in (wishes or {}).items()})


def check_pauses(wishes: Mapping[str, int]) -> None:
    """Raises InvalidPauses for a name that nothing has, or a length that nobody means."""
    for name, ms in wishes.items():
        if name not in NAMES:
            raise InvalidPauses(f"there is no pause {name[:40]!r}; there are {', '.join(NAMES)}", known=list(NAMES))
        if not 0 <= ms <= LONGEST:
            raise InvalidPauses(f"the pause of a {name} is {ms} ms; it takes 0 to {LONGEST:,}", most=LONGEST)
