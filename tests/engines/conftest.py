"""The engine with voices: tiny random ones for how it works, `joe` for how it sounds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from loa.settings import Settings
from loa.voices import VoiceRegistry
from tests.engines import tiny_voice
from worker.engines.base import VoiceState
from worker.engines.vits import Engine


@pytest.fixture(scope="session")
def vits() -> Engine:
    engine = Engine()
    engine.load(torch.device("cpu"), Settings.load({}))
    return engine


@pytest.fixture(scope="session")
def plain_vits() -> Engine:
    """Without noise: every reading of a text is the same."""
    engine = Engine(plain=True)
    engine.load(torch.device("cpu"), Settings.load({}))
    return engine


@pytest.fixture(scope="session")
def tiny(vits: Engine, tmp_path_factory: pytest.TempPathFactory) -> VoiceState:
    return vits.make_voice(tiny_voice.voice(), tiny_voice.write(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def joe_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    registry = VoiceRegistry(Settings.load({}, data_dir=str(tmp_path_factory.mktemp("data"))))
    return registry.files(registry.get("joe"))


@pytest.fixture(scope="session")
def joe(plain_vits: Engine, joe_files: dict[str, Path]) -> VoiceState:
    return plain_vits.make_voice(tiny_voice.voice("joe"), joe_files)
