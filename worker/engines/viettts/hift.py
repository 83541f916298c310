"""The vocoder: mel frames → samples (HiFTNet, Li et al. 2023, arXiv 2309.09493: a source-filter HiFi-GAN that ends in an inverse STFT).

    mel ─▶ pitch ─▶ source ─▶ STFT ───────┬──────────────┐
     │                                    ▼ down         ▼
     └───▶ conv_pre ─▶ [ups ─▶ + source_resblocks ─▶ mean of resblocks] per level ─▶ conv_post ─▶ magnitude, phase ─▶ iSTFT ─▶ samples

B rows, F frames, T steps of the level at hand, C channels; features last (convolution.py). A frame becomes 8 · 8 · 4 = 256 samples. Nine
tenths of the compute are in the residual blocks, and the last level has two thirds of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from worker.engines.rows import masked, step_mask
from worker.engines.viettts.architecture import VocoderShape
from worker.engines.viettts.convolution import Convolution, TransposedConvolution
from worker.engines.viettts.f0 import PitchPredictor
from worker.engines.viettts.source import Draw, Source
from worker.engines.viettts.spectrum import analysed, synthesised

EDGE_KERNEL = 7  # of the first and the last convolution
LAST_SLOPE = 0.01  # of the leaky ReLU before the last convolution
LOUDEST = 100.0  # magnitudes are cut at this
SNAKE_FLOOR = 1e-9  # keeps an alpha of zero from dividing by it


class Vocoder(nn.Module):
    """mel [B, mels, F], frames of each row [B] (None: all), phases [B, N] and noise [B, F · frame] (source.py) → samples [B, F · frame].

    Past a row's end come zeros.
    """

    def __init__(self, shape: VocoderShape) -> None:
        super().__init__()
        self.shape = shape
        widths = [shape.channels >> (level + 1) for level in range(len(shape.upsample_rates))]
        bins = shape.fft + 2
        self.m_source = Source(shape)
        self.conv_pre = Convolution(shape.mels, shape.channels, EDGE_KERNEL)
        self.ups = nn.ModuleList(
            TransposedConvolution(before, after, kernel, rate)
            for before, after, kernel, rate in zip(
                [shape.channels, *widths[:-1]], widths, shape.upsample_kernels, shape.upsample_rates, strict=True
            )
        )
        self.source_downs = nn.ModuleList(
            _thinning(bins, width, math.prod(shape.upsample_rates[level + 1 :])) for level, width in enumerate(widths)
        )
        self.source_resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations)
            for width, kernel, dilations in zip(widths, shape.source_kernels, shape.source_dilations, strict=True)
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations)
            for width in widths
            for kernel, dilations in zip(shape.kernels, shape.dilations, strict=True)
        )
        self.conv_post = Convolution(widths[-1], bins, EDGE_KERNEL)
        self.f0_predictor = PitchPredictor(shape)

    def forward(self, mel: torch.Tensor, lengths: torch.Tensor | None, phases: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        x = mel.transpose(1, 2)
        pitch = self.f0_predictor(x, None if lengths is None else step_mask(lengths, x.shape[1]))
        return self.filtered(mel, lengths, self.m_source(pitch, phases, noise))

    def filtered(self, mel: torch.Tensor, lengths: torch.Tensor | None, source: torch.Tensor) -> torch.Tensor:
        """The same from a given source signal [B, F · frame]."""
        shape = self.shape
        steps = lengths  # of each row, at the level at hand
        ends = None if lengths is None else lengths * shape.frame
        spectrum = analysed(source, ends, shape.fft, shape.hop)
        if lengths is not None:
            spectrum = masked(spectrum, step_mask(ends // shape.hop + 1, spectrum.shape[1]))
        x = mel.transpose(1, 2)
        mask = None if steps is None else step_mask(steps, x.shape[1])
        x = self.conv_pre(masked(x, mask))
        blocks = len(shape.kernels)
        for level, up in enumerate(self.ups):
            x = up(masked(functional.leaky_relu_(x, shape.slope), mask))
            steps = None if steps is None else steps * up.rate
            if level == len(self.ups) - 1:  # a step more, because n hops have n + 1 frames: the first one twice, mirrored
                x = torch.cat([x[:, 1:2], x], dim=1)
                steps = None if steps is None else steps + 1
            mask = None if steps is None else step_mask(steps, x.shape[1])
            x += self.source_resblocks[level](self.source_downs[level](spectrum), mask)
            first, *others = self.resblocks[level * blocks : (level + 1) * blocks]
            total = first(x, mask)
            for block in others:
                total += block(x, mask)
            x = total.div_(blocks)
        x = self.conv_post(masked(functional.leaky_relu_(x, LAST_SLOPE), mask))
        magnitude, phase = x.split(shape.fft // 2 + 1, dim=-1)
        magnitude, phase = magnitude.exp().clamp_(max=LOUDEST), phase.sin()
        samples = synthesised(torch.cat([magnitude * phase.cos(), magnitude * phase.sin()], dim=-1), mask, shape.fft, shape.hop)
        samples = samples.clamp_(-shape.limit, shape.limit)
        return samples if ends is None else masked(samples, step_mask(ends, samples.shape[1]).squeeze(-1))

    def speak(self, mels: Sequence[torch.Tensor], draws: Sequence[Draw]) -> list[torch.Tensor]:
        """mels, each [mels, F] → their samples, each [F · frame], on the vocoder's device.

        On a CPU row by row: one row keeps all cores busy, and none is padded. Elsewhere as one batch.
        """
        device = self.conv_pre.weight.device
        if device.type == "cpu":
            rows = zip(mels, draws, strict=True)
            return [self(mel.unsqueeze(0), None, row.phases.unsqueeze(0), row.noise.unsqueeze(0))[0] for mel, row in rows]
        frames = [mel.shape[1] for mel in mels]
        batch = nn.utils.rnn.pad_sequence([mel.T for mel in mels], batch_first=True).transpose(1, 2)
        noise = nn.utils.rnn.pad_sequence([row.noise for row in draws], batch_first=True).to(device)
        phases = torch.stack([row.phases for row in draws]).to(device)
        lengths = None if min(frames) == max(frames) else torch.tensor(frames, device=device)
        samples = self(batch.to(device), lengths, phases, noise)
        return [row[: count * self.shape.frame] for row, count in zip(samples, frames, strict=True)]


class ResidualBlock(nn.Module):
    """[B, T, C] → [B, T, C]: pairs of convolutions, the first of each dilated, each behind a Snake."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(Convolution(channels, channels, kernel, dilation=dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(Convolution(channels, channels, kernel) for _ in dilations)
        self.activations1 = nn.ModuleList(Snake(channels) for _ in dilations)
        self.activations2 = nn.ModuleList(Snake(channels) for _ in dilations)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        for conv1, conv2, snake1, snake2 in zip(self.convs1, self.convs2, self.activations1, self.activations2, strict=True):
            y = conv1(masked(snake1(x), mask))
            x = conv2(masked(snake2(y), mask)).add_(x)
        return x


class Snake(nn.Module):
    """x + sin²(αx) / α, with an α a channel (Ziyin et al. 2020, arXiv 2006.08195): what it learns, it continues periodically."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wave = (x * self.alpha).sin_()
        return torch.addcmul(x, wave.square_(), 1 / (self.alpha + SNAKE_FLOOR), out=wave)


def _thinning(inputs: int, outputs: int, rate: int) -> Convolution:
    """The source's spectrum at the rate of a level: every `rate`-th step."""
    if rate == 1:
        return Convolution(inputs, outputs, 1, normed=False)
    return Convolution(inputs, outputs, 2 * rate, stride=rate, padding=rate // 2, normed=False)


def paced(mel: torch.Tensor, speed: float) -> torch.Tensor:
    """[mels, F] → [mels, int(F / speed)]: the same sentence faster or slower at the same pitch, frames interpolated in between."""
    if speed == 1.0:
        return mel
    return functional.interpolate(mel.unsqueeze(0), size=int(mel.shape[1] / speed), mode="linear").squeeze(0)
