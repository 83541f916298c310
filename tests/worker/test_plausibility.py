"""What can be speech, and what cannot."""

from __future__ import annotations

import numpy as np
import pytest

from worker.engines.base import Speech
from worker.plausibility import defect

BOUNDS = (0.2, 5.0)
RATE = 16_000


def speech(pcm: np.ndarray) -> Speech:
    return Speech(pcm=pcm.astype(np.float32), sample_rate=RATE, words=())


def noise(seconds: float, loudness: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=int(RATE * seconds)) * loudness


def test_speech_passes() -> None:
    assert defect(speech(noise(3.0)), 3.0, BOUNDS) == ""


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (np.zeros(3 * RATE), "silence"),
        (noise(3.0, 0.0005), "silence"),
        (np.zeros(0), "silence"),
        (np.append(noise(3.0), np.nan), "not numbers"),
        (np.append(noise(3.0), np.inf), "not numbers"),
        (noise(0.1), "takes 0.10 s"),
        (noise(30.0), "takes 30.00 s"),
    ],
)
def test_what_cannot_be_speech_is_named(pcm: np.ndarray, words: str) -> None:
    assert words in defect(speech(pcm), 3.0, BOUNDS)


def test_the_bounds_decide_what_is_too_long() -> None:
    assert defect(speech(noise(8.0)), 3.0, (0.2, 3.0)) == ""
    assert "takes 8.00 s; about 3.0 s were expected" in defect(speech(noise(8.0)), 3.0, (0.2, 2.0))
