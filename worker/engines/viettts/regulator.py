"""The length regulator: what the encoder says of each token → the same for each frame of the mel spectrogram.

tokens (25 a second) → linear interpolation → frames (86.13 a second) → convolutions that smooth the seams → frames

Prompt and speech are stretched apart from each other, so that speech begins exactly at a frame. Long speech is stretched in three pieces,
so that its beginning and its end have the same rhythm whatever its length.

B rows, T tokens, F frames, C channels (as many as the mel spectrogram has bands).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from worker.engines.viettts.architecture import FlowShape
from worker.engines.viettts.convolution import Convolution
from worker.engines.viettts.padding import GroupNorm, Padding, masked

EDGE = 20  # tokens of the first and of the last piece of speech, 0.8 s each; speech of up to 2 · EDGE tokens is one piece


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """How long one row is, before and after: the prompt, then the speech."""

    prompt_tokens: int
    prompt_frames: int
    tokens: int
    frames: int

    @property
    def all_frames(self) -> int:
        return self.prompt_frames + self.frames


def frames_of(shape: FlowShape, tokens: int) -> int:
    """How many frames so many tokens of speech become: 689 from 200."""
    return tokens * shape.sample_rate // (shape.token_rate * shape.hop)


class Regulator(nn.Module):
    """[B, T, C], the stretch of every row → [B, F, C]. What stands beyond a row's own frames means nothing."""

    def __init__(self, shape: FlowShape) -> None:
        super().__init__()
        self.edge_frames = frames_of(shape, EDGE)
        smoothing = ((_convolution(shape, 3), GroupNorm(1, shape.mels), nn.Mish()) for _ in range(shape.regulator_layers))
        self.model = nn.ModuleList([*itertools.chain(*smoothing), _convolution(shape, 1)])

    def forward(self, x: torch.Tensor, rows: Sequence[Stretch]) -> torch.Tensor:
        frames = [row.all_frames for row in rows]
        padding = Padding.of(frames, x.device)
        y = x.new_zeros(len(rows), max(frames), x.shape[-1])
        for index, row in enumerate(rows):
            token = frame = 0
            for tokens, span in self._pieces(row):
                piece = x[index, token : token + tokens].T.unsqueeze(0)  # [1, C, T]
                y[index, frame : frame + span] = functional.interpolate(piece, size=span, mode="linear").squeeze(0).T
                token, frame = token + tokens, frame + span
        *layers, exit_ = self.model  # convolution, norm and Mish in turn
        for convolution, norm in zip(layers[::3], layers[1::3], strict=True):
            y = functional.mish(norm(convolution(masked(y, padding)), padding))
        return exit_(y)

    def _pieces(self, row: Stretch) -> Iterator[tuple[int, int]]:
        """Tokens and frames of every piece of a row, in order."""
        if row.prompt_tokens:
            yield row.prompt_tokens, row.prompt_frames
        if row.tokens > 2 * EDGE:
            yield EDGE, self.edge_frames
            yield row.tokens - 2 * EDGE, row.frames - 2 * self.edge_frames
            yield EDGE, self.edge_frames
        else:
            yield row.tokens, row.frames


def _convolution(shape: FlowShape, kernel: int) -> Convolution:
    return Convolution(shape.mels, shape.mels, kernel, normed=False)
