"""The small random vocoder of golden/hift.npz and what the reference says with it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worker.engines.viettts.architecture import FULL, VocoderShape
from worker.engines.viettts.hift import Vocoder
from worker.engines.viettts.source import Draw
from worker.engines.viettts.weight_norm import folded

GOLDEN = Path(__file__).parent / "golden" / "hift.npz"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One mel and what the reference makes of it, with a batch axis of 1."""

    mel: torch.Tensor
    phases: torch.Tensor  # [N]
    noise: torch.Tensor  # [N, T]: the reference's, one for each sine
    pitch: torch.Tensor
    source: torch.Tensor
    samples: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Golden:
    shape: VocoderShape
    checkpoint: dict[str, torch.Tensor]
    rows: tuple[Row, ...]


def read() -> Golden:
    with np.load(GOLDEN) as arrays:
        sizes = json.loads(arrays["stamp"].tobytes())["sizes"]
        tensors = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files if name != "stamp"}
    rows = sorted({name.partition("/")[0] for name in tensors} - {"weights"})
    fields = [field.name for field in dataclasses.fields(Row)]
    return Golden(
        shape=dataclasses.replace(FULL.vocoder, **{name: _tuples(size) for name, size in sizes.items()}),
        checkpoint={name.removeprefix("weights/"): tensor for name, tensor in tensors.items() if name.startswith("weights/")},
        rows=tuple(Row(**{field: tensors[f"{row}/{field}"] for field in fields}) for row in rows),
    )


def build(shape: VocoderShape, checkpoint: dict[str, torch.Tensor]) -> Vocoder:
    vocoder = Vocoder(shape)
    vocoder.load_state_dict(folded(checkpoint, shape), strict=True)
    return vocoder.eval().requires_grad_(False)


def merged(vocoder: Vocoder, phases: torch.Tensor, noise: torch.Tensor) -> Draw:
    """The reference's noise [N, T] as the one of equal effect that our source takes."""
    weights = vocoder.m_source.l_linear.weight[0]
    return Draw(phases, weights @ noise / torch.linalg.vector_norm(weights))


def _tuples(size: Any) -> Any:
    return tuple(_tuples(one) for one in size) if isinstance(size, list) else size
