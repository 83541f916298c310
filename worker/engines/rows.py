"""Rows of unequal length in one batch, padded to the longest, with features last: [B rows, T steps, C channels].

A mask is 1 where a row has a step and 0 where it is padding, as [B, T, 1]; None means that no row is padded, and costs nothing. Whatever
looks beyond its own step gets masked input, so a padded row comes out as it would alone.
"""

from __future__ import annotations

import torch


def step_mask(lengths: torch.Tensor, steps: int) -> torch.Tensor:
    """lengths [B] → float mask [B, steps, 1]."""
    return (torch.arange(steps, device=lengths.device) < lengths[:, None]).unsqueeze(-1).float()


def masked(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return x if mask is None else x * mask
