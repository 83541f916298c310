"""How loud audio is, by ITU-R BS.1770-5, and the one gain that brings it to a target.

Loudness is the mean power of overlapping blocks of 400 ms, weighted by frequency as an ear would (K-weighting), where blocks of silence and
blocks far below the rest are left out (gating). Here the weighting is done on the power spectrum: each stretch of 200 ms under a sine
window, half overlapping the next (the squares of such windows sum to one), is transformed once, its power is weighted by the squared
response of the two K filters, and four neighbours make a block. It agrees with the recursive filters to 0.1 LU, in a fraction of their time
in numpy. What is kept is a histogram of blocks in steps of 0.1 LU, so that the parts of a book are measured one by one, in any order, and
added up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

STEP = 0.1  # seconds between two blocks
BLOCK_STEPS = 4  # a block is 400 ms
SILENCE = -70.0  # LUFS: blocks below are silence
BELOW = 10.0  # LU: blocks that are so far below the mean of the rest do not count either
BIN = 0.1  # LU
OFFSET = -0.691  # dB, of the definition: a full-scale sine of 1 kHz is -3.01 LUFS
AT_ONCE = 16  # windows transformed together: about as much as a cache holds

GAIN_STEP = 0.1  # dB: so that a changed paragraph, which moves the loudness by less, leaves the gain as it was
MOST_GAIN = 24.0  # dB: what is quieter than that is noise, and is not made loud
PEAK = -1.0  # dBFS: no sample of a finished file is higher
OVERSHOOT = 0.5  # dB that a lossy codec may add to a peak


@dataclass(frozen=True, kw_only=True)
class Level:
    """What was measured of some audio. Levels add up."""

    blocks: Mapping[int, int] = field(default_factory=dict)  # bin of loudness → blocks in it
    peak: float = 0.0  # the highest sample, of full scale

    @property
    def loudness(self) -> float | None:
        """Integrated loudness in LUFS; None where everything is silence, or shorter than a block."""
        power = {bin_: 10 ** ((bin_ + 0.5) * BIN / 10) for bin_ in self.blocks}
        if not power:
            return None
        gate = _mean(power, self.blocks) * 10 ** (-BELOW / 10)
        return 10 * math.log10(_mean(power, {bin_: count for bin_, count in self.blocks.items() if power[bin_] >= gate}))


def total(levels: Iterable[Level]) -> Level:
    """The level of several stretches of audio together."""
    blocks, peak = Counter[int](), 0.0
    for level in levels:
        blocks.update(level.blocks)
        peak = max(peak, level.peak)
    return Level(blocks=blocks, peak=peak)


def gains(level: Level, target: float, *, lossless: bool) -> list[float]:
    """The gains in dB that bring audio to `target` LUFS within GAIN_STEP or so, the best one first; never a peak over PEAK.

    There is more than one so that a gain that parts of the book were encoded with before may be taken again.
    """
    if level.loudness is None or not level.peak:
        return [0.0]
    room = PEAK - (0.0 if lossless else OVERSHOOT) - 20 * math.log10(level.peak)
    best = min(target - level.loudness, room, MOST_GAIN)
    steps = round(best / GAIN_STEP)
    near = sorted((steps, steps - 1, steps + 1), key=lambda step: abs(step * GAIN_STEP - best))
    return [round(step * GAIN_STEP, 1) for step in near if step * GAIN_STEP <= room] or [round(math.floor(room / GAIN_STEP) * GAIN_STEP, 1)]


def amplified(pcm: np.ndarray, gain: float) -> np.ndarray:
    """float32 PCM with a gain in dB."""
    return pcm * np.float32(10 ** (gain / 20)) if gain else pcm


class Meter:
    """Measures audio that comes in blocks."""

    def __init__(self, sample_rate: int) -> None:
        self._hop = round(STEP * sample_rate)
        self._window, self._weights = _weighting(sample_rate, 2 * self._hop)
        self._held = np.zeros(self._hop, dtype=np.float32)  # the first window begins half before the audio
        self._steps: list[np.ndarray] = [np.zeros(0)]  # weighted energy of the last steps that are in no block yet
        self._blocks = Counter[int]()
        self._peak = 0.0

    def add(self, pcm: np.ndarray) -> None:
        """float32 [samples] that follow those before."""
        if not len(pcm):
            return
        self._peak = max(self._peak, float(pcm.max()), -float(pcm.min()))
        self._held = np.concatenate([self._held, pcm])
        size = self._hop * (AT_ONCE + 1)
        while len(self._held) >= size:
            self._transform(self._held[:size])
            self._held = self._held[size - self._hop :]

    def level(self) -> Level:
        """Of everything that was added; nothing can be added afterwards."""
        whole = len(self._held) // self._hop * self._hop
        if whole >= 2 * self._hop:
            self._transform(self._held[:whole])
        return Level(blocks=dict(sorted(self._blocks.items())), peak=self._peak)

    def _transform(self, samples: np.ndarray) -> None:
        """Windows at every hop of `samples`, which are a whole number of hops."""
        windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * self._hop)[:: self._hop]
        spectrum = np.fft.rfft(windows * self._window)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        energies = np.concatenate([*self._steps, power @ self._weights])
        means = np.convolve(energies, np.ones(BLOCK_STEPS), "valid") / (BLOCK_STEPS * self._hop) if len(energies) >= BLOCK_STEPS else []
        self._steps = [energies[-(BLOCK_STEPS - 1) :]]
        loud = np.asarray(means)[np.asarray(means) > 10 ** ((SILENCE - OFFSET) / 10)]
        self._blocks.update(np.floor((OFFSET + 10 * np.log10(loud)) / BIN).astype(int).tolist())


def _mean(power: Mapping[int, float], blocks: Mapping[int, int]) -> float:
    return sum(power[bin_] * count for bin_, count in blocks.items()) / sum(blocks.values())


@cache
def _weighting(sample_rate: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The sine window, and what each bin of its transform contributes to the energy: both sides of the spectrum (Parseval), K-weighted."""
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(z), dtype=complex)
    for numerator, denominator in _k_filters(sample_rate):
        response *= np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)
    weights = 2 * np.abs(response) ** 2 / size
    weights[0] /= 2
    if size % 2 == 0:
        weights[-1] /= 2
    return window, weights.astype(np.float32)


def _k_filters(sample_rate: int) -> list[tuple[list[float], list[float]]]:
    """The two biquads of K-weighting: a shelf for the head, a high pass for low tones.

    BS.1770 gives coefficients for 48 kHz alone; these analogue parameters, as libebur128 has them, give the same ones there.
    """
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = (
        [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0],
        [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0],
    )
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    return [shelf, high_pass]
