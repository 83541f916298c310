"""Convolutions over time. Features come last everywhere: [B rows, T steps, C channels].

A convolution over [B, T, C] is a 1×k image convolution in channels-last memory: the same numbers, no copies, and on CPUs half as fast again
as the [B, C, T] form. Weights keep the checkpoint's shapes, but lie in memory with the input channels last, too.

Rows of a batch differ in length; worker/engines/rows.py has the masks that keep them apart.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def channels_last(weight: torch.Tensor) -> torch.Tensor:
    """[outputs, inputs, kernel] → the same, in the memory layout that these modules compute in."""
    return weight.transpose(1, 2).contiguous().transpose(1, 2)


class Convolution(nn.Module):
    """[B, T, inputs] → [B, T', outputs], zeros assumed beyond both ends.

    `normed`: the checkpoint holds this weight as direction and length (weight_norm.py folds them).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, stride: int = 1, padding: int | None = None, normed: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(channels_last(torch.empty(outputs, inputs, kernel)))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.dilation, self.stride, self.normed = dilation, stride, normed
        self.padding = (kernel - 1) * dilation // 2 if padding is None else padding  # by default as many steps come out as go in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = x.transpose(1, 2).unsqueeze(2)  # [B, inputs, 1, T], a view
        image = functional.conv2d(
            image,
            self.weight.unsqueeze(2),
            self.bias,
            stride=(1, self.stride),
            padding=(0, self.padding),
            dilation=(1, self.dilation),
        )
        return image.squeeze(2).transpose(1, 2)


class TransposedConvolution(nn.Module):
    """[B, T, inputs] → [B, T · rate, outputs]."""

    normed = True

    def __init__(self, inputs: int, outputs: int, kernel: int, rate: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(channels_last(torch.empty(inputs, outputs, kernel)))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.rate, self.padding = rate, (kernel - rate) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = functional.conv_transpose2d(
            x.transpose(1, 2).unsqueeze(2), self.weight.unsqueeze(2), self.bias, stride=(1, self.rate), padding=(0, self.padding)
        )
        return image.squeeze(2).transpose(1, 2)
