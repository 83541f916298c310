"""The decoder: latent frames → samples (HiFi-GAN's generator, Kong et al. 2020).

B rows, F frames, T steps of the stage at hand, C channels. Nine tenths of a voice's compute are here, most of it in the last stages,
whose long and narrow activations do not fit a core's cache. On a CPU these stages work in pieces: stretches of the time axis with as much
context as the stage looks around itself. Pieces joined are exactly the whole, in little more than half the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from worker.engines.rows import masked, step_mask
from worker.engines.vits.architecture import Architecture, Residual, Upsampling
from worker.engines.vits.layers import Convolution, Linear

SLOPE = 0.1  # of every leaky ReLU but the last
LAST_SLOPE = 0.01
PIECE = 2**18  # values of an activation: 1 MB in float32, so that the three or four that are in use fit a core's L2 cache

Compute = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]  # x [B, T, C], lengths [B] or None → [B, T · rate, …]


class Decoder(nn.Module):
    """latent [B, F, L], frames of each row [B] (None: all of them), speaker [B, 1, S] → samples [B, F · hop], -1 … 1."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.entry = Convolution(arch.latent, arch.decoder_channels, arch.decoder_kernel)
        self.speaker = Linear(arch.speaker_channels, arch.decoder_channels) if arch.speaker_channels else None
        before = [arch.decoder_channels, *(stage.channels for stage in arch.upsamplings)]
        self.stages = nn.ModuleList(
            Stage(channels, upsampling, arch.residuals) for channels, upsampling in zip(before[:-1], arch.upsamplings, strict=True)
        )
        self.exit = Convolution(before[-1], 1, arch.decoder_kernel, bias=False)

    def forward(self, z: torch.Tensor, frames: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        lengths = frames
        x = self.entry(z if lengths is None else masked(z, step_mask(lengths, z.shape[1])))
        if self.speaker is not None:
            x = x + self.speaker(speaker)
        *stages, last = self.stages
        for stage in stages:
            x = in_pieces(stage, x, lengths, stage, stage.reach)
            lengths = None if lengths is None else lengths * stage.rate
        return in_pieces(self._finish, x, lengths, last, last.reach + math.ceil(self.exit.padding / last.rate)).squeeze(-1)

    def _finish(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """The last stage and what makes samples of it, in one: its own output would be the longest of all."""
        stage = self.stages[-1]
        x = functional.leaky_relu_(stage(x, lengths), LAST_SLOPE)
        mask = None if lengths is None else step_mask(lengths * stage.rate, x.shape[1])
        return torch.tanh(self.exit(masked(x, mask)))


class Stage(nn.Module):
    """More samples of fewer channels, then residual blocks side by side: [B, T, C] → [B, T · rate, channels]."""

    def __init__(self, inputs: int, upsampling: Upsampling, residuals: tuple[Residual, ...]) -> None:
        super().__init__()
        self.rate, self.channels = upsampling.rate, upsampling.channels
        # Steps of the input, to either side, that a step's output depends on.
        self.reach = math.ceil(upsampling.kernel / upsampling.rate / 2 + max(residual.reach for residual in residuals) / upsampling.rate)
        self.upsample = TransposedConvolution(inputs, upsampling)
        self.blocks = nn.ModuleList(ResidualBlock(upsampling.channels, residual) for residual in residuals)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        x = functional.leaky_relu(x, SLOPE)
        x = self.upsample(x if lengths is None else masked(x, step_mask(lengths, x.shape[1])))
        mask = None if lengths is None else step_mask(lengths * self.rate, x.shape[1])
        active = masked(functional.leaky_relu(x, SLOPE), mask)  # where every block begins
        total = self.blocks[0](x, active, mask)
        for block in self.blocks[1:]:
            total += block(x, active, mask)
        return total.div_(len(self.blocks))


def in_pieces(compute: Compute, x: torch.Tensor, lengths: torch.Tensor | None, stage: Stage, reach: int) -> torch.Tensor:
    """compute(x, lengths), where `compute` works at the sizes of `stage` and looks `reach` steps around each step of x."""
    steps = x.shape[1]
    size = steps if x.is_cuda else max(1, PIECE // (x.shape[0] * stage.rate * stage.channels))
    if steps <= size:
        return compute(x, lengths)
    pieces = []
    for start in range(0, steps, size):
        stop = min(start + size, steps)
        first, last = max(0, start - reach), min(steps, stop + reach)
        within = None if lengths is None or bool((lengths >= last).all()) else (lengths - first).clamp_min(0)
        pieces.append(compute(x[:, first:last], within)[:, (start - first) * stage.rate : (stop - first) * stage.rate])
    return torch.cat(pieces, dim=1)


class TransposedConvolution(nn.Module):
    """[B, T, inputs] → [B, T · rate, channels]."""

    def __init__(self, inputs: int, upsampling: Upsampling) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, upsampling.channels, 1, upsampling.kernel))
        self.bias = nn.Parameter(torch.empty(upsampling.channels))
        self.rate, self.padding = upsampling.rate, (upsampling.kernel - upsampling.rate) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = functional.conv_transpose2d(
            x.transpose(1, 2).unsqueeze(2), self.weight, self.bias, stride=(1, self.rate), padding=(0, self.padding)
        )
        return image.squeeze(2).transpose(1, 2)


class ResidualBlock(nn.Module):
    """x and active = leaky_relu(x), both [B, T, C] → [B, T, C]."""

    def __init__(self, channels: int, residual: Residual) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(Convolution(channels, channels, residual.kernel, dilation=dilation) for dilation in residual.dilations)
        self.plain = nn.ModuleList(Convolution(channels, channels, residual.kernel) for _ in residual.dilations if residual.paired)

    def forward(self, x: torch.Tensor, active: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        for layer, dilated in enumerate(self.dilated):
            if layer > 0:
                active = masked(functional.leaky_relu(x, SLOPE), mask)
            y = dilated(active)
            if self.plain:
                y = self.plain[layer](masked(functional.leaky_relu_(y, SLOPE), mask))
            x = y.add_(x)
        return x
