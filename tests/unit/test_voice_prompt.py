"""Recordings for a voice: which can be read, and which are refused with what reason."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from loa import voice_prompt
from loa.errors import (
    LoaError,
    NoSpeech,
    PartMissing,
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
    UnreadableRecording,
)
from loa.voice_prompt import LONGEST, Recording, judge, read_recording
from tests.spoken import RATE, spoken

SECONDS = 8


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Peak at 0.8."""
    pcm = spoken()[: SECONDS * RATE]
    return pcm / np.abs(pcm).max() * 0.8


def file_of(pcm: np.ndarray, rate: int = RATE, **how: str) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, pcm, rate, **{"format": "WAV", **how})
    return target.getvalue()


def recording(pcm: np.ndarray) -> Recording:
    return Recording(pcm=pcm.astype(np.float32), sample_rate=RATE)


# --- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "rate", "channels"),
    [
        ({"format": "WAV", "subtype": "PCM_16"}, 48_000, 2),
        ({"format": "WAV", "subtype": "FLOAT"}, 22_050, 1),
        ({"format": "WAV", "subtype": "PCM_24"}, 96_000, 6),
        ({"format": "WAV", "subtype": "PCM_U8"}, 11_025, 1),
        ({"format": "FLAC"}, 44_100, 2),
        ({"format": "OGG", "subtype": "VORBIS"}, 32_000, 1),
        ({"format": "OGG", "subtype": "OPUS"}, 24_000, 2),
        ({"format": "MP3"}, 44_100, 2),
        ({"format": "MP3"}, 16_000, 1),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_any_format_rate_and_number_of_channels(form: dict[str, str], rate: int, channels: int, speech: np.ndarray, tmp_path: Path) -> None:
    resampled = soxr.resample(speech, RATE, rate)
    data = file_of(np.stack([resampled] * channels, axis=1), rate, **form)
    read = read_recording(data)
    assert (read.sample_rate, read.pcm.dtype, read.pcm.ndim) == (rate, np.float32, 1)
    assert read.seconds == pytest.approx(SECONDS, abs=0.1)
    report = judge(read)
    assert report.speech_seconds > 0.7 * SECONDS
    assert report.level_dbfs == pytest.approx(judge(recording(speech)).level_dbfs, abs=1)
    path = tmp_path / "named.wrongly"
    path.write_bytes(data)
    assert np.array_equal(read_recording(path).pcm, read.pcm)


def test_channels_are_mixed(speech: np.ndarray) -> None:
    read = read_recording(file_of(np.stack([speech, np.zeros_like(speech)], axis=1), subtype="FLOAT"))
    assert read.pcm == pytest.approx(speech / 2)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\0" * 1000, b"speech, honestly" * 100], ids=["empty", "begun", "zeros", "text"])
def test_what_is_no_audio_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording):
        read_recording(data)
    path = tmp_path / "no.wav"
    path.write_bytes(data)
    with pytest.raises(UnreadableRecording):
        read_recording(path)


def test_a_damaged_file_is_refused(speech: np.ndarray) -> None:
    data = bytearray(file_of(speech, format="FLAC"))
    data[len(data) // 2 : len(data) // 2 + 5000] = bytes(5000)
    with pytest.raises(UnreadableRecording):
        read_recording(bytes(data))


def test_a_header_that_cannot_be_true_is_refused(speech: np.ndarray) -> None:
    for rate in (100, 2_000_000):
        with pytest.raises(UnreadableRecording, match=f"{rate} samples a second"):
            read_recording(file_of(speech, rate))
    with pytest.raises(UnreadableRecording, match="40 channels"):
        read_recording(file_of(np.zeros((100, 40))))


def test_samples_that_are_not_numbers_are_refused(speech: np.ndarray) -> None:
    broken = speech.copy()
    broken[1000] = np.nan
    with pytest.raises(UnreadableRecording, match="not numbers"):
        read_recording(file_of(broken, subtype="FLOAT"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match=r"absent\.wav cannot be read: No such file"):
        read_recording(tmp_path / "absent.wav")


def test_of_a_long_file_only_the_beginning_is_read() -> None:
    hour = np.zeros(3600 * 8000, dtype=np.int16)
    read = read_recording(file_of(hour, 8000, format="FLAC"))
    assert LONGEST < read.seconds <= LONGEST + 1
    with pytest.raises(RecordingTooLong):
        judge(read)


# --- judging -----------------------------------------------------------------------------------------------------------


def test_a_good_recording_is_measured(speech: np.ndarray) -> None:
    report = judge(recording(speech))
    assert report.seconds == SECONDS
    assert 0.7 * SECONDS < report.speech_seconds <= SECONDS
    assert all(0 <= start < end <= SECONDS for start, end in report.speech)
    assert -25 < report.level_dbfs < -10
    assert report.clipped < 0.001
    assert report.snr_db > 30
    assert set(json.loads(json.dumps(report.to_json()))) == {"seconds", "speech_seconds", "speech", "level_dbfs", "clipped", "snr_db"}


def test_the_measures_follow_the_level_and_the_noise(speech: np.ndarray) -> None:
    quiet = judge(recording(speech / 10))
    assert quiet.level_dbfs == pytest.approx(judge(recording(speech)).level_dbfs - 20, abs=0.5)
    for wanted in (30, 20):
        # The estimate is against the mean of the speech alone, the noise against the mean of the whole.
        assert judge(recording(noisy(speech, wanted))).snr_db == pytest.approx(wanted, abs=4)


def noisy(speech: np.ndarray, decibels: float) -> np.ndarray:
    noise = np.random.default_rng(2).standard_normal(len(speech))
    return speech + noise * speech.std() * 10 ** (-decibels / 20)


def refused(pcm: np.ndarray) -> LoaError:
    with pytest.raises(LoaError) as caught:
        judge(recording(pcm))
    return caught.value


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (lambda speech: speech[: 2 * RATE], RecordingTooShort),
        (lambda speech: np.tile(speech, 4), RecordingTooLong),
        (lambda speech: np.concatenate([speech[:RATE], np.zeros(5 * RATE)]), RecordingTooShort),
        (lambda speech: np.zeros(5 * RATE), RecordingSilent),
        (lambda speech: speech / 1000, RecordingSilent),
        (lambda speech: speech / 50, RecordingSilent),
        (lambda speech: np.clip(speech * 4, -1, 1), RecordingClipped),
        (lambda speech: 0.3 * np.clip(speech * 4, -1, 1), RecordingClipped),  # turned down afterwards
        (lambda speech: np.full(5 * RATE, 0.1), RecordingSilent),
        (lambda speech: 0.5 * np.sin(np.arange(5 * RATE) * 0.1), NoSpeech),
        (lambda speech: 0.2 * np.random.default_rng(3).standard_normal(5 * RATE), NoSpeech),
        (lambda speech: noisy(speech, 5), RecordingNoisy),
    ],
)
def test_a_bad_one_is_refused_with_the_reason(bad: Callable[[np.ndarray], np.ndarray], kind: type[LoaError], speech: np.ndarray) -> None:
    error = refused(bad(speech))
    assert type(error) is kind
    json.dumps(error.to_json())


def test_loud_speech_is_not_taken_for_clipped(speech: np.ndarray) -> None:
    assert judge(recording(speech / np.abs(speech).max())).clipped < 0.001


def test_hiss_before_and_after_the_speech_is_not_needed_to_hear_it(speech: np.ndarray) -> None:
    """A recording that is cut close, or padded with digital silence, is as noisy as its pauses are."""
    hissing = noisy(speech, 5)
    silence = np.zeros(3 * RATE)
    assert type(refused(np.concatenate([silence, hissing, silence]))) is RecordingNoisy


def test_without_the_resampler_its_package_is_named(speech: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(PartMissing, match="soxr"):
        judge(recording(speech))


def test_the_limits_leave_room_for_each_other() -> None:
    assert voice_prompt.LEAST_SPEECH < voice_prompt.SHORTEST < voice_prompt.LONGEST
    assert voice_prompt.LOWEST_PEAK < voice_prompt.LOWEST_LEVEL
