"""Engines by name."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from loa.engine_files import bundles
from loa.engines import ENGINES
from loa.errors import StartFailed
from loa.settings import Settings
from worker.engines import load_engine


@pytest.mark.parametrize("name", sorted(ENGINES.keys() - bundles().keys()))  # the others need files, see their own tests
def test_every_engine_is_what_the_core_says(name: str) -> None:
    engine = load_engine(name)
    assert engine.name == name
    assert engine.sound_version == ENGINES[name].sound_version
    engine.load(torch.device("cpu"), Settings.load({}))
    assert engine.device == torch.device("cpu")
    assert 0 < engine.estimate(10) < 10
    assert len(engine.warm_shapes()) > 0
    assert not engine.keeps_voices or callable(engine.voice_of)  # type: ignore[attr-defined]


def test_an_unknown_engine() -> None:
    with pytest.raises(StartFailed, match="sine, viettts, vits"):
        load_engine("parrot")


def test_an_engine_whose_packages_are_missing() -> None:
    """In a process of its own: this one has imported them."""
    code = """
import sys
sys.modules["onnx"] = None
from loa.errors import StartFailed
from worker.engines import load_engine
try:
    load_engine("vits")
except StartFailed as error:
    print(error.message)
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "onnx" in said
