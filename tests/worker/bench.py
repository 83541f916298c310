"""A real store and a real artifact folder, with the test in the place of the worker processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loa.artifacts import Artifacts
from loa.audio import Word, pack_segment
from loa.jobs import Job
from loa.settings import Settings
from loa.store import Batch, Spoken, Store
from loa.submission import Desk, Submission
from loa.voices import VoiceRegistry
from worker import paths
from worker.assembly import Assembler
from worker.planning import Planner
from worker.plans import Plans

RATE = 16_000
SLOT = "w-1/0"
QUEUES = ("plan", "speak.sine", "assemble")


@dataclass
class Bench:
    settings: Settings
    store: Store
    artifacts: Artifacts
    folder: Path

    def __post_init__(self) -> None:
        self.plans = Plans(self.artifacts)
        self.voices = VoiceRegistry(self.settings)
        self.assembler = Assembler(self.store, self.artifacts, self.plans, self.folder / "work")
        self.planner = Planner(self.store, self.artifacts, self.voices, self.settings)

    def claim(self, queue: str, most: int = 99) -> Batch:
        batch = self.store.claims.claim(queue, SLOT, most=most, seconds=1e6, rate=1.0)
        assert isinstance(batch, Batch), batch
        self.store.claims.start(batch.claim, batch.items)
        return batch

    def submit(self, text: str, **options: object) -> str:
        desk = Desk(self.voices, self.artifacts, self.settings)
        return desk.submit(self.store.jobs, Submission(text=text, voice="sine", **options)).job_id

    def speak(self, lengths: dict[int, float] | None = None) -> dict[int, np.ndarray]:
        """Be the speaker of everything that is ready: a constant per segment. Returns it by index."""
        batch = self.claim("speak.sine")
        spoken, pcm = [], {}
        for item in batch.items:
            segment = self.plans.segments(batch.jobs[item.job_id])[item.index]
            samples = np.full(int(RATE * (lengths or {}).get(item.index, 0.5)), (item.index + 1) / 100, dtype=np.float32)
            pcm[item.index] = samples
            words = [Word(text="w", start=0.1, end=0.2, offset=0)]
            self.artifacts.write(paths.segment(segment.address), pack_segment(samples, RATE, words))
            spoken.append(Spoken(item=item, audio_seconds=len(samples) / RATE))
        self.store.claims.record(batch.claim, spoken)
        return pcm

    def job(self, job_id: str) -> Job:
        return self.store.jobs.get(job_id)
