"""When everything is said: timings.json and the subtitles, written as the book is gone through, segment by segment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loa import subtitles
from loa.plan import Segment
from worker.assembly.measures import Spoken


@dataclass(frozen=True, kw_only=True)
class Line:
    """A segment in the audio of its job."""

    segment: Segment
    spoken: Spoken
    begin: int  # samples from the start of the job's audio
    sample_rate: int  # Hz
    language: str  # in which it is said: "vi", or empty

    @property
    def start(self) -> float:
        """Seconds from the start of the job's audio."""
        return self.begin / self.sample_rate

    @property
    def end(self) -> float:
        return (self.begin + self.spoken.samples) / self.sample_rate

    def to_json(self) -> dict[str, Any]:
        """Times are seconds from the start of the job's audio; `offset` counts characters in the text as it is written."""
        return {
            "index": self.segment.index,
            "text": self.segment.text,
            "start": round(self.start, 4),
            "end": round(self.end, 4),
            "words": [
                {
                    "text": word.text,
                    "start": round(self.start + word.start, 4),
                    "end": round(self.start + word.end, 4),
                    "offset": self.segment.source_offset(word.offset),
                }
                for word in self.spoken.words
            ],
        }

    def cues(self) -> Iterator[subtitles.Cue]:
        """Its subtitles."""
        words = [
            subtitles.Timed(self.start + word.start, self.start + word.end, self.segment.source_offset(word.offset))
            for word in self.spoken.words
        ]
        return subtitles.cues(self.segment.text, self.language, words, self.start, self.end)


def write_transcript(lines: Iterable[Line], facts: dict[str, Any], timings: Path, captions: dict[subtitles.Kind, Path]) -> None:
    """`facts`: what timings.json says before its segments. `captions`: "srt" and "vtt" → where to write; may be empty."""
    with ExitStack() as stack:
        target = stack.enter_context(timings.open("w", encoding="utf-8"))
        files = [(subtitles.Captions(kind), stack.enter_context(path.open("w", encoding="utf-8"))) for kind, path in captions.items()]
        for caption, file in files:
            file.write(caption.head)
        target.write(json.dumps(facts, ensure_ascii=False)[:-1] + ', "segments": [')
        comma = ""
        for line in lines:
            target.write(comma + json.dumps(line.to_json(), ensure_ascii=False))
            comma = ", "
            found = list(line.cues()) if files else []
            for caption, file in files:
                file.write(caption.add(found))
        target.write("]}")
