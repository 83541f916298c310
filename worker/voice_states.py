"""Voices that cost much to make, kept in the artifact store for every process that will ever need them.

What an engine made of a voice is a dict of tensors with some facts; it lies as safetensors under the engine, the version of its sound and
the voice's fingerprint, so it is never out of date. The first writer wins. A file that is damaged or that the engine cannot use is removed,
and the voice is made anew; a store that cannot be used costs the time of making it, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing, LoaError
from loa.recordings import state_path
from loa.voices import Voice
from worker.engines.base import VoiceKeeper, VoiceState
from worker.synthesis import out_of_memory

log = logging.getLogger(__name__)

HEADER = 8  # bytes: the length of the JSON that a safetensors file begins with, little-endian


class VoiceStates:
    """Threads and processes may share the store."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def find(self, engine: VoiceKeeper, voice: Voice, fingerprint: str) -> VoiceState | None:
        """The voice as some process made it and this engine has put it on its device; None: it has to be made."""
        path = state_path(engine.name, engine.sound_version, fingerprint)
        try:
            content = self._artifacts.read(path)
        except ArtifactMissing:
            return None
        except LoaError as error:
            log.warning("what was kept of voice %s cannot be read and is made anew: %s", voice.name, error.message)
            return None
        try:
            return engine.voice_of(voice, *unpack(content))
        except Exception as error:
            if out_of_memory(error):
                raise
            log.warning("%s is damaged and removed; voice %s is made anew (%s: %s)", path, voice.name, type(error).__name__, error)
        try:
            self._artifacts.delete(path)
        except LoaError as error:
            log.warning("%s could not be removed: %s", path, error.message)
        return None

    def keep(self, engine: VoiceKeeper, state: VoiceState, fingerprint: str) -> None:
        """Keep what the engine has made, unless it is there."""
        try:
            self._artifacts.write(state_path(engine.name, engine.sound_version, fingerprint), pack(state))
        except LoaError as error:
            log.warning("voice %s could not be kept; the next process makes it anew: %s", state.name, error.message)

    def forget(self, engine: VoiceKeeper, fingerprint: str) -> None:
        """Remove what was kept. Raises StorageUnavailable."""
        self._artifacts.delete(state_path(engine.name, engine.sound_version, fingerprint))


def pack(state: VoiceState) -> bytes:
    """A voice's tensors and facts as one safetensors file."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.tensors.items()}
    # One entry, because safetensors writes several in any order: the same voice is the same bytes.
    return save(tensors, {"voice": json.dumps({"facts": state.facts, "sha256": _digest(tensors)}, ensure_ascii=False)})


def unpack(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts. Raises ValueError for a file that is damaged."""
    try:
        tensors = load(content)
        header = json.loads(content[HEADER : HEADER + int.from_bytes(content[:HEADER], "little")])
        voice = json.loads(header["__metadata__"]["voice"])
        facts, digest = voice["facts"], voice["sha256"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"no safetensors file with facts: {error}") from error
    if _digest(tensors) != digest:
        raise ValueError("its tensors are not those that were written")
    return tensors, facts


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    """safetensors checks the frame, and no bit of what is in it."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
