"""The pitch predictor: mel frames → the fundamental frequency of each, in Hz (HiFTNet section 2.2).

B rows, F frames, C channels.
"""

from __future__ import annotations

import torch
from torch import nn

from worker.engines.rows import masked
from worker.engines.viettts.architecture import VocoderShape
from worker.engines.viettts.convolution import Convolution

LAYERS = 5
KERNEL = 3


class PitchPredictor(nn.Module):
    """mel [B, F, mels] → Hz [B, F], not negative. What it says of padding means nothing."""

    def __init__(self, shape: VocoderShape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = shape.mels
        for _ in range(LAYERS):
            layers += [Convolution(inputs, shape.predictor_channels, KERNEL), nn.ELU(inplace=True)]
            inputs = shape.predictor_channels
        self.condnet = nn.Sequential(*layers)
        self.classifier = nn.Linear(shape.predictor_channels, 1)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x = mel
        for layer in self.condnet:
            x = layer(masked(x, mask) if isinstance(layer, Convolution) else x)
        return self.classifier(x).squeeze(-1).abs()
