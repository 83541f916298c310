"""What comparison.py needs: the networks of published files, something heard, and a sentence."""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from loa.verification import Check, Step
from worker.engines.viettts import comparison
from worker.engines.viettts.comparison import Heard, Networks
from worker.engines.viettts.config import read_config
from worker.engines.viettts.features import SPEECH_RATE
from worker.engines.viettts.weights import file_shapes, load_flow, load_language_model, load_vocoder, read_tensors

CPU = torch.device("cpu")
PARTS = ("text encoder", "language model", "flow", "pitch", "vocoder")


def networks(folder: Path) -> Networks:
    architecture = read_config(folder / "config.yaml")
    return Networks(
        architecture=architecture,
        language_model=load_language_model(folder / "llm.pt", architecture.language_model, CPU),
        flow=load_flow(folder / "flow.pt", architecture.flow, CPU),
        vocoder=load_vocoder(folder / "hift.pt", architecture.vocoder, CPU),
        config=folder / "config.yaml",
        checkpoints={name: read_tensors(folder / name, shapes) for name, shapes in file_shapes(architecture).items()},
    )


def compare(networks: Networks) -> dict[str, Check]:
    """Every check of a comparison, of 25 random ids in the voice of two random seconds, by name."""
    draw = torch.Generator().manual_seed(1)
    shape = networks.architecture.flow
    heard = Heard(
        pcm=torch.randn(2 * SPEECH_RATE, generator=draw) * 0.1,
        embedding=torch.randn(shape.speaker_size, generator=draw),
        tokens=torch.randint(shape.vocabulary, (2 * shape.token_rate,), generator=draw),
    )
    ids = torch.randint(networks.architecture.language_model.text_vocabulary, (25,), generator=draw)
    found = list(comparison.compare(functools.partial(Step, lambda _: None), networks, heard, ids))
    return {check.name.removeprefix("reference: "): check for check in found}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.verdict == "failed"]
