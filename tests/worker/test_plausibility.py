"""What can be speech, and what cannot."""

from __future__ import annotations

import time

import numpy as np
import pytest

from worker.engines.base import Bounds, Speech
from worker.plausibility import MOST_CLIPPED, defect, longest_silence

RATE = 16_000
BOUNDS = Bounds(least=2.0, most=5.0, pause=1.0, edge=0.5)


def speech(pcm: np.ndarray, bounds: Bounds = BOUNDS) -> Speech:
    return Speech(pcm=pcm.astype(np.float32), sample_rate=RATE, words=(), bounds=bounds)


def noise(seconds: float, loudness: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=int(RATE * seconds)) * loudness


def soft(seconds: float = 3.0) -> np.ndarray:
    """Noise that begins and ends quietly, as speech does."""
    pcm = noise(seconds)
    ramp = np.linspace(0, 1, RATE // 20)
    pcm[: len(ramp)] *= ramp
    pcm[-len(ramp) :] *= ramp[::-1]
    return pcm


def silenced(first: float, last: float) -> np.ndarray:
    """Speech of 4 s with silence between two moments (seconds)."""
    pcm = soft(4.0)
    pcm[int(first * RATE) : int(last * RATE)] = 0.0
    return pcm


def clipped(share: float) -> np.ndarray:
    pcm = soft()
    pcm[RATE : RATE + int(share * len(pcm))] = 1.0
    return pcm


@pytest.mark.parametrize("pcm", [soft(), soft(2.0), soft(5.0), silenced(1.0, 1.9), clipped(0.9 * MOST_CLIPPED)])
def test_speech_passes(pcm: np.ndarray) -> None:
    assert defect(speech(pcm)) == ""


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (np.zeros(3 * RATE), "it is silence"),
        (noise(3.0, 0.0005), "it is silence"),
        (np.zeros(0), "it is silence"),
        (np.append(soft(), np.nan), "not numbers"),
        (np.append(soft(), np.inf), "not numbers"),
        (np.full(3 * RATE, -np.inf), "not numbers"),
        (soft(1.9), "it takes 1.90 s; 2.00 to 5.00 s were expected"),
        (soft(30.0), "it takes 30.00 s; 2.00 to 5.00 s were expected"),
        (clipped(1.1 * MOST_CLIPPED), "1.1% of it is clipped"),
        (-clipped(0.5), "of it is clipped"),
        (silenced(1.0, 2.2), "it is silent for 1.20 s; at most 1.00 s"),
        (silenced(0.0, 1.5), "it is silent for 1.50 s"),  # its beginning is lost
        (silenced(2.0, 4.0), "it is silent for 2.00 s"),  # its end is
        (soft()[RATE // 2 :], "it begins in the middle of a sound"),
        (soft()[: -RATE // 2], "it ends in the middle of a sound"),
    ],
)
def test_what_cannot_be_speech_is_named(pcm: np.ndarray, words: str) -> None:
    assert words in defect(speech(pcm))


def test_an_engine_that_says_nothing_of_lengths_is_not_judged_by_them() -> None:
    for pcm in (noise(0.1), noise(60.0), silenced(1.0, 3.5)):
        assert defect(speech(pcm, Bounds())) == ""
    assert "silence" in defect(speech(np.zeros(RATE), Bounds()))


def test_the_longest_silence_is_measured_at_both_ends_and_in_between() -> None:
    pcm = noise(1.0)
    quiet = np.zeros(RATE // 2)
    for parts, seconds in (([pcm], 0.0), ([quiet, pcm], 0.5), ([pcm, quiet], 0.5), ([pcm, quiet, quiet, pcm, quiet], 1.0)):
        joined = np.concatenate(parts).astype(np.float32)
        assert longest_silence(joined, RATE) == pytest.approx(seconds, abs=0.011)


def test_it_costs_a_small_part_of_what_speaking_costs() -> None:
    """20 s of speech are spoken in a second at the very best."""
    long = speech(soft(20.0), Bounds(least=2.0, most=50.0, pause=1.0, edge=0.5))
    assert defect(long) == ""
    costs = []
    for _ in range(5):
        began = time.perf_counter()
        defect(long)
        costs.append(time.perf_counter() - began)
    assert min(costs) < 0.02
