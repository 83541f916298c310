"""The sizes of the VietTTS model, and how they are read from its config.yaml.

The model is three networks in a row: a language model turns text into speech tokens (25 a second), a flow turns those into a mel
spectrogram, and a vocoder turns that into samples. `FULL` has the sizes of the public model; tests use smaller ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EncoderShape:
    """A transformer with relative positions."""

    input_size: int  # channels that come in
    size: int  # channels inside and out
    heads: int
    feed_forward: int  # hidden channels of each block's feed-forward part
    layers: int


@dataclass(frozen=True, kw_only=True)
class LanguageModelShape:
    """Text → speech tokens."""

    text_vocabulary: int  # rows of the text embedding; the tokenizer has some fewer ids
    speech_vocabulary: int  # speech tokens; the one after the last ends a sentence
    speaker_size: int  # of a speaker embedding
    text_size: int  # channels of the text embedding
    size: int  # channels of the language model's input and output
    text_encoder: EncoderShape
    decoder: EncoderShape
    # how a token is drawn
    top_p: float
    top_k: int
    window: int  # so many tokens back, a repeated one is drawn again,
    tau: float  # when it makes up this share of them


@dataclass(frozen=True, kw_only=True)
class EstimatorShape:
    """The U-Net that tells the flow where to go."""

    in_channels: int  # 4 × mels: where it is, what the tokens say, the speaker, the prompt
    out_channels: int
    channels: tuple[int, ...]  # of each level
    heads: int
    head_size: int
    blocks: int  # transformer blocks beside each residual block
    mid_blocks: int  # residual blocks at the lowest level


@dataclass(frozen=True, kw_only=True)
class FlowShape:
    """Speech tokens → mel spectrogram."""

    vocabulary: int  # speech tokens
    speaker_size: int
    token_size: int  # channels of the token embedding
    mels: int
    token_rate: int  # tokens a second
    encoder: EncoderShape
    regulator_layers: int  # convolutions that smooth tokens stretched to frames
    estimator: EstimatorShape
    steps: int = 10  # of the solver
    guidance: float = 0.7  # how far to move away from what would be said without text and speaker
    sample_rate: int = 22050  # Hz, of what the frames become
    hop: int = 256  # samples a frame


@dataclass(frozen=True, kw_only=True)
class VocoderShape:
    """Mel spectrogram → samples."""

    mels: int
    channels: int  # of the first level; halved at each upsampling
    harmonics: int  # above the fundamental
    sample_rate: int  # Hz
    alpha: float  # amplitude of the harmonics in the source
    sigma: float  # standard deviation of the noise beside them
    voiced_threshold: float  # Hz; below this a frame has no pitch
    upsample_rates: tuple[int, ...]
    upsample_kernels: tuple[int, ...]
    fft: int  # of the inverse transform at the end
    hop: int  # of the same
    kernels: tuple[int, ...]  # of the residual blocks side by side at each level
    dilations: tuple[tuple[int, ...], ...]
    source_kernels: tuple[int, ...]  # of the residual block on the source, one a level
    source_dilations: tuple[tuple[int, ...], ...]
    slope: float  # of the leaky ReLUs
    limit: float  # samples are cut at this amplitude
    predictor_channels: int  # of the pitch predictor

    @property
    def frame(self) -> int:
        """Samples a frame: 8 * 8 * 4 = 256 in the public model."""
        return math.prod(self.upsample_rates) * self.hop


@dataclass(frozen=True, kw_only=True)
class Architecture:
    sample_rate: int  # Hz
    language_model: LanguageModelShape
    flow: FlowShape
    vocoder: VocoderShape


FULL = Architecture(
    sample_rate=22050,
    language_model=LanguageModelShape(
        text_vocabulary=60515,
        speech_vocabulary=4096,
        speaker_size=192,
        text_size=512,
        size=1024,
        text_encoder=EncoderShape(input_size=512, size=1024, heads=16, feed_forward=4096, layers=6),
        decoder=EncoderShape(input_size=1024, size=1024, heads=16, feed_forward=4096, layers=14),
        top_p=0.8,
        top_k=25,
        window=10,
        tau=0.1,
    ),
    flow=FlowShape(
        vocabulary=4096,
        speaker_size=192,
        token_size=512,
        mels=80,
        token_rate=25,
        encoder=EncoderShape(input_size=512, size=512, heads=8, feed_forward=2048, layers=6),
        regulator_layers=4,
        estimator=EstimatorShape(in_channels=320, out_channels=80, channels=(256, 256), heads=8, head_size=64, blocks=4, mid_blocks=12),
        steps=10,
        guidance=0.7,
        sample_rate=22050,
        hop=256,
    ),
    vocoder=VocoderShape(
        mels=80,
        channels=512,
        harmonics=8,
        sample_rate=22050,
        alpha=0.1,
        sigma=0.003,
        voiced_threshold=10,
        upsample_rates=(8, 8),
        upsample_kernels=(16, 16),
        fft=16,
        hop=4,
        kernels=(3, 7, 11),
        dilations=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
        source_kernels=(7, 11),
        source_dilations=((1, 3, 5), (1, 3, 5)),
        slope=0.1,
        limit=0.99,
        predictor_channels=512,
    ),
)
"""The public model."""
