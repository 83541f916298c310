"""The small random language model of golden/language_model.npz, what the reference says with it, and how the reference draws."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worker.engines.viettts.architecture import EncoderShape, LanguageModelShape
from worker.engines.viettts.language_model import LanguageModel
from worker.engines.viettts.transformer import Cache

GOLDEN = Path(__file__).parent / "golden" / "language_model.npz"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sentence. T text ids, N speech tokens, C channels, V logits."""

    text: torch.Tensor  # [T]
    embedding: torch.Tensor  # [S]
    tokens: torch.Tensor  # [N] that the model is made to say


@dataclass(frozen=True, kw_only=True)
class Said(Row):
    encoded: torch.Tensor  # [T, C]
    speaker: torch.Tensor  # [C]
    logits: torch.Tensor  # [N, V], of each of `tokens`
    likeliest: torch.Tensor  # [N], what it says when it always takes the likeliest token


@dataclass(frozen=True, kw_only=True)
class Nuclei:
    """Which tokens the reference draws from. Q questions, K candidates at most."""

    logits: torch.Tensor  # [Q, V]
    ids: torch.Tensor  # [Q, K], in its order, then -1
    probabilities: torch.Tensor  # [Q, K]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the reference's sampler drew."""

    logits: torch.Tensor  # [V]
    before: torch.Tensor  # [N] tokens said before
    barred: torch.Tensor  # whether the end is
    counts: torch.Tensor  # [V]: how often each token was drawn


@dataclass(frozen=True, kw_only=True)
class Golden:
    shape: LanguageModelShape
    checkpoint: dict[str, torch.Tensor]
    rows: tuple[Said, ...]
    nuclei: Nuclei
    cases: dict[str, Case]


def read() -> Golden:
    with np.load(GOLDEN) as arrays:
        stamp = json.loads(arrays["stamp"].tobytes())
        shapes = stamp["weights"]
        weights = torch.from_numpy(arrays["weights"].astype(np.float32)).split([math.prod(shape) for shape in shapes.values()])
        groups: dict[str, dict[str, torch.Tensor]] = {}
        for name, array in arrays.items():
            group, _, field = name.rpartition("/")
            wide = {"f": np.float32, "i": np.int64, "b": np.bool}.get(array.dtype.kind)
            if group:
                groups.setdefault(group, {})[field] = torch.from_numpy(array.astype(wide))
    return Golden(
        shape=shape_of(stamp["sizes"]),
        checkpoint={name: part.view(shape) for (name, shape), part in zip(shapes.items(), weights, strict=True)},
        rows=tuple(Said(**fields) for group, fields in groups.items() if group.startswith("row/")),
        nuclei=Nuclei(**groups["nuclei"]),
        cases={group.removeprefix("case/"): Case(**fields) for group, fields in groups.items() if group.startswith("case/")},
    )


def shape_of(sizes: dict[str, Any]) -> LanguageModelShape:
    encoders = {part: EncoderShape(**sizes[part]) for part in ("text_encoder", "decoder")}
    return LanguageModelShape(**{**sizes, **encoders})


def build(shape: LanguageModelShape, checkpoint: dict[str, torch.Tensor]) -> LanguageModel:
    model = LanguageModel(shape)
    model.load_state_dict(checkpoint, strict=True)
    return model.eval().requires_grad_(False)


def random_row(shape: LanguageModelShape, length: int, count: int, draw: torch.Generator) -> Row:
    return Row(
        text=torch.randint(shape.text_vocabulary, (length,), generator=draw),
        embedding=torch.randn(shape.speaker_size, generator=draw),
        tokens=torch.randint(shape.speech_vocabulary, (count,), generator=draw),
    )


def begin(model: LanguageModel, rows: list[Row] | tuple[Row, ...], **how: Any) -> tuple[torch.Tensor, Cache]:
    return model.begin([row.text for row in rows], model.speaker(torch.stack([row.embedding for row in rows])), **how)


def made_to_say(model: LanguageModel, rows: list[Row] | tuple[Row, ...], count: int) -> torch.Tensor:
    """The logits of the first `count` tokens when the model is made to say those of the rows, in one batch: [B, N, V]."""
    logits, cache = begin(model, rows)
    every = [logits]
    for number in range(count - 1):
        cache.reserve(1, 16)
        every.append(model.step(torch.stack([row.tokens[number] for row in rows]), cache))
    return torch.stack(every, dim=1)


def likeliest(model: LanguageModel, row: Row, count: int) -> torch.Tensor:
    """What the model says when it always takes the likeliest token but the end: [N]."""
    logits, cache = begin(model, [row])
    said = []
    for _ in range(count):
        said.append(logits[:, :-1].argmax(dim=1))
        cache.reserve(1, 16)
        logits = model.step(said[-1], cache)
    return torch.cat(said)


def speak(model: LanguageModel, rows: list[Row] | tuple[Row, ...], seeds: list[int], **how: Any) -> list[torch.Tensor]:
    """All rows in one batch → the tokens of each."""
    return model.generate(
        [row.text for row in rows],
        model.speaker(torch.stack([row.embedding for row in rows])),
        [torch.Generator().manual_seed(seed) for seed in seeds],
        **how,
    )
