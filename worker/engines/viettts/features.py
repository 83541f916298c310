"""What the model hears of a recording: three spectrograms, each by the law of the network that takes it.

    prompt_mel   22,050 Hz → [F, 80]       what the flow continues: HiFi-GAN's mel (Kong et al. 2020)
    log_mel_128  16,000 Hz → [1, 128, T]   for the speech tokenizer: Whisper's (Radford et al. 2022)
    fbank        16,000 Hz → [1, T, 80]    for the speaker embedding: Kaldi's filter bank (Povey et al. 2011), less its mean

Samples are float32 [n], -1..1. All three are powers or magnitudes of short spectra, weighted by triangles on a mel scale, as logarithms;
they differ in nearly every constant. T and F count frames: a hop of samples each.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

PROMPT_RATE, PROMPT_FFT, PROMPT_HOP, PROMPT_MELS, PROMPT_HIGH = 22_050, 1024, 256, 80, 8000.0
PROMPT_POWER_FLOOR, PROMPT_FLOOR = 1e-9, 1e-5

SPEECH_RATE = 16_000
WHISPER_FFT, WHISPER_HOP, WHISPER_MELS = 400, 160, 128  # 25 ms every 10 ms
WHISPER_FLOOR, WHISPER_RANGE = 1e-10, 8.0  # the range in decades below the loudest

KALDI_FRAME, KALDI_FFT, KALDI_HOP, KALDI_MELS = 400, 512, 160, 80  # 25 ms, padded to a power of two, every 10 ms
KALDI_LOW = 20.0  # Hz
KALDI_PREEMPHASIS, KALDI_POVEY = 0.97, 0.85


def prompt_mel(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 22,050 Hz → [n // 256, 80]: natural logarithms of magnitudes, as the vocoder's frames are placed."""
    edge = (PROMPT_FFT - PROMPT_HOP) // 2
    padded = functional.pad(pcm[None], (edge, edge), mode="reflect")[0]
    window = torch.hann_window(PROMPT_FFT)
    spectrum = torch.stft(padded, PROMPT_FFT, PROMPT_HOP, window=window, center=False, return_complex=True)
    magnitudes = (torch.view_as_real(spectrum).square().sum(-1) + PROMPT_POWER_FLOOR).sqrt()  # [513, F]
    mel = slaney_filters(PROMPT_RATE, PROMPT_FFT, PROMPT_MELS, PROMPT_HIGH) @ magnitudes
    return mel.clamp_min(PROMPT_FLOOR).log().T.contiguous()


def log_mel_128(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 16,000 Hz → [1, 128, n // 160]: decimal logarithms of powers, at most 8 below the loudest, moved to about -1..1."""
    spectrum = torch.stft(pcm, WHISPER_FFT, WHISPER_HOP, window=torch.hann_window(WHISPER_FFT), return_complex=True)
    powers = spectrum[:, :-1].abs().square()  # the last frame is centred on the end
    mel = slaney_filters(SPEECH_RATE, WHISPER_FFT, WHISPER_MELS, SPEECH_RATE / 2) @ powers
    decades = mel.clamp_min(WHISPER_FLOOR).log10()
    return ((decades.maximum(decades.max() - WHISPER_RANGE) + 4) / 4).unsqueeze(0)


def fbank(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 16,000 Hz → [1, 1 + (n - 400) // 160, 80]: natural logarithms of powers, each bin less its mean over the recording.

    As Kaldi does without dither. It expects samples of 16 bits as they are; the model was trained on -1..1, and so it gets these.
    """
    frames = pcm.unfold(0, KALDI_FRAME, KALDI_HOP)  # whole frames only
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    frames = (frames - KALDI_PREEMPHASIS * before) * torch.hann_window(KALDI_FRAME, periodic=False).pow(KALDI_POVEY)
    powers = torch.fft.rfft(frames, KALDI_FFT).abs().square()  # [T, 257]
    mel = powers @ kaldi_filters().T
    logs = mel.clamp_min(torch.finfo(torch.float32).eps).log()
    return (logs - logs.mean(0, keepdim=True)).unsqueeze(0)


def slaney_filters(rate: int, fft: int, mels: int, high: float) -> torch.Tensor:
    """[mels, fft / 2 + 1]: triangles from 0 Hz to `high`, evenly spaced on Slaney's mel scale, each of the same area.

    The scale is linear up to 1,000 Hz (15 mels), then 27 mels for every factor of 6.4 (Slaney 1998, Auditory Toolbox).
    """
    knee, step = 15.0, math.log(6.4) / 27
    top = 3 * high / 200 if high < 1000 else knee + math.log(high / 1000) / step
    places = torch.linspace(0, top, mels + 2, dtype=torch.double)
    corners = torch.where(places < knee, places * 200 / 3, 1000 * torch.exp(step * (places - knee)))  # Hz
    areas = (corners[2:] - corners[:-2]) / 2
    return (_triangles(corners, torch.linspace(0, rate / 2, fft // 2 + 1, dtype=torch.double)) / areas[:, None]).float()


def kaldi_filters() -> torch.Tensor:
    """[80, 257]: triangles of height 1 from 20 Hz to 8,000 Hz, evenly spaced and straight-sided on the scale 1127 · ln(1 + f / 700).

    In float32 throughout, as in Kaldi: the lowest triangles are narrower than a bin, and their rounding is heard in every logarithm.
    """
    low, high = (1127 * math.log1p(hertz / 700) for hertz in (KALDI_LOW, SPEECH_RATE / 2))
    corners = low + torch.arange(KALDI_MELS + 2) * ((high - low) / (KALDI_MELS + 1))
    bins = 1127 * (1 + torch.arange(KALDI_FFT // 2 + 1) * (SPEECH_RATE / KALDI_FFT) / 700).log()
    filters = _triangles(corners, bins)
    filters[:, -1] = 0  # 8,000 Hz is the foot of the last one
    return filters


def _triangles(corners: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """[len(corners) - 2, len(bins)]: filter i rises from corner i to i + 1 and falls to i + 2."""
    rise = (bins - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    fall = (corners[2:, None] - bins) / (corners[2:] - corners[1:-1])[:, None]
    return rise.minimum(fall).clamp_min(0)
