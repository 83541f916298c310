"""What a player makes of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np


@dataclass(frozen=True)
class Heard:
    pcm: np.ndarray  # float32 [samples]
    sample_rate: int
    metadata: dict[str, str]
    chapters: list[tuple[str, float, float]]  # title, start, end in seconds
    covers: int


def hear(path: Path) -> Heard:
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        unit = [(one, float(one["time_base"])) for one in file.chapters()]
        chapters = [(one["metadata"]["title"], one["start"] * base, one["end"] * base) for one, base in unit]
        metadata, covers = {**file.metadata, **stream.metadata}, len(file.streams.video)
        frames = [frame.to_ndarray() for frame in file.decode(stream)]
        pcm = np.concatenate([frame.mean(axis=0) for frame in frames]).astype(np.float32)
        if frames[0].dtype.kind == "i":
            pcm /= -float(np.iinfo(frames[0].dtype).min)
        return Heard(pcm, stream.rate, metadata, chapters, covers)
