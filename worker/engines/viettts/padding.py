"""Rows of unequal length in one batch of the flow: [B rows, T steps, C channels].

What stands at padded steps means nothing, and nobody may see it: whatever looks beyond its own step gets zeros there, attention does not
look there, and a norm does not count them. So a padded row comes out as it would alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Padding:
    """Which steps of a batch are padding. Where a module takes `Padding | None`, None means that no row is padded, and costs nothing."""

    lengths: torch.Tensor  # [B], steps of each row
    hidden: torch.Tensor  # [B, T, 1], True at padding
    seen: torch.Tensor  # [B, 1, 1, T], the opposite, as attention asks for it

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> Padding | None:
        """Of rows that are padded to the longest of them."""
        steps = max(lengths)
        return None if min(lengths) == steps else cls._of(torch.tensor(lengths, device=device), steps)

    @classmethod
    def _of(cls, lengths: torch.Tensor, steps: int) -> Padding:
        seen = torch.arange(steps, device=lengths.device) < lengths[:, None]
        return cls(lengths=lengths, hidden=~seen.unsqueeze(-1), seen=seen[:, None, None])

    def repeated(self, times: int) -> Padding:
        """Of a batch that has the same rows so many times over."""
        return self._of(self.lengths.repeat(times), self.hidden.shape[1])

    def halved(self) -> Padding:
        """Of every other step, beginning with the first."""
        return self._of((self.lengths + 1) // 2, (self.hidden.shape[1] + 1) // 2)


def masked(x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
    """x [B, T, C], zero at padding."""
    return x if padding is None else x.masked_fill(padding.hidden, 0.0)


class GroupNorm(nn.Module):
    """Each row's groups of channels to mean 0 and variance 1 over all its own steps: [B, T, C] → [B, T, C]."""

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__()
        self.groups, self.eps = groups, 1e-5
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: torch.Tensor, padding: Padding | None) -> torch.Tensor:
        if padding is None:
            image = x.transpose(1, 2).unsqueeze(2)
            return functional.group_norm(image, self.groups, self.weight, self.bias, self.eps).squeeze(2).transpose(1, 2)
        grouped = masked(x, padding).float().unflatten(-1, (self.groups, -1))  # [B, T, G, C / G]
        values = (padding.lengths * grouped.shape[-1])[:, None, None, None]
        mean = grouped.sum((1, 3), keepdim=True) / values
        centred = (grouped - mean).masked_fill(padding.hidden.unsqueeze(-1), 0.0)
        variance = centred.square().sum((1, 3), keepdim=True) / values
        return (centred * torch.rsqrt(variance + self.eps)).flatten(2) * self.weight + self.bias
