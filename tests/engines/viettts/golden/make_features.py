"""Make features.npz: what the reference's own front end hears in a short sound.

    python tests/engines/viettts/golden/make_features.py

It runs where these can be imported: viet-tts 0.1.0 (its mel spectrogram, without vinorm, which that module imports as well), librosa 0.11
(the filters of it), openai-whisper 20250625 and torchaudio 2.11 (Kaldi's filter bank). No test needs them; they read features.npz.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import whisper

from worker.resample import torchaudio

torchaudio()  # where its native library does not load, without that
import torchaudio.compliance.kaldi as kaldi  # noqa: E402

with mock.patch.dict(sys.modules, vinorm=mock.Mock()):
    from viettts.utils.frontend_utils import mel_spectrogram

SEED = 20240917
SECONDS = 0.6


def sound(rate: int) -> np.ndarray:
    """int16 [n]: a gliding voice-like tone with noise, then almost nothing, then nothing."""
    time = np.arange(round(SECONDS * rate)) / rate
    cycle = np.cumsum(140 + 90 * np.sin(7 * time)) / rate
    voice = sum(np.sin(2 * np.pi * harmonic * cycle) / harmonic for harmonic in range(1, 30))
    noise = np.random.default_rng(SEED).standard_normal(len(time))
    level = np.where(time < 0.4, 1.0, np.where(time < 0.5, 0.001, 0.0))
    return np.round((0.2 * voice + 0.02 * noise) * level * 32767).astype(np.int16)


def main() -> None:
    speech, prompt = sound(16_000), sound(22_050)
    pcm_16k, pcm_22k = (torch.from_numpy(pcm.astype(np.float32) / 32768).unsqueeze(0) for pcm in (speech, prompt))
    bank = kaldi.fbank(pcm_16k, num_mel_bins=80, dither=0, sample_frequency=16000)
    mel = mel_spectrogram(pcm_22k, n_fft=1024, num_mels=80, sampling_rate=22050, hop_size=256, win_size=1024, fmin=0, fmax=8000)
    stamp = {"seed": SEED, **{package: version(package) for package in ("viet-tts", "librosa", "openai-whisper", "torch", "torchaudio")}}
    np.savez_compressed(
        Path(__file__).with_name("features.npz"),
        speech=speech,
        prompt=prompt,
        fbank=(bank - bank.mean(dim=0, keepdim=True)).numpy(),
        log_mel=whisper.log_mel_spectrogram(pcm_16k, n_mels=128).numpy(),
        prompt_mel=mel[0].T.numpy(),
        stamp=np.frombuffer(json.dumps(stamp).encode(), dtype=np.uint8),
    )


if __name__ == "__main__":
    main()
