"""Where a sentence begins and ends: what it is joined to is silence."""

from __future__ import annotations

import torch

EDGE_SECONDS = 0.003  # of the fade at both ends of a sentence


def softened(samples: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """[T] → the same with its first and last EDGE_SECONDS faded.

    A model may begin or end inside a sound, and what it is joined to is silence: a step, which clicks. Three milliseconds round the step
    off and are shorter than any sound of speech. (VietTTS's reference fades a tenth of a second, which swallows consonants.)
    """
    length = min(round(EDGE_SECONDS * sample_rate), len(samples) // 2)
    rise = torch.hann_window(2 * length + 1, periodic=False, device=samples.device)[:length]
    softened = samples.clone()
    softened[:length] *= rise
    softened[len(samples) - length :] *= rise.flip(0)
    return softened
