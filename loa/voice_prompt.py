"""A recording that a voice is made from: read, measured and judged, before any model hears it.

A voice copies what it hears: the speaker, but also a hiss, an echo, a distortion. So a recording that cannot become a good voice is
refused with the reason, instead of becoming a bad one. The limits are set so that ordinary recordings pass: some thirty public samples of
Vietnamese speakers keep clear of all but those of length.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loa.errors import (
    NoSpeech,
    PartMissing,
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
    UnreadableRecording,
)
from loa.voice_activity import SAMPLE_RATE, speech_stretches

SHORTEST = 3.0  # seconds: a voice is made from three to five of them
LONGEST = 30.0  # seconds: what the model's tokenizer takes at once
LEAST_SPEECH = 1.5  # seconds: what remains of three when they hold pauses; with less, the speaker is guessed
LOWEST_PEAK = -60.0  # dBFS: below it there is no sound but the noise of a converter
LOWEST_LEVEL = -45.0  # dBFS of the speech, on average: below it 16 bits leave too little; samples have -12 to -27
MOST_CLIPPED = 0.005  # share of samples at the limit: whole recordings have at most 0.0005, turned up by 6 dB beyond it 0.002 to 0.05
LOWEST_SNR = 12.0  # dB: samples have 18 (no pause to measure in) to 60 and more; hiss at 9 dB below the speech measures 12

FULL_SCALE = 0.98  # of the peak, or of what samples can hold: where a cut-off wave stays for a while and a whole one is for an instant
NOISE_FRAME = 256  # samples, 16 ms: short enough to fit between words
NOISE_SHARE = 5  # percent of the frames between first and last word that count as pauses
QUIETEST = 1e-10  # power: -100 dBFS, digital silence
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000  # Hz; a header with another rate is a damaged one, or wants memory for nothing
MOST_CHANNELS = 8  # the same


@dataclass(frozen=True, kw_only=True)
class Recording:
    """At most a little more than LONGEST seconds; what comes after them is not read."""

    pcm: np.ndarray  # float32 [n], all channels mixed
    sample_rate: int  # Hz

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured."""

    seconds: float
    speech: tuple[tuple[float, float], ...]  # from, to in seconds: where somebody speaks
    level_dbfs: float  # of the speech, on average
    clipped: float  # share of samples at the limit, 0..1
    snr_db: float  # how far the pauses are below the speech

    @property
    def speech_seconds(self) -> float:
        return sum(end - start for start, end in self.speech)

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 2),
            "speech_seconds": round(self.speech_seconds, 2),
            "speech": [[round(start, 2), round(end, 2)] for start, end in self.speech],
            "level_dbfs": round(self.level_dbfs, 1),
            "clipped": round(self.clipped, 5),
            "snr_db": round(self.snr_db, 1),
        }


def read_recording(source: Path | bytes) -> Recording:
    """A file or its bytes: wav, flac, ogg (Vorbis or Opus) or mp3 of any rate, one channel or more. Raises UnreadableRecording."""
    import soundfile

    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream, soundfile.SoundFile(stream) as audio:
            rate, channels = audio.samplerate, audio.channels
            if not LOWEST_RATE <= rate <= HIGHEST_RATE or channels > MOST_CHANNELS:
                raise UnreadableRecording(f"the file claims to hold {channels} channels of {rate} samples a second")
            samples = audio.read(int((LONGEST + 1) * rate), dtype="float32", always_2d=True)
    except OSError as error:
        raise UnreadableRecording(f"{source} cannot be read: {error.strerror or error}") from error
    except soundfile.SoundFileError as error:
        raise UnreadableRecording("this is no audio file, none of a known format, or a damaged one") from error
    if not np.isfinite(samples).all():
        raise UnreadableRecording("the file holds samples that are not numbers")
    return Recording(pcm=samples.mean(axis=1), sample_rate=rate)


def judge(recording: Recording) -> Report:
    """Raises RecordingTooShort, RecordingTooLong, RecordingSilent, NoSpeech, RecordingClipped or RecordingNoisy; or PartMissing."""
    seconds = recording.seconds
    if seconds < SHORTEST:
        raise RecordingTooShort(f"the recording lasts {seconds:.1f} s; a voice takes at least {SHORTEST:g} s", seconds=round(seconds, 2))
    if seconds > LONGEST:
        raise RecordingTooLong(f"the recording lasts more than {LONGEST:g} s")
    if _decibels(float(np.ptp(recording.pcm) / 2) ** 2) < LOWEST_PEAK:  # whatever constant lies below it
        raise RecordingSilent("the recording is silent")
    pcm = at_speech_rate(recording)
    stretches = speech_stretches(pcm)
    if not stretches:
        raise NoSpeech("nobody speaks in the recording")
    speech = sum(stretch.end - stretch.start for stretch in stretches) / SAMPLE_RATE
    if speech < LEAST_SPEECH:
        raise RecordingTooShort(
            f"the recording holds {speech:.1f} s of speech; a voice takes at least {LEAST_SPEECH:g} s", speech_seconds=round(speech, 2)
        )
    loud = np.abs(recording.pcm)
    clipped = float((loud >= FULL_SCALE * min(1.0, float(loud.max()))).mean())
    if clipped > MOST_CLIPPED:
        raise RecordingClipped(f"the recording is too loud for its format: {clipped:.1%} of it are cut off", clipped=round(clipped, 5))
    level = _decibels(float(np.concatenate([pcm[start:end] for start, end in stretches]).astype(np.float64).var()))
    if level < LOWEST_LEVEL:
        raise RecordingSilent(f"the speech is too quiet: {level:.0f} dBFS on average", level_dbfs=round(level, 1))
    snr = level - _decibels(_pause_power(pcm[stretches[0].start : stretches[-1].end]))
    if snr < LOWEST_SNR:
        raise RecordingNoisy(f"the speech is only {snr:.0f} dB above the noise; a voice takes {LOWEST_SNR:g} dB", snr_db=round(snr, 1))
    return Report(
        seconds=seconds,
        speech=tuple((start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in stretches),
        level_dbfs=level,
        clipped=clipped,
        snr_db=snr,
    )


def at_speech_rate(recording: Recording) -> np.ndarray:
    """float32 [n] at 16 kHz."""
    if recording.sample_rate == SAMPLE_RATE:
        return recording.pcm
    try:
        import soxr
    except ImportError as error:
        raise PartMissing("reading a voice from a recording needs soxr; install it with: pip install 'loa[viettts]'") from error
    return soxr.resample(recording.pcm, recording.sample_rate, SAMPLE_RATE)


def _pause_power(pcm: np.ndarray) -> float:
    """What is left in the pauses between words, on average: the NOISE_SHARE-th percentile of short frames."""
    frames = pcm[: len(pcm) // NOISE_FRAME * NOISE_FRAME].astype(np.float64).reshape(-1, NOISE_FRAME)
    return float(np.percentile(frames.var(axis=1), NOISE_SHARE))


def _decibels(power: float) -> float:
    return 10 * float(np.log10(power + QUIETEST))
