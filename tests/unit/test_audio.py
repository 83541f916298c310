"""Stored segments and delivered formats: what goes in comes out, damage and full disks are noticed."""

from __future__ import annotations

import io
import os
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loa.artifacts import FULL
from loa.audio import FORMATS, Format, Word, encode, encode_blocks, format_named, pack_segment, unpack_segment
from loa.errors import ArtifactMissing, BrokenSegment, StorageFull, SynthesisFailed, UnknownFormat

RATE = 24000  # Hz; every format can hold it
WRITTEN = {name: form for name, form in FORMATS.items() if form.container}  # by libsndfile; the others: tests/worker/assembly
WORDS = (Word(text="Xin", start=0.0, end=0.25, offset=0), Word(text="chào", start=0.25, end=0.7, offset=4))


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """Three seconds of 440 Hz at half scale, float32 [samples]."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float32, st.integers(0, 200), elements=st.floats(-1, 1, width=32)))
def test_a_segment_survives_to_the_last_bit_of_16(pcm: np.ndarray) -> None:
    once, rate, words = unpack_segment(pack_segment(pcm, 22050, WORDS))
    assert (rate, words) == (22050, WORDS)
    assert once.dtype == np.float32
    assert np.allclose(once, pcm, atol=0.5 / 32767 + 1e-7)
    again, _, _ = unpack_segment(pack_segment(once, 22050, WORDS))
    assert np.array_equal(again, once)


def test_the_same_segment_has_the_same_bytes(tone: np.ndarray) -> None:
    assert pack_segment(tone, RATE, WORDS) == pack_segment(tone.copy(), RATE, list(WORDS))


def test_too_loud_is_clipped_and_no_number_is_refused() -> None:
    pcm, _, _ = unpack_segment(pack_segment(np.array([2.0, -3.0], dtype=np.float32), RATE, ()))
    assert pcm.tolist() == [1.0, -1.0]
    for bad in (np.nan, np.inf):
        with pytest.raises(SynthesisFailed, match="not numbers"):
            pack_segment(np.array([0.0, bad], dtype=np.float32), RATE, ())


def archive(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in members.items():
            packed.writestr(name.replace("_", "."), content)
    return target.getvalue()


FACTS = b'{"sample_rate": 8000, "words": []}'


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"RIFF" + data[4:],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: archive(pcm_s16le=bytes(6)),
        lambda data: archive(pcm_s16le=bytes(5), facts_json=FACTS),
        lambda data: archive(pcm_s16le=bytes(6), facts_json=FACTS[:-1]),
        lambda data: archive(pcm_s16le=bytes(6), facts_json=b'{"words": [{}]}'),
        lambda data: archive(pcm_s16le=bytes(6), facts_json=b"[]"),
    ],
)
def test_damage_is_noticed(tone: np.ndarray, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BrokenSegment):
        unpack_segment(damage(pack_segment(tone, RATE, WORDS)))
    assert issubclass(BrokenSegment, ArtifactMissing)  # an assembly treats both the same way: it has the segment spoken again


def test_reading_a_segment_parses_no_python(tone: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads read segments side by side; `ast.literal_eval`, which `numpy.load` calls, does not survive that on Python 3.11 and 3.12."""

    def interrupted(_: str) -> None:
        raise SystemError("AST constructor recursion depth mismatch (before=24, after=23)")

    data = pack_segment(tone, RATE, WORDS)
    monkeypatch.setattr("ast.literal_eval", interrupted)
    assert unpack_segment(data)[1:] == (RATE, WORDS)


def test_a_segment_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loa.audio.MOST_PCM_BYTES", 1 << 20)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("pcm.s16le", bytes(1 << 21))
    assert len(target.getvalue()) < 1 << 14
    with pytest.raises(BrokenSegment, match="more than any segment"):
        unpack_segment(target.getvalue())


@pytest.mark.parametrize("audio_format", WRITTEN.values(), ids=WRITTEN)
def test_every_format_can_be_read_back(tmp_path: Path, tone: np.ndarray, audio_format: Format) -> None:
    target = tmp_path / f"audio.{audio_format.extension}"
    encode(tone, RATE, audio_format, target)
    facts = soundfile.info(target)
    assert (facts.format, facts.subtype, facts.samplerate, facts.channels) == (audio_format.container, audio_format.subtype, RATE, 1)
    assert facts.frames == pytest.approx(len(tone), abs=0 if audio_format.lossless else 2000)
    heard, _ = soundfile.read(target, dtype="float32")
    pitch = np.argmax(np.abs(np.fft.rfft(heard[:RATE] * np.hanning(RATE))))  # bins of 1 Hz
    assert pitch == 440
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("audio_format", WRITTEN.values(), ids=WRITTEN)
def test_blocks_give_the_same_audio_as_the_whole(tmp_path: Path, tone: np.ndarray, audio_format: Format) -> None:
    tone = np.tile(tone, 3)
    encode(tone, RATE, audio_format, tmp_path / "whole")
    encode_blocks(iter(np.array_split(tone, 7)), RATE, audio_format, tmp_path / "blocks", samples=len(tone))
    whole, blocks = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("whole", "blocks"))
    assert np.array_equal(whole, blocks)


@pytest.mark.parametrize("audio_format", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("missing", [1, 100, 3000])
def test_a_full_disk_is_noticed_however_few_bytes_are_missing(tmp_path: Path, tone: np.ndarray, audio_format: Format, missing: int) -> None:
    target = tmp_path / "audio"
    encode(tone, RATE, audio_format, target)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (target.stat().st_size - missing, hard))
    try:
        with pytest.raises(StorageFull, match="no space left"):
            encode(tone, RATE, audio_format, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not target.exists()


def test_a_full_device_is_noticed(tone: np.ndarray, tmp_path: Path) -> None:
    device = tmp_path / "full"
    device.symlink_to("/dev/full")
    with pytest.raises(StorageFull) as caught:
        encode(tone, RATE, FORMATS["wav"], device)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.errno in FULL
    assert os.path.exists("/dev/full")  # noqa: PTH110 - the link is removed, never what it points to


def test_what_libsndfile_does_not_write_is_refused(tmp_path: Path, tone: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not what writes opus"):
        encode(tone, RATE, FORMATS["opus"], tmp_path / "x")


def test_an_announcement_may_be_rough_but_a_wav_header_may_not_overflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tone: np.ndarray
) -> None:
    encode_blocks([tone], RATE, FORMATS["wav"], tmp_path / "x", samples=len(tone) - 100)
    assert soundfile.info(tmp_path / "x").frames == len(tone)
    monkeypatch.setattr("loa.audio.MOST_WAV_BYTES", 1000)
    with pytest.raises(ValueError, match="cannot hold"):
        encode_blocks([tone], RATE, FORMATS["wav"], tmp_path / "x", samples=1)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "voice_rate", "rate"),
    [
        ("wav", 22050, 22050),
        ("mp3", 22050, 22050),
        ("m4b", 22050, 22050),
        ("opus", 22050, 24000),
        ("opus", 16000, 16000),
        ("opus", 44100, 48000),
        ("opus", 96000, 48000),
    ],
)
def test_the_rate_to_deliver_in(name: str, voice_rate: int, rate: int) -> None:
    assert format_named(name).sample_rate(voice_rate) == rate


def test_more_than_a_wav_header_can_count_becomes_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tone: np.ndarray) -> None:
    monkeypatch.setattr("loa.audio.RF64_BYTES", 1000)
    encode(tone, RATE, FORMATS["wav"], tmp_path / "x.wav")
    assert (tmp_path / "x.wav").read_bytes()[:4] == b"RF64"
    assert soundfile.info(tmp_path / "x.wav").frames == len(tone)


def test_unknown_format() -> None:
    with pytest.raises(UnknownFormat) as caught:
        format_named("aac" * 100)
    assert caught.value.details["known"] == ["wav", "flac", "mp3", "ogg", "opus", "m4a", "m4b", "zip"]
    assert all(name in caught.value.remedy() for name in FORMATS), "the remedy names them all"
    assert len(caught.value.message) < 100
