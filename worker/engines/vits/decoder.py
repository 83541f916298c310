"""The decoder: latent frames → samples (HiFi-GAN's generator, Kong et al. 2020).

B rows, F frames, T samples of the stage at hand, C channels. Nine tenths of a voice's compute are here.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from worker.engines.vits.architecture import Architecture, Residual, Upsampling
from worker.engines.vits.layers import Convolution, masked, step_mask

SLOPE = 0.1  # of every leaky ReLU but the last
LAST_SLOPE = 0.01


class Decoder(nn.Module):
    """latent [B, F, L], frames of each row [B] (None: all of them), speaker [B, 1, S] → samples [B, F · hop], -1 … 1."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.entry = Convolution(arch.latent, arch.decoder_channels, arch.decoder_kernel)
        self.speaker = nn.Linear(arch.speaker_channels, arch.decoder_channels) if arch.speaker_channels else None
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
        mask = None if lengths is None else step_mask(lengths, x.shape[1])
        for stage in self.stages:
            x = masked(functional.leaky_relu(x, SLOPE), mask)
            if lengths is not None:
                lengths = lengths * stage.rate
                mask = step_mask(lengths, x.shape[1] * stage.rate)
            x = stage(x, mask)
        return torch.tanh(self.exit(masked(functional.leaky_relu(x, LAST_SLOPE), mask))).squeeze(-1)


class Stage(nn.Module):
    """More samples of fewer channels, then residual blocks side by side: [B, T, C] → [B, T · rate, channels]."""

    def __init__(self, inputs: int, upsampling: Upsampling, residuals: tuple[Residual, ...]) -> None:
        super().__init__()
        self.rate = upsampling.rate
        self.upsample = TransposedConvolution(inputs, upsampling)
        self.blocks = nn.ModuleList(ResidualBlock(upsampling.channels, residual) for residual in residuals)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x = self.upsample(x)
        active = masked(functional.leaky_relu(x, SLOPE), mask)  # where every block begins
        return sum(block(x, active, mask) for block in self.blocks) / len(self.blocks)


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
                y = self.plain[layer](masked(functional.leaky_relu(y, SLOPE), mask))
            x = y + x
        return x
