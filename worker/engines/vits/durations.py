"""How many frames each phoneme lasts: VITS's stochastic duration predictor, run backwards from noise to log durations.

Two channels of noise an id go through spline flows (Durkan et al. 2019: monotonic rational-quadratic splines), each bending one channel
in the light of the other and of the text. B rows, T ids, C channels, K bins.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from worker.engines.rows import masked
from worker.engines.vits.architecture import Architecture
from worker.engines.vits.layers import Linear, SeparableConvolutions

BOUND = 5.0  # a spline bends values within ±BOUND and leaves others alone
LEAST = 1e-3  # of a bin's width, height and slope, so that the spline stays invertible
END_SLOPE = math.log(math.expm1(1 - LEAST))  # softplus of this, plus LEAST, is 1: the slope at both ends


class DurationPredictor(nn.Module):
    """features [B, T, C], noise [B, T, 2], speaker [B, 1, S] → log of the frames of each id [B, T]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.entry = Linear(arch.channels, arch.channels)
        self.speaker = Linear(arch.speaker_channels, arch.channels) if arch.speaker_channels else None
        self.convolutions = SeparableConvolutions(arch.channels, arch.duration_kernel, arch.duration_layers)
        self.exit = Linear(arch.channels, arch.channels)
        self.flows = nn.ModuleList(SplineFlow(arch) for _ in range(arch.duration_flows))
        self.shift = nn.Parameter(torch.empty(2))
        self.log_scale = nn.Parameter(torch.empty(2))

    def forward(self, x: torch.Tensor, noise: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        x = self.entry(x)
        if self.speaker is not None:
            x = x + self.speaker(speaker)
        condition = masked(self.exit(self.convolutions(x, mask)), mask)
        bent, known = noise.split(1, dim=-1)  # each [B, T, 1]
        for flow in self.flows:  # the channel that was bent is the one that is known to the next flow
            bent, known = known, flow(bent, known, condition, mask)
        return ((known - self.shift[0]) * torch.exp(-self.log_scale[0])).squeeze(-1)


class SplineFlow(nn.Module):
    """bent [B, T, 1], known [B, T, 1], condition [B, T, C] → bent [B, T, 1]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.bins = arch.bins
        self.entry = Linear(1, arch.channels)
        self.convolutions = SeparableConvolutions(arch.channels, arch.duration_kernel, arch.duration_layers)
        self.exit = Linear(arch.channels, 3 * arch.bins - 1)

    def forward(self, bent: torch.Tensor, known: torch.Tensor, condition: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        h = self.exit(self.convolutions(self.entry(known) + condition, mask))
        widths, heights, slopes = h.split((self.bins, self.bins, self.bins - 1), dim=-1)
        scale = math.sqrt(condition.shape[-1])
        return masked(unbend(bent, widths / scale, heights / scale, slopes), mask)


def unbend(y: torch.Tensor, widths: torch.Tensor, heights: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """The x whose spline value is y [..., 1], for raw widths and heights [..., K] and raw inner slopes [..., K - 1]."""
    x_knots, y_knots = knots(widths), knots(heights)
    slopes = LEAST + functional.softplus(functional.pad(slopes, (1, 1), value=END_SLOPE))
    bin_ = ((y >= y_knots[..., 1:-1]).sum(-1, keepdim=True)).long()  # 0 … K-1: how many inner knots lie at or below y
    x0, x1 = x_knots.gather(-1, bin_), x_knots.gather(-1, bin_ + 1)
    y0, y1 = y_knots.gather(-1, bin_), y_knots.gather(-1, bin_ + 1)
    slope0, slope1 = slopes.gather(-1, bin_), slopes.gather(-1, bin_ + 1)
    width, height, rise = x1 - x0, y1 - y0, y - y0
    delta = height / width
    # Within a bin, y is a quotient of two quadratics of the place in it (0 … 1); solved for that place.
    bulge = slope0 + slope1 - 2 * delta
    a = rise * bulge + height * (delta - slope0)
    b = height * slope0 - rise * bulge
    c = -delta * rise
    root = 2 * c / (-b - torch.sqrt((b.square() - 4 * a * c).clamp_min(0)))
    return torch.where(y.abs() <= BOUND, x0 + root * width, y)


def knots(raw: torch.Tensor) -> torch.Tensor:
    """raw sizes of K bins [..., K] → K + 1 rising knots from -BOUND to BOUND."""
    bins = raw.shape[-1]
    sizes = LEAST + (1 - LEAST * bins) * functional.softmax(raw, dim=-1)
    inner = 2 * BOUND * sizes.cumsum(-1)[..., :-1] - BOUND
    return functional.pad(functional.pad(inner, (1, 0), value=-BOUND), (0, 1), value=BOUND)
