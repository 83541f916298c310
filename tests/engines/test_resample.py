"""Resampling, with torchaudio's native library and without."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from worker.resample import resample


def tone(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(("rate", "target"), [(22050, 48000), (16000, 48000), (22050, 44100), (48000, 22050), (24000, 16000)])
def test_a_tone_stays_the_same_tone(rate: int, target: int) -> None:
    resampled = resample(tone(1000, rate), rate, target)
    wanted = tone(1000, target)
    middle = slice(target // 20, -target // 20)
    assert resampled.dtype == np.float32
    assert len(resampled) == len(wanted)
    assert np.abs(resampled - wanted)[middle].max() < 1e-4


def test_what_the_target_cannot_hold_is_gone() -> None:
    resampled = resample(tone(7000, 22050), 22050, 12000)
    assert np.abs(resampled[1000:-1000]).max() < 1e-3


def test_length_and_identity() -> None:
    pcm = np.zeros(1001, dtype=np.float32)
    assert len(resample(pcm, 22050, 48000)) == -(-1001 * 48000 // 22050)
    assert resample(pcm, 22050, 22050) is pcm
    assert len(resample(pcm[:0], 22050, 48000)) == 0


@pytest.mark.parametrize("failure", ["OSError", "ImportError"])
def test_a_native_library_that_does_not_load(failure: str) -> None:
    """In a process of its own, because torchaudio is imported once in each."""
    code = f"""
import sys, importlib.abc
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torchaudio._extension":
            raise {failure}("libc10_cuda.so: cannot open shared object file")
sys.meta_path.insert(0, Broken())
import numpy as np
from worker.resample import resample, torchaudio
assert len(resample(np.ones(2205, dtype=np.float32), 22050, 48000)) == 4800
assert torchaudio().transforms.MelSpectrogram is not None
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
