"""A voice's recording → what the model needs to know of it, once for every voice.

    file ─▶ 16 kHz, peak at most 0.9 ─▶ three to five seconds of speech ─┬─▶ embedding of the speaker
                                                                        ├─▶ speech tokens
                                                                        └─▶ 22,050 Hz ─▶ mel

N tokens (25 a second) and F frames (86 a second) of the same seconds. That a recording is fit for a voice was judged when the voice was
added (loa/voice_prompt.py); here it is only used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from loa.errors import BrokenVoice, UnreadableRecording
from loa.voice_activity import Stretch, speech_stretches
from loa.voice_prompt import read_recording
from worker.engines.viettts.features import PROMPT_RATE, SPEECH_RATE, prompt_mel
from worker.engines.viettts.frontend import LONGEST, Frontend
from worker.resample import resample, torchaudio

SHORTEST_STRETCH, LONGEST_STRETCH = 3 * SPEECH_RATE, 5 * SPEECH_RATE  # samples, of the stretch that is copied
LEAST = SPEECH_RATE  # samples: with less than a second there is nothing to copy
HIGHEST_PEAK = 0.9  # louder recordings are turned down to it


def read_prompt(path: Path) -> torch.Tensor:
    """The seconds of speech in a recording that a voice is made from: float32 [n] at 16 kHz. Raises BrokenVoice, which names the file."""
    try:
        recording = read_recording(path)
    except UnreadableRecording as error:
        raise BrokenVoice(f"{path.name}: {error.message}", file=path.name) from error
    pcm = resample(recording.pcm, recording.sample_rate, SPEECH_RATE)
    if len(pcm) < LEAST:
        raise BrokenVoice(f"{path.name} lasts {recording.seconds:.1f} s; a voice takes at least {LEAST / SPEECH_RATE:g} s", file=path.name)
    peak = abs(pcm).max()
    if peak > HIGHEST_PEAK:
        pcm = pcm * (HIGHEST_PEAK / peak)
    start, end = chosen(speech_stretches(pcm), len(pcm))
    return torch.from_numpy(pcm[start:end].copy())


def chosen(stretches: Sequence[Stretch], samples: int) -> Stretch:
    """The first stretch of three to five seconds; when there is none, five seconds from where the first stretch begins.

    In the second case the reference takes the first five seconds of the file, silence or not. Here they begin with speech, or earlier where
    less than five seconds would be left.
    """
    for stretch in stretches:
        if SHORTEST_STRETCH <= stretch.end - stretch.start <= LONGEST_STRETCH:
            return stretch
    start = max(0, min(stretches[0].start if stretches else 0, samples - LONGEST_STRETCH))
    return Stretch(start, min(samples, start + LONGEST_STRETCH))


@torch.inference_mode()
def make_prompt(pcm: torch.Tensor, frontend: Frontend) -> dict[str, torch.Tensor]:
    """[n] at 16 kHz → embedding [S], prompt_tokens int64 [N], prompt_mel [F, 80], all of the same (at most 30) seconds.

    Raises BrokenEngine when the frontend's networks are not what they should be.
    """
    pcm = pcm[:LONGEST]
    return {"embedding": frontend.speaker(pcm), "prompt_tokens": frontend.tokens(pcm), "prompt_mel": prompt_mel(widened(pcm))}


def widened(pcm: torch.Tensor) -> torch.Tensor:
    """[n] at 16 kHz → at 22,050 Hz.

    With torchaudio's own filter, not our sharper one: the flow continues its mel, which shows how the filter falls off below 8 kHz.
    """
    return torchaudio().transforms.Resample(SPEECH_RATE, PROMPT_RATE)(pcm)
