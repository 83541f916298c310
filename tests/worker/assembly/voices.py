"""Audio to assemble: something like a voice, with everything between 100 Hz and 8 kHz, in phrases that begin and end in silence."""

from __future__ import annotations

import numpy as np

RATE = 22050  # Hz


def phrase(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """float32 PCM [samples], at most half of full scale."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * (0.7 + random.random()) * time)) / rate
    voiced = sum(np.sin(order * pitch + random.random()) / order for order in range(1, 40))
    syllables = (0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)) ** 2
    sound = voiced * syllables + 0.05 * random.standard_normal(len(time)) * (1 - syllables)
    edge = round(0.03 * rate)
    sound[:edge] *= np.linspace(0, 1, edge) ** 2
    sound[-edge:] *= np.linspace(1, 0, edge) ** 2
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def decibels(signal: np.ndarray, error: np.ndarray) -> float:
    """How far an error lies below a signal."""
    return float(10 * np.log10(np.mean(np.square(signal, dtype=np.float64)) / np.mean(np.square(error, dtype=np.float64))))
