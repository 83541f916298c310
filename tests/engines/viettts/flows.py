"""The small random flow of golden/flow.npz and what the reference says with it."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worker.engines.viettts.architecture import EncoderShape, EstimatorShape, FlowShape
from worker.engines.viettts.flow import Flow, Prompt
from worker.engines.viettts.regulator import Stretch

GOLDEN = Path(__file__).parent / "golden" / "flow.npz"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sentence: what goes in and, where the reference was asked, what comes out of each part. T tokens, F frames, M mel bands."""

    tokens: torch.Tensor  # [T]
    prompt: torch.Tensor  # [T]
    mel: torch.Tensor  # [F, M] of the prompt
    embedding: torch.Tensor  # [S]
    noise: torch.Tensor  # [M, F] of prompt and speech


@dataclass(frozen=True, kw_only=True)
class Said(Row):
    encoded: torch.Tensor  # [T, C]
    mu: torch.Tensor  # [F, M]
    speaker: torch.Tensor  # [M]
    directions: torch.Tensor  # [2, F, M], of the noise: with everything that is known, and with nothing
    spoken: torch.Tensor  # [F, M] of the speech


@dataclass(frozen=True, kw_only=True)
class Golden:
    shape: FlowShape
    checkpoint: dict[str, torch.Tensor]
    time: float  # at which the directions are asked for
    rows: tuple[Said, ...]


def read() -> Golden:
    with np.load(GOLDEN) as arrays:
        stamp = json.loads(arrays["stamp"].tobytes())
        shapes = stamp["weights"]
        weights = torch.from_numpy(arrays["weights"].astype(np.float32)).split([math.prod(shape) for shape in shapes.values()])
        tensors = {
            name: torch.from_numpy(array.astype(np.int64 if array.dtype == np.int16 else np.float32))
            for name, array in arrays.items()
            if "/" in name
        }
    rows = sorted({name.partition("/")[0] for name in tensors})
    return Golden(
        shape=shape_of(stamp["sizes"]),
        checkpoint={name: part.view(shape) for (name, shape), part in zip(shapes.items(), weights, strict=True)},
        time=stamp["time"],
        rows=tuple(Said(**{field.name: tensors[f"{row}/{field.name}"] for field in dataclasses.fields(Said)}) for row in rows),
    )


def shape_of(sizes: dict[str, Any]) -> FlowShape:
    estimator = sizes["estimator"] | {"channels": tuple(sizes["estimator"]["channels"])}
    return FlowShape(**{**sizes, "encoder": EncoderShape(**sizes["encoder"]), "estimator": EstimatorShape(**estimator)})


def build(shape: FlowShape, checkpoint: dict[str, torch.Tensor]) -> Flow:
    flow = Flow(shape)
    flow.load_state_dict(checkpoint, strict=True)
    return flow.eval().requires_grad_(False)


def random_row(flow: Flow, tokens: int, prompt_tokens: int, prompt_frames: int, draw: torch.Generator) -> Row:
    shape = flow.shape
    return Row(
        tokens=torch.randint(shape.vocabulary, (tokens,), generator=draw),
        prompt=torch.randint(shape.vocabulary, (prompt_tokens,), generator=draw),
        mel=torch.randn(prompt_frames, shape.mels, generator=draw),
        embedding=torch.randn(shape.speaker_size, generator=draw),
        noise=torch.randn(shape.mels, prompt_frames + flow.frames(tokens), generator=draw),
    )


def stretch_of(row: Row) -> Stretch:
    return Stretch(
        prompt_tokens=len(row.prompt),
        prompt_frames=len(row.mel),
        tokens=len(row.tokens),
        frames=row.noise.shape[1] - len(row.mel),
    )


def speak(flow: Flow, rows: list[Row] | tuple[Row, ...], **how: Any) -> list[torch.Tensor]:
    """All rows in one batch → [M, F] each."""
    return flow.mels(
        [row.tokens for row in rows],
        [Prompt(tokens=row.prompt, mel=row.mel) for row in rows],
        flow.speaker(torch.stack([row.embedding for row in rows])),
        [row.noise for row in rows],
        **how,
    )
