"""What every part of the model is made of. Features come last everywhere: [B rows, T steps, C channels].

A convolution over [B, T, C] is a 1×k image convolution in channels-last memory: the same numbers, no copies, and on CPUs about twice as
fast as the [B, C, T] form.

Rows of a batch differ in length; worker/engines/rows.py has the masks that keep them apart.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from worker.engines.rows import masked


class Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Nothing: weights come out of a voice's file, and drawing random ones first costs a second."""


class Embedding(nn.Embedding):
    def reset_parameters(self) -> None:
        """Nothing, as in Linear."""


class Convolution(nn.Module):
    """[B, T, inputs] → [B, T, outputs], zeros assumed beyond both ends."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, groups: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, 1, kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.dilation, self.groups = dilation, groups
        self.padding = (kernel - 1) * dilation // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = x.transpose(1, 2).unsqueeze(2)  # [B, inputs, 1, T], a view
        image = functional.conv2d(image, self.weight, self.bias, padding=(0, self.padding), dilation=(1, self.dilation), groups=self.groups)
        return image.squeeze(2).transpose(1, 2)


class SeparableConvolutions(nn.Module):
    """A stack of depthwise convolutions with growing dilation, each mixed by a 1×1 layer and added to its input (DDSConv in VITS)."""

    def __init__(self, channels: int, kernel: int, layers: int) -> None:
        super().__init__()
        self.depthwise = nn.ModuleList(
            Convolution(channels, channels, kernel, dilation=kernel**layer, groups=channels) for layer in range(layers)
        )
        self.pointwise = nn.ModuleList(Linear(channels, channels) for _ in range(layers))
        self.depthwise_norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))
        self.pointwise_norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        for depthwise, depthwise_norm, pointwise, pointwise_norm in zip(
            self.depthwise, self.depthwise_norms, self.pointwise, self.pointwise_norms, strict=True
        ):
            y = functional.gelu(depthwise_norm(depthwise(masked(x, mask))))
            x = x + functional.gelu(pointwise_norm(pointwise(y)))
        return masked(x, mask)
