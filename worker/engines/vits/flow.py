"""The flow: prior latent → the latent that the decoder understands (VITS section 2.3; coupling layers with WaveNet blocks, run backwards).

B rows, F frames, C channels, L latent channels.
"""

from __future__ import annotations

import torch
from torch import nn

from worker.engines.rows import masked
from worker.engines.vits.architecture import Architecture
from worker.engines.vits.layers import Convolution, Linear


class Flow(nn.Module):
    """latent [B, F, L], speaker [B, 1, S] → latent [B, F, L]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(arch) for _ in range(arch.couplings))

    def forward(self, z: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        for coupling in self.couplings:
            known, moved = z.flip(-1).chunk(2, dim=-1)  # the channels in reverse order: the halves change roles, too
            z = torch.cat([known, moved - coupling(known, mask, speaker)], dim=-1)
        return masked(z, mask)


class Coupling(nn.Module):
    """What to subtract from one half of the channels, from the other half: [B, F, L / 2] → [B, F, L / 2]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        channels, layers = arch.channels, arch.coupling_layers
        self.entry = Linear(arch.latent // 2, channels)
        self.speaker = Linear(arch.speaker_channels, 2 * channels * layers) if arch.speaker_channels else None
        self.gates = nn.ModuleList(Convolution(channels, 2 * channels, arch.coupling_kernel) for _ in range(layers))
        # Each layer's output is added to the next one's input and to the sum of all; the last has no next one.
        self.exits = nn.ModuleList(Linear(channels, channels if layer == layers - 1 else 2 * channels) for layer in range(layers))
        self.exit = Linear(channels, arch.latent // 2)

    def forward(self, known: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None) -> torch.Tensor:
        x = masked(self.entry(known), mask)
        shifts = [None] * len(self.gates) if self.speaker is None else self.speaker(speaker).chunk(len(self.gates), dim=-1)
        total: torch.Tensor | None = None
        for gate, exit_, shift in zip(self.gates, self.exits, shifts, strict=True):
            content, opening = (gate(x) if shift is None else gate(x) + shift).chunk(2, dim=-1)
            y = exit_(torch.tanh(content) * torch.sigmoid(opening))
            if y.shape[-1] > x.shape[-1]:
                step, y = y.chunk(2, dim=-1)
                x = masked(x + step, mask)
            total = y if total is None else total + y
        return masked(self.exit(masked(total, mask)), mask)
