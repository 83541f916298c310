"""A whole book for the assembler, without a store: its segments lie in an artifact folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loa.artifacts import Artifacts
from loa.audio import Word, pack_segment
from loa.formats import format_named
from loa.jobs import Job, Order
from loa.plan import Origin, Plan, PlannedChapter, Segment
from tests.worker.assembly.voices import RATE, phrase
from worker import paths
from worker.assembly.making import Making
from worker.assembly.segments import Shelf

TITLES = ("Loomings", "The Carpet-Bag", "Thư “viện” / Library")


@dataclass
class Shop:
    folder: Path
    words: Sequence[str] = ("Call", "me", "Ishmael.")
    pcm: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.artifacts = Artifacts(str(self.folder / "artifacts"))

    def plan(self, count: int = 9, *, seconds: float = 1.0, chapters: int = 3, changed: dict[int, str] | None = None) -> Plan:
        """`count` spoken segments; in the place of some there may be `changed` ones, by their text."""
        segments = []
        for index in range(count):
            text = (changed or {}).get(index, f"{' '.join(self.words)} {index}.")
            address = hashlib.sha256(text.encode()).hexdigest()
            pcm = phrase(seconds + 0.37 * (index % 4), seed=int(address[:4], 16))
            self.pcm[index] = pcm
            place = [
                Word(text=word, start=0.1 + 0.2 * n, end=0.28 + 0.2 * n, offset=text.index(word)) for n, word in enumerate(text.split())
            ]
            self.artifacts.write(paths.segment(address), pack_segment(pcm, RATE, place))
            last = index % (count // chapters) == count // chapters - 1
            segments.append(Segment(index=index, text=text, address=address, audio_seconds=len(pcm) / RATE, pause=1.5 if last else 0.25))
        each = count // chapters
        planned = tuple(PlannedChapter(number=n + 1, title=TITLES[n % 3], first=n * each, count=each) for n in range(chapters))
        return Plan(segments=tuple(segments), chapters=planned, document=Origin(title="Moby-Dick", author="Herman Melville", language="en"))

    def making(self, plan: Plan, name: str, *, language: str = "en", **options: Any) -> Making:
        return Making(self.artifacts, self.job(name, language), plan, Shelf(self.artifacts), format_named(name), **options)

    def job(self, name: str, language: str = "en") -> Job:
        """`language`: of its voice."""
        order = Order(
            id=f"job_{'0' * 24}", voice="sine", fingerprint="f", engine="sine", characters=1, document="d", format=name, language=language
        )
        return Job.from_record({**order.fields(), "state": "assembling", "created": "0"})

    def parts(self) -> set[str]:
        """What is kept of parts."""
        return {stored.path for stored in self.artifacts.walk("parts")}
