"""The protocol that every speech engine obeys, and the values that cross it.

An engine lives in one worker process, on one device. The process calls, in this order: `load` once, `make_voice` for every voice that is
preloaded or asked for (or `voice_of`, where some process made it before), `warm` for every shape that `warm_shapes` names, then
`synthesize` for as long as it lives. Engines hold no voices themselves: the voice cache does (worker/voice_cache.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from loa.audio import Word
from loa.errors import LoaError
from loa.settings import Settings
from loa.voices import Voice


@dataclass(frozen=True, kw_only=True)
class VoiceState:
    """A voice, ready on its device: a plain dict of tensors and a JSON-serialisable description.

    `module` is whatever the engine builds over those tensors to run them; it shares their memory and is never saved.
    """

    name: str
    fingerprint: str
    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]
    module: Any = field(default=None, compare=False, repr=False)

    @property
    def nbytes(self) -> int:
        """Bytes that this voice holds on its device."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors.values())


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What an engine holds for possible of a passage's sound: known from its phonemes or letters alone, never from what came out."""

    least: float = 0.0  # seconds
    most: float = math.inf
    pause: float = math.inf  # seconds: the longest silence anywhere in it
    edge: float = math.inf  # how loud its first and its last moment may be, as a share of the whole's loudness: beyond it, a sound was cut


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One segment to speak: one to a few sentences of normalised text."""

    text: str
    voice: VoiceState
    speed: float = 1.0  # 2.0: twice as fast
    seed: int = 0  # of the CPU generator that draws this passage's noise: the same text sounds the same in any batch
    take: int = 0  # takes of it that were no good, each with a seed of its own


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What an engine made of one passage."""

    pcm: np.ndarray  # float32 [samples], mono, -1..1
    sample_rate: int  # Hz
    words: tuple[Word, ...]
    bounds: Bounds = Bounds()

    @property
    def seconds(self) -> float:
        return len(self.pcm) / self.sample_rate


class Engine(Protocol):
    """A speech model on one device. `device` is the torch device that `load` was given."""

    name: str  # as in a voice manifest's `engine`
    sound_version: int  # equal to loa.engines.ENGINES[name].sound_version; part of every segment's address
    keeps_voices: bool  # making a voice costs so much that it is done once for all processes: this engine is a VoiceKeeper
    device: torch.device

    def load(self, device: torch.device, settings: Settings) -> None:
        """Load what all voices share (weights, phonemizer, kernels). Raises LoaError with what to do."""

    def make_voice(self, voice: Voice, files: dict[str, Path]) -> VoiceState:
        """Read an installed voice's files and put it on the device. Raises BrokenVoice with the file's name and what is wrong with it."""

    def estimate(self, audio_seconds: float) -> float:
        """Seconds of compute for so much audio on this device, before anything was measured."""

    def warm_shapes(self) -> Sequence[Any]:
        """The common shapes, most common first; each is one `warm` call."""

    def warm(self, voice: VoiceState, shape: Any) -> None:
        """Run `voice` once at `shape`, so that no job pays for a kernel's first use."""

    def synthesize(self, passages: Sequence[Passage]) -> list[Speech | LoaError]:
        """Speak all passages in as few forward passes as their voices allow; results in the order given.

        A passage that cannot be spoken yields its LoaError in its place and leaves the others alone. Faults of the device (out of memory,
        a CUDA error) are raised. Whether what came out can be speech is not judged here (worker/plausibility.py).
        """


class VoiceKeeper(Engine, Protocol):
    """An engine whose voices are kept in the artifact store (worker/voice_states.py): their tensors and facts say all that it needs."""

    def voice_of(self, voice: Voice, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> VoiceState:
        """The voice that `make_voice` once made of the same files, put on the device; the tensors come on the CPU.

        Raises anything for tensors or facts that it cannot use: they are thrown away then, and the voice is made anew.
        """
