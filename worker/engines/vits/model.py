"""VITS (Kim, Kong, Son 2021, arXiv 2106.06103), the half of it that speaks.

phoneme ids → text encoder → durations → every id's prior repeated for its frames, plus noise → flow → decoder → samples

The three calls below are the places where rows change their length, so each can batch rows by a length of its own (synthesis.py). B rows,
T ids, F frames, L latent channels, S speaker channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from worker.engines.rows import masked, step_mask
from worker.engines.vits.architecture import Architecture
from worker.engines.vits.decoder import Decoder
from worker.engines.vits.durations import DurationPredictor
from worker.engines.vits.encoder import TextEncoder
from worker.engines.vits.flow import Flow
from worker.engines.vits.layers import Embedding

MOST_FRAMES = 200  # of one id (2.3 s at 22,050 Hz): nothing a person says lasts as long; a bound on what odd input can cost


class Encoded(NamedTuple):
    """What the text says of the latent."""

    mean: torch.Tensor  # [B, T, L]
    log_scale: torch.Tensor  # [B, T, L]
    frames: torch.Tensor  # [B, T], whole numbers as int64; 0 at padding


class Vits(nn.Module):
    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch
        self.speakers = Embedding(arch.speakers, arch.speaker_channels) if arch.speaker_channels else None
        self.encoder = TextEncoder(arch)
        self.durations = DurationPredictor(arch)
        self.flow = Flow(arch)
        self.decoder = Decoder(arch)

    def encode(
        self, ids: torch.Tensor, noise: torch.Tensor, pace: torch.Tensor, lengths: torch.Tensor | None, speaker: torch.Tensor | None
    ) -> Encoded:
        """ids [B, T], noise [B, T, 2], pace [B] (length scale: 2 is half as fast), lengths [B] or None, speaker [B] → Encoded."""
        mask = None if lengths is None else step_mask(lengths, ids.shape[1])
        x, mean, log_scale = self.encoder(ids, mask)
        log_frames = self.durations(x, noise, mask, self._embed(speaker))
        frames = torch.ceil(torch.exp(log_frames) * pace[:, None]).clamp(max=MOST_FRAMES)
        return Encoded(mean, log_scale, (frames if mask is None else frames * mask[..., 0]).long())

    def transform(self, prior: torch.Tensor, lengths: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        """A sample of the prior [B, F, L], lengths [B] or None, speaker [B] → latent [B, F, L]."""
        mask = None if lengths is None else step_mask(lengths, prior.shape[1])
        return self.flow(masked(prior, mask), mask, self._embed(speaker))

    def decode(self, latent: torch.Tensor, lengths: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        """latent [B, F, L], lengths [B] or None, speaker [B] → samples [B, F · hop]."""
        return self.decoder(latent, lengths, self._embed(speaker))

    def _embed(self, speaker: torch.Tensor | None) -> torch.Tensor | None:
        return None if self.speakers is None else self.speakers(speaker)[:, None]  # [B, 1, S]
