"""The text encoder: phoneme ids → what every id sounds like (VITS section 2.2.1; a transformer whose attention knows relative positions,
Shaw et al. 2018).

B rows, T ids, C channels, H heads, D = C / H channels a head, W = 2 · window + 1 relative positions.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from worker.engines.rows import masked
from worker.engines.vits.architecture import Architecture
from worker.engines.vits.layers import Convolution, Embedding, Linear

HIDDEN = -1e4  # the score of a key that is padding: its weight underflows to exactly 0


class TextEncoder(nn.Module):
    """ids [B, T] → features [B, T, C], mean and log scale of the latent's prior [B, T, latent]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.embedding = Embedding(arch.symbols, arch.channels)
        self.blocks = nn.ModuleList(Block(arch) for _ in range(arch.layers))
        self.prior = Linear(arch.channels, 2 * arch.latent)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = masked(self.embedding(ids) * math.sqrt(self.embedding.embedding_dim), mask)
        for block in self.blocks:
            x = block(x, mask)
        x = masked(x, mask)
        mean, log_scale = self.prior(x).chunk(2, dim=-1)
        return x, mean, log_scale


class Block(nn.Module):
    """Attention, then a convolutional feed-forward network, each added to its input and normalised."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.attention = RelativeAttention(arch.channels, arch.heads, arch.window)
        self.attention_norm = nn.LayerNorm(arch.channels)
        self.expand = Convolution(arch.channels, arch.feedforward, arch.feedforward_kernel)
        self.contract = Convolution(arch.feedforward, arch.channels, arch.feedforward_kernel)
        self.feedforward_norm = nn.LayerNorm(arch.channels)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x = self.attention_norm(x + self.attention(x, mask))
        y = self.contract(masked(self.expand(masked(x, mask)).relu(), mask))
        return self.feedforward_norm(x + y)


class RelativeAttention(nn.Module):
    """Self-attention with learned keys and values for the W nearest relative positions, shared by the heads."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.query, self.key, self.value, self.output = (Linear(channels, channels) for _ in range(4))
        self.near_keys = nn.Parameter(torch.empty(2 * window + 1, channels // heads))
        self.near_values = nn.Parameter(torch.empty(2 * window + 1, channels // heads))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        rows, steps, channels = x.shape
        query, key, value = (
            part(x).view(rows, steps, self.heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        )  # each [B, H, T, D]
        query = query / math.sqrt(channels // self.heads)
        # Scores with `window` columns to spare on either side, so that every id has all its W neighbours, be they there or not.
        wide = functional.pad(query @ key.transpose(-2, -1), (self.window, self.window))  # [B, H, T, T + 2 window]
        self._near(wide).add_(query @ self.near_keys.T)
        scores = wide[..., self.window : self.window + steps]
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :, 0] == 0, HIDDEN)
        weights = functional.softmax(scores, dim=-1)
        mixed = weights @ value + self._near(functional.pad(weights, (self.window, self.window))) @ self.near_values
        return self.output(mixed.transpose(1, 2).reshape(rows, steps, channels))

    def _near(self, wide: torch.Tensor) -> torch.Tensor:
        """The diagonal band of `wide` as a view [B, H, T, W]: element (t, w) is column t + w of row t, which is id t + w - window."""
        rows, heads, steps, columns = wide.shape
        return wide.as_strided((rows, heads, steps, 2 * self.window + 1), (*wide.stride()[:2], columns + 1, 1))
