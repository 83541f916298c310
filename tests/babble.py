"""Recordings for tests: somebody who babbles vowels, made up from nothing, so that a test needs no voice of a real person.

It is speech enough for whoever looks for speech, and no speech in particular.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile

RATE = 16_000  # Hz
VOWELS = np.array([(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410)])  # formants a i u e o, Hz
FORMANTS = ((1.0, 60.0), (0.5, 90.0), (0.25, 120.0))  # strength and width in Hz
HARMONICS = 40
PEAK = 0.5


def babble(seconds: float = 5.0, *, seed: int = 0) -> np.ndarray:
    """float32 [samples] at RATE: gliding vowels with short pauses, another speaker for every seed."""
    random = np.random.default_rng(seed)
    height = random.uniform(100, 220)  # of the voice, Hz
    samples = np.zeros(round(seconds * RATE))
    at = RATE // 7
    while at < len(samples) - RATE // 2:
        sound = _vowel(random, height)
        samples[at : at + len(sound)] += sound
        at += len(sound) + int(random.choice([0.02, 0.05, 0.2]) * RATE)
    return (PEAK * samples / np.abs(samples).max()).astype(np.float32)


def recording(pcm: np.ndarray | None = None, form: str = "WAV", rate: int = RATE, **babbling: object) -> bytes:
    """An audio file of these samples, or of some babbling."""
    buffer = io.BytesIO()
    soundfile.write(buffer, babble(**babbling) if pcm is None else pcm, rate, format=form)  # type: ignore[arg-type]
    return buffer.getvalue()


def _vowel(random: np.random.Generator, height: float) -> np.ndarray:
    time = np.arange(int(random.uniform(0.12, 0.3) * RATE)) / RATE
    pitch = height * (1 + 0.15 * np.sin(2 * np.pi * random.uniform(1, 3) * time + random.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    first, last = VOWELS[random.integers(len(VOWELS), size=2)]
    formants = first + (last - first) * (time / time[-1])[:, None]
    sound = np.zeros(len(time))
    for harmonic in range(1, HARMONICS):
        frequency = harmonic * pitch
        strength = sum(weight / (1 + ((frequency - formants[:, k]) / width) ** 2) for k, (weight, width) in enumerate(FORMANTS))
        sound += strength * harmonic**-0.3 * np.sin(harmonic * phase) * (frequency < 0.45 * RATE)
    return sound * np.minimum(1, np.minimum(time, time[::-1]) / 0.03)  # without clicks
