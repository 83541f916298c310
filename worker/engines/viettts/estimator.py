"""The estimator: where a noisy mel spectrogram should move (Matcha-TTS, Mehta et al. 2024, arXiv 2309.03199; a U-Net of residual blocks,
each followed by transformer blocks).

x, mu, speaker, prompt → down: level 0, halve, level 1 → middle: level 1 → up: level 1, double, level 0 → direction

All steps of a solve ask it about the same text, speaker and prompt, at times that are known beforehand. So what the first block makes of
those (`condition`) and what every block makes of the times (`shifts`) is computed once a solve, and a step adds what depends on x.

B rows, F frames, T steps of a level (F, then half as many), M mel bands, C channels, H heads, D channels a head. Attributes are named as
in the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from worker.engines.viettts.architecture import EstimatorShape
from worker.engines.viettts.convolution import Convolution, TransposedConvolution
from worker.engines.viettts.padding import GroupNorm, Padding, masked

GROUPS = 8  # of every norm
KERNEL = 3  # steps, of every convolution that looks around itself
TIME_SCALE = 1000.0  # times run from 0 to 1; sinusoids tell whole numbers apart


class Entered(NamedTuple):
    """What a residual block makes of its input before the first norm: a sum over the input's channels, so it can be had in parts."""

    convolved: torch.Tensor  # [B, T, C], by its first convolution
    shortcut: torch.Tensor  # [B, T, C], by the way around its convolutions


class Estimator(nn.Module):
    def __init__(self, shape: EstimatorShape) -> None:
        super().__init__()
        self.mels = shape.out_channels
        time_size = 4 * shape.channels[0]
        self.time_mlp = TimeEmbedding(shape.in_channels, time_size)
        *higher, lowest = shape.channels
        exits = [*(Halving(channels) for channels in higher), Convolution(lowest, lowest, KERNEL, normed=False)]
        sizes = zip((shape.in_channels, *higher), shape.channels, exits, strict=True)
        self.down_blocks = nn.ModuleList(Stage(shape, inputs, channels, time_size, exit_) for inputs, channels, exit_ in sizes)
        self.mid_blocks = nn.ModuleList(Stage(shape, lowest, lowest, time_size) for _ in range(shape.mid_blocks))
        outputs = (*reversed(higher), shape.channels[0])
        exits = [*(Doubling(channels) for channels in outputs[:-1]), Convolution(outputs[-1], outputs[-1], KERNEL, normed=False)]
        sizes = zip(reversed(shape.channels), outputs, exits, strict=True)
        self.up_blocks = nn.ModuleList(Stage(shape, 2 * inputs, channels, time_size, exit_) for inputs, channels, exit_ in sizes)
        self.final_block = Smoothing(outputs[-1], outputs[-1])
        self.final_proj = Convolution(outputs[-1], shape.out_channels, 1, normed=False)

    def shifts(self, times: torch.Tensor) -> list[tuple[torch.Tensor, ...]]:
        """times [N] → for each, what it adds in every residual block, [C] each, in the order in which the blocks run."""
        embedded = self.time_mlp(times)
        stages = (*self.down_blocks, *self.mid_blocks, *self.up_blocks)
        return list(zip(*(stage.residual.mlp(embedded) for stage in stages), strict=True))

    def condition(self, mu: torch.Tensor, speaker: torch.Tensor, prompt: torch.Tensor, padding: Padding | None = None) -> Entered:
        """What does not change from step to step: mu and prompt [B, F, M], speaker [B, M]."""
        known = torch.cat([mu, speaker.unsqueeze(1).expand_as(mu), prompt], dim=-1)
        return self.down_blocks[0].residual.enter(masked(known, padding), slice(self.mels, None))

    def forward(self, x: torch.Tensor, shifts: Sequence[torch.Tensor], condition: Entered, padding: Padding | None = None) -> torch.Tensor:
        """x [B, F, M], zero at padding → direction [R, F, M], zero at padding.

        Condition and padding have R rows: B, or B several times over. Then each row of x is asked about in several conditions at once.
        """
        levels = [padding]
        for _ in self.down_blocks[1:]:
            levels.append(None if padding is None else levels[-1].halved())
        shift = iter(shifts)
        skips: list[torch.Tensor] = []
        for stage, level in zip(self.down_blocks, levels, strict=True):
            entered = stage.enter(x, level) if skips else self._begin(x, condition)
            x = stage(entered, next(shift), level)
            skips.append(x)
            x = stage.leave(x, level)
        for stage in self.mid_blocks:
            x = stage(stage.enter(x, levels[-1]), next(shift), levels[-1])
        for stage, level in zip(self.up_blocks, reversed(levels), strict=True):
            skip = skips.pop()
            x = torch.cat([x[:, : skip.shape[1]], skip], dim=-1)  # an odd number of steps, halved and doubled, is one step too long
            x = stage.leave(stage(stage.enter(x, level), next(shift), level), level)
        return masked(self.final_proj(self.final_block(x, padding)), padding)

    def _begin(self, x: torch.Tensor, condition: Entered) -> Entered:
        """x [B, F, M] enters the first block; condition [R, F, C] has entered already."""
        moving = self.down_blocks[0].residual.enter(x, slice(self.mels), bias=False)
        return Entered(*((still.unflatten(0, (-1, len(x))) + part).flatten(0, 1) for still, part in zip(condition, moving, strict=True)))


class Stage(nn.ModuleList):
    """A residual block, then transformer blocks; `leave` is the way to the next level, where there is one. All over [B, T, C]."""

    def __init__(self, shape: EstimatorShape, inputs: int, channels: int, time_size: int, exit_: nn.Module | None = None) -> None:
        blocks = nn.ModuleList(TransformerBlock(channels, shape.heads, shape.head_size) for _ in range(shape.blocks))
        super().__init__([ResidualBlock(inputs, channels, time_size), blocks, *([] if exit_ is None else [exit_])])

    @property
    def residual(self) -> ResidualBlock:
        return self[0]

    def enter(self, x: torch.Tensor, padding: Padding | None) -> Entered:
        return self.residual.enter(masked(x, padding))

    def forward(self, entered: Entered, shift: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        x = self.residual(entered, shift, padding)
        for block in self[1]:
            x = block(x, padding)
        return x

    def leave(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        return self[2](masked(x, padding))


class ResidualBlock(nn.Module):
    """enter: [B, T, inputs] → Entered. forward: that, and the time's shift [C] → [B, T, C]."""

    def __init__(self, inputs: int, channels: int, time_size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time_size, channels))
        self.block1 = Smoothing(inputs, channels)
        self.block2 = Smoothing(channels, channels)
        self.res_conv = Convolution(inputs, channels, 1, normed=False)

    def enter(self, x: torch.Tensor, channels: slice = slice(None), *, bias: bool = True) -> Entered:
        """x: those of the input's channels, zero at padding. The biases belong to one of the parts, if there are several."""
        image = x.transpose(1, 2).unsqueeze(2)  # [B, inputs, 1, T], as in Convolution
        entered = (
            functional.conv2d(image, part.weight[:, channels].unsqueeze(2), part.bias if bias else None, padding=(0, part.padding))
            for part in (self.block1.convolution, self.res_conv)
        )
        return Entered(*(image.squeeze(2).transpose(1, 2) for image in entered))

    def forward(self, entered: Entered, shift: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        x = self.block1.settle(entered.convolved, padding)
        return self.block2(x + shift, padding) + entered.shortcut


class Smoothing(nn.Module):
    """Convolution, norm, Mish: [B, T, inputs] → [B, T, C]."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(Convolution(inputs, channels, KERNEL, normed=False), GroupNorm(GROUPS, channels), nn.Mish())

    @property
    def convolution(self) -> Convolution:
        return self.block[0]

    def settle(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        """What follows the convolution."""
        return functional.mish(self.block[1](x, padding))

    def forward(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        return self.settle(self.convolution(masked(x, padding)), padding)


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)): [B, T, C] → [B, T, C]."""

    def __init__(self, channels: int, heads: int, head_size: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, heads, head_size)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels, 4 * channels)

    def forward(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        x = x + self.attn1(self.norm1(x), padding)
        return x + self.ff(self.norm3(x))


class Attention(nn.Module):
    """[B, T, C] → [B, T, C]; every step sees all of its row's own steps."""

    def __init__(self, channels: int, heads: int, head_size: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, heads * head_size, bias=False) for _ in range(3))
        self.to_out = nn.Sequential(nn.Linear(heads * head_size, channels))

    def forward(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        query, key, value = (self._by_head(x, part) for part in (self.to_q, self.to_k, self.to_v))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=None if padding is None else padding.seen)
        return self.to_out(mixed.transpose(1, 2).flatten(2))

    def _by_head(self, x: torch.Tensor, part: nn.Linear) -> torch.Tensor:
        """[B, T, C] → [B, H, T, D]."""
        if x.is_cuda or torch.is_autocast_enabled("cpu"):
            return part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        # In float32 a CPU attends faster when the steps of a head lie side by side in memory: as one product for each head leaves them.
        rows, steps, channels = x.shape
        weights = part.weight.view(self.heads, -1, channels).transpose(1, 2)  # [H, C, D]
        product = torch.bmm(x.reshape(1, rows * steps, channels).expand(self.heads, -1, -1), weights)
        return product.view(self.heads, rows, steps, -1).transpose(0, 1)


class FeedForward(nn.Module):
    """[B, T, C] → [B, T, C]; every step by itself."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(Gelu(channels, hidden), nn.Identity(), nn.Linear(hidden, channels))  # identity: where training drops out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class Gelu(nn.Module):
    """A linear layer and the exact GELU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(self.proj(x))


class TimeEmbedding(nn.Module):
    """times [N] → [N, C]."""

    def __init__(self, sinusoids: int, channels: int) -> None:
        super().__init__()
        self.frequencies = sinusoids // 2
        self.linear_1 = nn.Linear(sinusoids, channels)
        self.linear_2 = nn.Linear(channels, channels)

    def forward(self, times: torch.Tensor) -> torch.Tensor:
        steps = torch.arange(self.frequencies, dtype=torch.float32, device=times.device)
        angles = TIME_SCALE * times[:, None] * torch.exp(steps * (-math.log(10000.0) / (self.frequencies - 1)))
        return self.linear_2(functional.silu(self.linear_1(torch.cat([angles.sin(), angles.cos()], dim=-1))))


class Halving(nn.Module):
    """[B, T, C] → [B, ⌈T / 2⌉, C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, KERNEL, stride=2, normed=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Doubling(nn.Module):
    """[B, T, C] → [B, 2T, C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = TransposedConvolution(channels, channels, kernel=4, rate=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)
