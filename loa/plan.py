"""From text to segments: what is spoken in one go, how long it will be, and under which address its audio is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORT_TEXT = 300  # characters: text up to this length is one segment, spoken without a planning step


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One passage of a job, as it is spoken."""

    index: int  # place in the job, from 0
    text: str  # normalised
    address: str  # 64 hex digits: the content address of its audio
    audio_seconds: float  # estimated length of the speech, without the pause
    pause: float = 0.0  # seconds of silence after it

    def to_json(self) -> dict[str, Any]:
        return {"index": self.index, "text": self.text, "address": self.address, "audio_seconds": self.audio_seconds, "pause": self.pause}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Segment:
        return cls(**document)
