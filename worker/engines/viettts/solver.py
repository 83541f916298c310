"""The solver: noise → mel spectrogram, in a few Euler steps along a learned flow (Lipman et al. 2023, arXiv 2210.02747).

Each step asks the estimator twice, with everything that is known and with nothing of it, and moves away from the second answer
(classifier-free guidance; Ho, Salimans 2022, arXiv 2207.12598). Both are one call of twice as many rows.

B rows, F frames, M mel bands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from worker.engines.viettts.architecture import FlowShape
from worker.engines.viettts.estimator import Estimator
from worker.engines.viettts.padding import Padding


class Solver(nn.Module):
    def __init__(self, shape: FlowShape) -> None:
        super().__init__()
        self.steps, self.guidance = shape.steps, shape.guidance
        self.estimator = Estimator(shape.estimator)

    def forward(
        self,
        noise: torch.Tensor,
        mu: torch.Tensor,
        speaker: torch.Tensor,
        prompt: torch.Tensor,
        frames: Sequence[int],
        precision: torch.dtype | None = None,
    ) -> torch.Tensor:
        """noise, mu and prompt [B, F, M], speaker [B, M], frames of each row → mel [B, F, M]; noise and mel are zero beyond a row's frames.

        precision: of the estimator's products, where it should be lower than that of its weights.
        """
        device = noise.device
        padding = Padding.of(frames, device)
        times, strides = zip(*self.schedule(), strict=True)
        known = (torch.cat([part, torch.zeros_like(part)]) for part in (mu, speaker, prompt))
        x = noise
        with torch.autocast(device.type, dtype=precision, enabled=precision is not None):
            both = None if padding is None else padding.repeated(2)
            condition = self.estimator.condition(*known, both)
            shifts = self.estimator.shifts(torch.tensor(times, device=device))
            for shift, stride in zip(shifts, strides, strict=True):
                guided, free = self.estimator(x, shift, condition, both).float().chunk(2)
                x = x + stride * ((1.0 + self.guidance) * guided - self.guidance * free)
        return x

    def schedule(self) -> Iterator[tuple[float, float]]:
        """Time of each step, and how far it goes. Dense at the beginning, where noise turns into the outline of speech."""
        ends = 1 - torch.cos(torch.linspace(0, 1, self.steps + 1) * 0.5 * torch.pi)
        time = ends[0]
        for end in ends[1:]:
            stride = end - time
            yield time.item(), stride.item()
            time = time + stride  # in float32, as the original implementation adds them up: a rounding off from `end`
