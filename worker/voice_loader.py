"""What the voice cache calls for a voice that it does not have: the kept one where there is one, else a new one."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import cast

import torch

from loa.api_keys import DEFAULT_OWNER
from loa.errors import BrokenVoice, LoaError, OutOfMemory, VoiceChanged
from loa.voices import VoiceRegistry
from worker.engines.base import Engine, VoiceKeeper, VoiceState
from worker.synthesis import out_of_memory
from worker.voice_states import VoiceStates

log = logging.getLogger(__name__)


class VoiceLoader:
    """Puts voices on the device. Threads may share one."""

    def __init__(self, voices: VoiceRegistry, engines: Mapping[str, Engine], device: torch.device, states: VoiceStates | None) -> None:
        """`engines` by name may still grow; `states` None: nothing is kept, and everything made anew."""
        self._voices, self._engines, self._device, self._states = voices, engines, device, states

    def __call__(self, name: str, fingerprint: str, owner: str = DEFAULT_OWNER) -> VoiceState:
        """The voice that a job of this owner is pinned to. Raises VoiceChanged when it is gone or another one, BrokenVoice, OutOfMemory."""
        voice = self._voices.pinned(name, fingerprint, owner)
        engine = self._engines[voice.engine]
        keeper = cast("VoiceKeeper", engine) if self._states is not None and engine.keeps_voices else None
        began = time.perf_counter()
        try:
            state = self._states.find(keeper, voice, fingerprint) if keeper else None
            found = state is not None
            if state is None:
                state = engine.make_voice(voice, self._voices.files(voice))
        except LoaError:
            raise
        except Exception as error:
            if out_of_memory(error):
                raise OutOfMemory(f"{self._device} has not enough memory for voice {name!r}") from error
            raise BrokenVoice(f"voice {name!r} cannot be loaded: {type(error).__name__}: {error}", voice=name) from error
        how = "taken from the artifact store" if found else "loaded"
        log.info("voice %s %s in %.3f s (%.1f MB)", name, how, time.perf_counter() - began, state.nbytes / 1e6)
        if keeper and not found:
            self._states.keep(keeper, state, fingerprint)
            if self._voices.removed(voice):  # while it was made: whoever removed it may have looked before there was anything to erase
                self._states.forget(keeper, fingerprint)
                raise VoiceChanged(f"voice {name!r} was removed after this job was submitted", voice=name)
        return state
