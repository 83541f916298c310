"""Whether what an engine returned can be speech at all, as far as that can be seen without listening."""

from __future__ import annotations

import numpy as np

from worker.engines.base import Speech

LEAST_LOUDNESS = 0.003  # root mean square: -50 dB, far below any speech


def defect(speech: Speech, expected: float, bounds: tuple[float, float]) -> str:
    """What keeps this from being speech of about `expected` seconds; "": nothing. bounds: least and most share of them that it may take."""
    if not np.isfinite(speech.pcm).all():
        return "the samples are not numbers"
    loudness = float(np.sqrt(np.mean(np.square(speech.pcm, dtype=np.float64)))) if len(speech.pcm) else 0.0
    if loudness < LEAST_LOUDNESS:
        return f"it is silence (loudness {loudness:.5f})"
    shortest, longest = (bound * expected for bound in bounds)
    if not shortest <= speech.seconds <= longest:
        return f"it takes {speech.seconds:.2f} s; about {expected:.1f} s were expected"
    return ""
