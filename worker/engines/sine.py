"""A tone instead of speech: the engine of queue tests. It obeys the protocol, loads nothing and computes next to nothing.

The same text with the same seed is the same tone: its pitch comes from the text, its phase from the seed, its length from the number of
characters and the speed. Words share the time evenly. A voice with a recording has a pitch of its own, which the recording decides.

With LOA_SINE_FAULTS=1, or while the file that it names exists, a text may ask for a fault: [[die]] kills the process, [[hang]] never
returns, [[slow]] takes LOA_SINE_SLOW seconds, [[raise]] raises, [[break]] breaks the device for good, as an illegal access does on a GPU;
[[mute]] is always silence, and [[falter]] is in its first take.
LOA_SINE_START_FAULT is what loading does: raise, hang or exit. With LOA_SINE_MEMORY=N there is memory for N passages at once.
LOA_SINE_SECONDS is the time that each passage pretends to take, LOA_SINE_LOAD_SECONDS what loading does. With LOA_SINE_KEEPS_VOICES=1
voices are kept as if they were costly; LOA_SINE_VOICE_FAULT=raise lets none be made. LOA_SINE_JOURNAL names a file to which every process
adds a line of JSON for each batch before it speaks: `pid`, `time`, `texts`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loa.engines import ENGINES
from loa.errors import LoaError, Unspeakable
from loa.settings import Settings
from loa.voices import Voice
from worker.engines.base import Bounds, Passage, Speech, VoiceState, Word

SAMPLE_RATE = 16_000  # Hz, where the manifest names none
SECONDS_A_CHARACTER = 0.06  # at speed 1, about what speech takes
LOUDNESS = 0.3
LOWEST, HIGHEST = 200.0, 800.0  # Hz

FAULTS_VARIABLE = "LOA_SINE_FAULTS"
DIE, HANG, SLOW, RAISE, BREAK = "[[die]]", "[[hang]]", "[[slow]]", "[[raise]]", "[[break]]"
MUTE, FALTER = "[[mute]]", "[[falter]]"


class Engine:
    name = "sine"
    sound_version = ENGINES["sine"].sound_version

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.keeps_voices = os.environ.get("LOA_SINE_KEEPS_VOICES") == "1"

    def load(self, device: torch.device, settings: Settings) -> None:  # noqa: ARG002 - its faults are not for users
        self.device = device
        fault = os.environ.get("LOA_SINE_START_FAULT")
        if fault == "raise":
            raise RuntimeError("asked for by LOA_SINE_START_FAULT")
        if fault == "hang":
            threading.Event().wait()
        if fault == "exit":
            os._exit(1)
        _pretend("LOA_SINE_LOAD_SECONDS")

    def make_voice(self, voice: Voice, files: dict[str, Path]) -> VoiceState:
        if os.environ.get("LOA_SINE_VOICE_FAULT") == "raise":
            raise RuntimeError("asked for by LOA_SINE_VOICE_FAULT")
        # Tensors on the device, so that pinning and the cache's accounting have something to look at.
        pitch = _share(files["prompt"].read_bytes()) if "prompt" in files else 0.0
        tensors = {"loudness": torch.tensor([LOUDNESS]), "pitch": torch.tensor([pitch])}
        return self.voice_of(voice, tensors, {"sample_rate": voice.sample_rate or SAMPLE_RATE})

    def voice_of(self, voice: Voice, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> VoiceState:
        on_device = {name: tensors[name].to(self.device) for name in ("loudness", "pitch")}
        return VoiceState(name=voice.name, fingerprint="", tensors=on_device, facts={"sample_rate": int(facts["sample_rate"])})

    def estimate(self, audio_seconds: float) -> float:
        return audio_seconds * 0.001

    def warm_shapes(self) -> Sequence[int]:
        return (1,)

    def warm(self, voice: VoiceState, shape: int) -> None:
        self.synthesize([Passage(text="warm", voice=voice)] * shape)

    def synthesize(self, passages: Sequence[Passage]) -> list[Speech | LoaError]:
        _note(passages)
        if len(passages) > int(os.environ.get("LOA_SINE_MEMORY", "1000000")):
            raise torch.cuda.OutOfMemoryError("asked for by LOA_SINE_MEMORY")
        if _faults_wanted():
            for passage in passages:
                self._fault(passage.text)
        for _ in passages:
            _pretend("LOA_SINE_SECONDS")
        return [_tone(passage) for passage in passages]

    def _fault(self, text: str) -> None:
        if DIE in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if HANG in text:
            threading.Event().wait()
        if SLOW in text:
            _pretend("LOA_SINE_SLOW")
        if RAISE in text:
            raise RuntimeError(f"asked for by {RAISE}")
        if BREAK in text:
            self.device = torch.device("cuda")  # what asks whether CUDA still works asks this double of it
            torch.cuda.synchronize = _broken
            _broken()


def _tone(passage: Passage) -> Speech | LoaError:
    words = list(re.finditer(r"\w[^\s]*", passage.text))
    if not words:
        return Unspeakable(f"voice {passage.voice.name!r} finds nothing to say in {passage.text[:80]!r}", text=passage.text[:80])
    rate = passage.voice.facts["sample_rate"]
    seconds = len(passage.text) * SECONDS_A_CHARACTER / passage.speed
    share = (_share(passage.text.encode()) + float(passage.voice.tensors["pitch"])) % 1
    pitch = LOWEST + (HIGHEST - LOWEST) * share
    phase = float(torch.rand(1, generator=torch.Generator().manual_seed(passage.seed))) * 2 * np.pi
    clock = np.arange(round(seconds * rate), dtype=np.float64) / rate
    loudness = float(passage.voice.tensors["loudness"])
    if _faults_wanted() and (MUTE in passage.text or (FALTER in passage.text and not passage.take)):
        loudness = 0.0
    pcm = (loudness * np.sin(2 * np.pi * pitch * clock + phase)).astype(np.float32)
    each = len(pcm) / rate / len(words)
    return Speech(
        pcm=pcm,
        sample_rate=rate,
        words=tuple(
            Word(text=word.group(), start=number * each, end=(number + 1) * each, offset=word.start()) for number, word in enumerate(words)
        ),
        bounds=Bounds(least=seconds - 1 / rate, most=seconds + 1 / rate),
    )


def _share(content: bytes) -> float:
    """A number from 0 to 1 that content decides."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=4).digest()) / 2**32


def _faults_wanted() -> bool:
    wanted = os.environ.get(FAULTS_VARIABLE, "")
    return wanted == "1" or (wanted != "" and Path(wanted).exists())


def _note(passages: Sequence[Passage]) -> None:
    """One write a batch: lines of several processes never mix."""
    if name := os.environ.get("LOA_SINE_JOURNAL"):
        line = json.dumps({"pid": os.getpid(), "time": time.time(), "texts": [passage.text for passage in passages]})
        with open(name, "ab", buffering=0) as journal:  # noqa: PTH123 - unbuffered
            journal.write(f"{line}\n".encode())


def _broken(device: object = None) -> None:  # noqa: ARG001 - as torch.cuda.synchronize
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def _pretend(variable: str) -> None:
    """Take the time that a variable says."""
    if seconds := float(os.environ.get(variable, "0")):
        threading.Event().wait(seconds)
