"""What the model hears of a recording, beside the reference's own front end and the formulas written out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from worker.engines.viettts import features
from worker.resample import torchaudio

GOLDEN = Path(__file__).parent / "golden" / "features.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    with np.load(GOLDEN) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files if name != "stamp"}


def heard(golden: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    return golden[name].float() / 32768


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    assert one.shape == other.shape
    assert one.dtype == other.dtype == torch.float32
    return (one - other).abs().max().item()


def test_prompt_mel_is_the_references(golden: dict[str, torch.Tensor]) -> None:
    mel = features.prompt_mel(heard(golden, "prompt"))
    assert len(mel) == len(golden["prompt"]) // 256
    assert difference(mel, golden["prompt_mel"]) <= 1e-4


def test_log_mel_is_whispers(golden: dict[str, torch.Tensor]) -> None:
    mel = features.log_mel_128(heard(golden, "speech"))
    assert mel.shape == (1, 128, len(golden["speech"]) // 160)
    assert difference(mel, golden["log_mel"]) <= 1e-4


def test_fbank_is_kaldis(golden: dict[str, torch.Tensor]) -> None:
    assert difference(features.fbank(heard(golden, "speech")), golden["fbank"].unsqueeze(0)) <= 1e-4


@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_fbank_is_that_of_the_torchaudio_at_hand(level: float) -> None:
    torchaudio()
    import torchaudio.compliance.kaldi as kaldi

    pcm = noise(1.3, 16_000) * level
    theirs = kaldi.fbank(pcm.unsqueeze(0), num_mel_bins=80, dither=0, sample_frequency=16000)
    assert difference(features.fbank(pcm)[0], theirs - theirs.mean(0)) <= 1e-4


def test_prompt_mel_is_that_of_the_torchaudio_at_hand() -> None:
    pcm = noise(1.0, 22_050)
    mel = torchaudio().transforms.MelSpectrogram(
        22_050, n_fft=1024, hop_length=256, f_max=8000, n_mels=80, power=1, norm="slaney", mel_scale="slaney", center=False
    )
    padded = torch.nn.functional.pad(pcm[None], (384, 384), mode="reflect")[0]
    assert difference(features.prompt_mel(pcm), mel(padded).clamp_min(1e-5).log().T.contiguous()) <= 1e-4


def test_log_mel_is_the_formula_written_out() -> None:
    """In float64, one frame at a time, the triangles by interpolation."""
    pcm = noise(0.2, 16_000)
    padded = np.pad(pcm.double().numpy(), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    bins = np.arange(201) * 40.0
    hertz = [mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27) for mel in np.linspace(0, 15 + 27 * math.log(8, 6.4), 130)]
    filters = [np.interp(bins, hertz[i : i + 3], [0, 2 / (hertz[i + 2] - hertz[i]), 0]) for i in range(128)]
    powers = [np.abs(np.fft.rfft(padded[start : start + 400] * window)) ** 2 for start in range(0, len(pcm), 160)]
    decades = np.log10(np.maximum(1e-10, np.array(filters) @ np.array(powers).T))
    wanted = (np.maximum(decades, decades.max() - 8) + 4) / 4
    assert difference(features.log_mel_128(pcm)[0], torch.from_numpy(wanted).float()) <= 1e-4


def test_silence_is_heard_as_the_floor() -> None:
    silence = torch.zeros(16_000)
    assert features.prompt_mel(silence).unique().tolist() == pytest.approx([math.log(1e-5)])
    assert features.log_mel_128(silence).unique().tolist() == pytest.approx([-1.5])
    assert features.fbank(silence).abs().max() < 1e-5


def noise(seconds: float, rate: int) -> torch.Tensor:
    return 0.1 * torch.randn(round(seconds * rate), generator=torch.Generator().manual_seed(1))
