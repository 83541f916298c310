"""The source: pitch → the sound of vocal folds, before any filter (neural source-filter model, Wang et al. 2019; HiFTNet section 2.1).

Where a frame has a pitch, the fundamental and its harmonics as sines; where it has none, noise. A linear layer and a tanh make one signal
of them. B rows, F frames, T = F · frame samples, N = harmonics + 1 sines.

Two things are computed otherwise than in the reference, with the same law:
- The phase is the running sum of the pitch. The reference sums samples in float32, which loses a thousandth of a period within ten seconds
  (and nine times that at the ninth harmonic). Pitch is constant within a frame, so a sum over frames in float64 is both exact and short.
- Each sine has white noise of its own there, all N of the same deviation, and the linear layer adds them up with its weights w. A weighted
  sum of independent normals is a normal of deviation ‖w‖: one draw a sample does for all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

from worker.engines.viettts.architecture import VocoderShape


class Draw(NamedTuple):
    """What chance contributes to one row, on the CPU."""

    phases: torch.Tensor  # [N]: where each sine begins, -π … π; the fundamental at 0
    noise: torch.Tensor  # [T]: standard normal


def draw(shape: VocoderShape, frames: int, generator: torch.Generator) -> Draw:
    """For a row of `frames`, from its own generator: drawn at the unpadded length, the same row sounds the same in any batch."""
    phases = (torch.rand(shape.harmonics + 1, generator=generator) * 2 - 1) * math.pi
    phases[0] = 0
    return Draw(phases, torch.randn(frames * shape.frame, generator=generator))


class Source(nn.Module):
    """pitch [B, F] in Hz, phases [B, N], noise [B, T] → samples [B, T], -1 … 1. Each sample depends on earlier ones only."""

    def __init__(self, shape: VocoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.l_linear = nn.Linear(shape.harmonics + 1, 1)

    def forward(self, pitch: torch.Tensor, phases: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        shape = self.shape
        cycles = pitch.double() / shape.sample_rate  # of the fundamental, a sample [B, F]
        before = cycles.cumsum(1).sub_(cycles).mul_(shape.frame)  # at each frame's begin
        count = torch.arange(1, shape.frame + 1, device=pitch.device, dtype=torch.double)
        cycle = (before.unsqueeze(-1) + cycles.unsqueeze(-1) * count).remainder_(1)  # [B, F, frame]
        angle = cycle.flatten(1).float().mul_(2 * math.pi)
        voiced = (pitch > shape.voiced_threshold).float().repeat_interleave(shape.frame, dim=1)  # [B, T]
        weights = self.l_linear.weight[0]
        deviation = torch.where(voiced > 0, shape.sigma, shape.alpha / 3) * torch.linalg.vector_norm(weights)
        total = deviation * noise + self.l_linear.bias
        for number, (weight, phase) in enumerate(zip(weights, phases.T, strict=True), start=1):
            total += torch.sin(angle * number + phase.unsqueeze(-1)).mul_(voiced).mul_(weight * shape.alpha)
        return total.tanh_()
