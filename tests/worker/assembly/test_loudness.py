"""Loudness: by the standard, in any order, and never beyond the peak."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tests.worker.assembly.voices import RATE, phrase
from worker.assembly.loudness import GAIN_STEP, Level, Meter, amplified, gains, total


def level(pcm: np.ndarray, rate: int = RATE, block: int = 7777) -> Level:
    meter = Meter(rate)
    for first in range(0, len(pcm), block):
        meter.add(pcm[first : first + block])
    return meter.level()


def by_ffmpeg(pcm: np.ndarray, rate: int) -> float:
    """Integrated loudness by libavfilter's ebur128."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="flt", sample_rate=rate, layout="mono")
    meter, sink = graph.add("ebur128", "metadata=1:dualmono=0"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(pcm[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    source.push(frame)
    source.push(None)
    found = -99.0
    while True:
        try:
            found = float(sink.pull().metadata["lavfi.r128.I"])
        except (av.error.EOFError, av.error.BlockingIOError):
            return found


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100, 48000])
def test_a_tone_of_1_khz(rate: int) -> None:
    """EBU Tech 3341: a sine at -20 dBFS peak in one channel is -23 LUFS."""
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(20 * rate) / rate).astype(np.float32)
    assert level(tone, rate).loudness == pytest.approx(-23.0, abs=0.15)


def test_silence_between_tones_does_not_count() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(10 * RATE) / RATE).astype(np.float32)
    quiet = tone * 0.01
    assert level(np.concatenate([tone, np.zeros(30 * RATE, dtype=np.float32), quiet])).loudness == pytest.approx(-23.0, abs=0.15)


@pytest.mark.parametrize("rate", [22050, 48000])
def test_speech_as_ffmpeg_measures_it(rate: int) -> None:
    speech = np.concatenate([phrase(4, seed, rate) * scale for seed, scale in enumerate((1, 0.3, 0.05, 0.8))])
    assert level(speech, rate).loudness == pytest.approx(by_ffmpeg(speech, rate), abs=0.15)


def test_blocks_of_any_size_and_parts_in_any_order_give_the_same() -> None:
    parts = [phrase(3 + seed, seed) for seed in range(3)]
    assert level(parts[0], block=100) == level(parts[0], block=10**6)
    levels = [level(part) for part in parts]
    assert total(levels) == total(reversed(levels))
    assert total(levels).loudness == pytest.approx(level(np.concatenate(parts)).loudness, abs=0.1)


def test_what_cannot_be_measured_is_left_alone() -> None:
    for pcm in (np.zeros(5 * RATE, dtype=np.float32), phrase(0.2), np.zeros(0, dtype=np.float32)):
        found = level(pcm)
        assert found.loudness is None
        assert gains(found, -19.0, lossless=True) == [0.0]


def test_the_gain_brings_a_voice_to_its_target() -> None:
    voice = phrase(20) * 0.2
    best, *others = gains(level(voice), -30.0, lossless=True)
    assert level(amplified(voice, best)).loudness == pytest.approx(-30.0, abs=GAIN_STEP)
    assert sorted(others) == pytest.approx(sorted([best - GAIN_STEP, best + GAIN_STEP]))


def test_the_peak_wins() -> None:
    voice = phrase(20)
    voice[RATE] = 0.9
    for lossless, most in ((True, -1.0), (False, -1.5)):
        found = gains(level(voice), -3.0, lossless=lossless)
        assert found
        for gain in found:
            assert 20 * np.log10(np.abs(amplified(voice, gain)).max()) <= most + 1e-6
        assert 20 * np.log10(np.abs(amplified(voice, found[0])).max()) > most - GAIN_STEP - 1e-6


def test_noise_is_not_made_loud() -> None:
    hiss = (1e-3 * np.random.default_rng(0).standard_normal(5 * RATE)).astype(np.float32)
    assert max(gains(level(hiss), -10.0, lossless=True)) <= 24.1
