"""One passage of a job, as it is spoken in one go."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Shift = tuple[int, int, int, int]  # text[start:end] is said as spoken[spoken_start:spoken_end]


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A passage, what an engine gets for it, and where its audio is.

    What equals its default is left out of the JSON, so the records of jobs whose words are spoken as they are written stay as they always
    were, and those of older versions are read.
    """

    index: int  # place in the job, from 0
    text: str  # as it is written: normalised, NFC
    address: str  # 64 hex digits: the content address of its audio
    audio_seconds: float  # estimated length of the speech, without the pause
    pause: float = 0.0  # seconds of silence after it
    spoken: str = ""  # what the engine gets; equal to `text` where nothing is changed
    changes: tuple[Shift, ...] = ()  # what is said in other words than it is written, in order
    language: str = ""  # in which it is said; "": the language of the job's voice
    voice: str = ""  # name; "": the job's voice
    engine: str = ""  # of that voice; "": the job's engine

    def __post_init__(self) -> None:
        if not self.spoken:
            object.__setattr__(self, "spoken", self.text)

    def source_offset(self, offset: int) -> int:
        """Where in `text` that is written which stands at `offset` of `spoken`; inside a change: where the change begins."""
        at = bisect.bisect_right(self.changes, offset, key=_spoken_start) - 1
        if at < 0:
            return offset
        start, end, _, spoken_end = self.changes[at]
        return start if offset < spoken_end else end + offset - spoken_end

    def to_json(self) -> dict[str, Any]:
        required = {name: getattr(self, name) for name in ("index", "text", "address", "audio_seconds", "pause")}
        optional: dict[str, Any] = {name: getattr(self, name) for name in ("changes", "language", "voice", "engine")}
        if self.spoken != self.text:
            required["spoken"] = self.spoken
        return required | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Segment:
        """Raises TypeError or ValueError for what is no segment. Fields of later versions are passed over."""
        known = {name: value for name, value in document.items() if name in _FIELDS}
        if "changes" in known:
            known["changes"] = tuple(_shift(change) for change in known["changes"])
        return cls(**known)


_FIELDS = frozenset(field.name for field in fields(Segment))


def _spoken_start(change: Shift) -> int:
    return change[2]


def _shift(change: Any) -> Shift:
    start, end, spoken_start, spoken_end = change
    return start, end, spoken_start, spoken_end
