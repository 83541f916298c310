"""Whether what an engine returned can be speech of its passage at all, as far as that can be seen without listening.

The engine says beforehand what is possible (`Bounds`), from phonemes or letters; this compares. It costs at most two thousandths of what
speaking costs.
"""

from __future__ import annotations

import math

import numpy as np

from worker.engines.base import Speech

LEAST_LOUDNESS = 0.003  # root mean square: -50 dB, far below any speech
FRAME = 0.01  # seconds: shorter than any sound of speech, longer than a period of any voice
EDGE = 0.005  # seconds at either end that tell whether a sound was cut
RAIL = 0.999  # of full scale: what a sample is held at that was to be louder
MOST_CLIPPED = 0.01  # share of the samples


def defect(speech: Speech) -> str:
    """What keeps this from being speech of its passage, in words; "": nothing."""
    pcm, rate, bounds = speech.pcm, speech.sample_rate, speech.bounds
    loudness = _loudness(pcm)
    if not math.isfinite(loudness):
        return "the samples are not numbers"
    if loudness < LEAST_LOUDNESS:
        return f"it is silence (loudness {loudness:.5f})"
    if not bounds.least <= speech.seconds <= bounds.most:
        return f"it takes {speech.seconds:.2f} s; {bounds.least:.2f} to {bounds.most:.2f} s were expected"
    if (clipped := clipped_share(pcm)) > MOST_CLIPPED:
        return f"{clipped:.1%} of it is clipped"
    if (pause := longest_silence(pcm, rate)) > bounds.pause:
        return f"it is silent for {pause:.2f} s; at most {bounds.pause:.2f} s were expected"
    most = bounds.edge * loudness
    span = max(1, round(EDGE * rate))
    for end, moment in (("begins", pcm[:span]), ("ends", pcm[-span:])):
        if _loudness(moment) > most:
            return f"it {end} in the middle of a sound"
    return ""


def clipped_share(pcm: np.ndarray) -> float:
    """Of the samples of `pcm`, those at the rail."""
    if max(pcm.max(), -pcm.min()) < RAIL:  # so it is nearly always, and seen in a fraction of the time
        return 0.0
    return float(np.count_nonzero(np.abs(pcm) >= RAIL)) / len(pcm)


def longest_silence(pcm: np.ndarray, rate: int) -> float:
    """Seconds of the longest stretch of `pcm` [samples] in which no frame is as loud as LEAST_LOUDNESS, its ends included."""
    size = round(FRAME * rate)
    frames = pcm[: len(pcm) // size * size].reshape(-1, size)
    energies = np.einsum("fs,fs->f", frames, frames)
    loud = np.flatnonzero(energies >= size * LEAST_LOUDNESS**2)
    return float(np.diff(loud, prepend=-1, append=len(frames)).max() - 1) * FRAME


def _loudness(pcm: np.ndarray) -> float:
    """Root mean square; not finite where some sample is not."""
    return math.sqrt(float(np.dot(pcm, pcm)) / len(pcm)) if len(pcm) else 0.0
