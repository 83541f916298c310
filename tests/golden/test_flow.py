"""The flow at full size beside the reference, random weights. Needs what make_flow.py needs."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from tests.engines.viettts import flows
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.flow import Flow

MAKER = "make_flow"
SHAPE = FULL.flow


@pytest.fixture(scope="module")
def flow(reference: torch.nn.Module) -> Flow:
    return flows.build(SHAPE, reference.state_dict())


@pytest.fixture(scope="module")
def rows(flow: Flow) -> list[flows.Row]:
    """2.2 s of speech after 1.3 s of prompt, and some less."""
    draw = torch.Generator().manual_seed(2)
    return [flows.random_row(flow, 55, 32, 111, draw), flows.random_row(flow, 21, 40, 138, draw)]


def test_each_part_and_the_whole(maker: ModuleType, reference: torch.nn.Module, flow: Flow, rows: list[flows.Row]) -> None:
    row = rows[0]
    said = flows.Said(**vars(row), **maker.say(reference, **vars(row)))
    tokens = torch.cat([row.prompt, row.tokens])
    assert (flow.encoder(flow.input_embedding(tokens[None]))[0] - said.encoded).abs().max() <= 1e-4
    assert (flow.mu([tokens], [flows.stretch_of(row)])[0] - said.mu).abs().max() <= 1e-4
    estimator = flow.decoder.estimator
    prompt = torch.zeros_like(said.mu)
    prompt[: len(row.mel)] = row.mel
    known = [torch.stack([part, torch.zeros_like(part)]) for part in (said.mu, said.speaker, prompt)]
    (shifts,) = estimator.shifts(torch.tensor([maker.TIME]))
    assert (estimator(row.noise.T[None], shifts, estimator.condition(*known)) - said.directions).abs().max() <= 1e-4
    (mel,) = flows.speak(flow, [row])
    assert said.spoken.std() > 0.5
    assert (mel.T - said.spoken).abs().max() <= 1e-4


def test_padded_rows_come_out_as_alone(flow: Flow, rows: list[flows.Row]) -> None:
    for row, mel in zip(rows, flows.speak(flow, rows), strict=True):
        (alone,) = flows.speak(flow, [row])
        assert (mel - alone).abs().max() <= 1e-5
