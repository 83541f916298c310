"""The sizes of one VITS voice. Every field is read off the voice's weights (weights.py): a Piper voice's .json does not tell them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Upsampling:
    """One transposed convolution of the decoder."""

    channels: int  # that come out
    kernel: int
    rate: int  # samples out for each one in


@dataclass(frozen=True, kw_only=True)
class Residual:
    """One residual block of the decoder; every stage has several side by side, whose outputs are averaged."""

    kernel: int
    dilations: tuple[int, ...]
    paired: bool  # high quality: every dilated convolution is followed by an undilated one

    @property
    def reach(self) -> int:
        """Samples of the stage, to either side, that one sample depends on."""
        dilated = sum(self.dilations)
        plain = len(self.dilations) if self.paired else 0
        return (self.kernel - 1) // 2 * (dilated + plain)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Piper's low and medium voices differ in their data, not in their sizes; high voices have a larger decoder."""

    # text encoder
    symbols: int
    channels: int  # of the encoder, and hidden ones everywhere else
    latent: int  # channels of the latent, which the flow transforms and the decoder turns into samples
    layers: int
    heads: int
    window: int  # ids to either side that have a relative position of their own
    feedforward: int
    feedforward_kernel: int
    # durations
    duration_flows: int
    duration_layers: int
    duration_kernel: int
    bins: int  # of each spline
    # flow
    couplings: int
    coupling_layers: int
    coupling_kernel: int
    # decoder
    decoder_channels: int
    decoder_kernel: int  # of the first and the last convolution
    upsamplings: tuple[Upsampling, ...]
    residuals: tuple[Residual, ...]  # the same ones in every stage
    # multi-speaker voices
    speakers: int = 1
    speaker_channels: int = 0  # 0: the voice has one speaker and no embedding

    @property
    def hop(self) -> int:
        """Samples a frame: 8 * 8 * 4 = 8 * 8 * 2 * 2 = 256 in all of Piper's voices."""
        return math.prod(stage.rate for stage in self.upsamplings)

    @property
    def decoder_reach(self) -> int:
        """Frames to either side that a frame's samples depend on: 12 in medium voices, 14 in high ones."""
        reach, rate = float(self.decoder_kernel // 2), 1
        for stage in self.upsamplings:
            reach += (stage.kernel - stage.rate) / 2 / stage.rate / rate + 1 / rate
            rate *= stage.rate
            reach += max(block.reach for block in self.residuals) / rate
        return math.ceil(reach + self.decoder_kernel // 2 / rate)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Architecture:
        return cls(
            **{
                **table,
                "upsamplings": tuple(Upsampling(**stage) for stage in table["upsamplings"]),
                "residuals": tuple(Residual(**{**block, "dilations": tuple(block["dilations"])}) for block in table["residuals"]),
            }
        )
