"""Speech for tests that need to hear some: the default voice says it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from loa.settings import Settings
from loa.voices import VoiceRegistry

RATE = 22_050
LONG = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the depth of a well. "
    "These days a chicken leg is a rare dish. Rice is often served in round bowls."
)


@cache
def spoken(text: str = LONG) -> np.ndarray:
    """float32 samples at 22,050 Hz; the long text gives some fourteen seconds."""
    import torch

    from worker.engines.base import Passage
    from worker.engines.vits import Engine

    engine = Engine()
    engine.load(torch.device("cpu"), Settings.load({}))
    with tempfile.TemporaryDirectory() as folder:
        registry = VoiceRegistry(Settings.load({}, data_dir=folder))
        voice = registry.get("joe")
        state = engine.make_voice(voice, {role: Path(path) for role, path in registry.files(voice).items()})
    (speech,) = engine.synthesize([Passage(text=text, voice=state, seed=1)])
    pcm = speech.pcm
    pcm.flags.writeable = False  # it is shared
    return pcm
