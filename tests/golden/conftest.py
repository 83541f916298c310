"""VietTTS at full size beside its own implementation. `make golden` brings that and runs these; `make test`, which has it not, leaves them
out: it compares small models with golden files instead.

A file names the script that builds its part of the reference, and the part's sizes: MAKER, SHAPE.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from types import ModuleType

import pytest
import torch

if importlib.util.find_spec("viettts") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module")
def maker(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"tests.engines.viettts.golden.{request.module.MAKER}")


@pytest.fixture(scope="module")
def reference(request: pytest.FixtureRequest, maker: ModuleType) -> torch.nn.Module:
    """With random weights."""
    model = maker.build(dataclasses.asdict(request.module.SHAPE))
    maker.fill(model, torch.Generator().manual_seed(1))
    return model.requires_grad_(False)
