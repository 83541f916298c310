"""The estimator: equal to the reference, and the same for a row whatever batch it is in and whoever it is asked with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch.nn import functional

from tests.engines.viettts import flows
from worker.engines.viettts.estimator import Estimator
from worker.engines.viettts.padding import GroupNorm, Padding, masked

GOLDEN = flows.read()
MELS = GOLDEN.shape.mels
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return flows.build(GOLDEN.shape, GOLDEN.checkpoint).decoder.estimator


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def ask(estimator: Estimator, x: torch.Tensor, known: Sequence[torch.Tensor], time: float, padding: Padding | None = None) -> torch.Tensor:
    (shifts,) = estimator.shifts(torch.tensor([time]))
    return estimator(x, shifts, estimator.condition(*known, padding), padding)


@pytest.mark.parametrize("row", GOLDEN.rows, ids=lambda row: str(row.noise.shape[1]))
def test_it_equals_the_reference(row: flows.Said, estimator: Estimator) -> None:
    """With everything that is known and with nothing, in one call."""
    prompt = torch.zeros_like(row.mu)
    prompt[: len(row.mel)] = row.mel
    known = [torch.stack([part, torch.zeros_like(part)]) for part in (row.mu, row.speaker, prompt)]
    directions = ask(estimator, row.noise.T[None], known, GOLDEN.time)
    assert directions.shape == row.directions.shape
    assert (directions - row.directions).abs().max() <= 1e-5


def test_the_reference_rows_are_worth_comparing_with() -> None:
    lengths = [row.noise.shape[1] for row in GOLDEN.rows]
    assert {length % 2 for length in lengths} == {0, 1}  # an odd length is halved and doubled to one more
    for row in GOLDEN.rows:
        assert row.directions.std() > 0.3
        assert (row.directions[0] - row.directions[1]).std() > 0.1


@pytest.mark.parametrize("lengths", [(51, 50, 49, 7), (64, 9, 12, 33), (40, 40, 40, 40)], ids=str)
def test_padded_rows_come_out_as_alone(lengths: tuple[int, ...], estimator: Estimator, draw: torch.Generator) -> None:
    steps = max(lengths)
    padding = Padding.of(lengths, CPU)
    x, mu, prompt = torch.randn(3, len(lengths), steps, MELS, generator=draw)
    speaker = torch.randn(len(lengths), MELS, generator=draw)
    if padding is not None:
        mu, prompt = (part.masked_fill(padding.hidden, math.nan) for part in (mu, prompt))  # what stands there must not count
    batch = ask(estimator, masked(x, padding), (mu, speaker, prompt), 0.5, padding)
    for row, length in enumerate(lengths):
        own = slice(row, row + 1)
        alone = ask(estimator, x[own, :length], (mu[own, :length], speaker[own], prompt[own, :length]), 0.5)
        assert alone.std() > 0.1
        assert (batch[row, :length] - alone[0]).abs().max() <= 1e-5
        assert not batch[row, length:].any()


def test_one_call_in_two_conditions_is_two_calls(estimator: Estimator, draw: torch.Generator) -> None:
    lengths = (30, 21)
    x, first, second = torch.randn(3, 2, 30, MELS, generator=draw)
    speakers = torch.randn(2, 2, MELS, generator=draw)
    padding = Padding.of(lengths, CPU)
    x = masked(x, padding)
    apart = [ask(estimator, x, (mu, speaker, mu), 0.2, padding) for mu, speaker in zip((first, second), speakers, strict=True)]
    mu = torch.cat([first, second])
    together = ask(estimator, x, (mu, speakers.flatten(0, 1), mu), 0.2, padding.repeated(2))
    assert (apart[0] - apart[1]).abs().max() > 0.1
    assert (together - torch.cat(apart)).abs().max() <= 1e-5


def test_shifts_of_several_times_are_those_of_each(estimator: Estimator) -> None:
    times = torch.linspace(0, 1, 5)
    blocks = 2 * len(GOLDEN.shape.estimator.channels) + GOLDEN.shape.estimator.mid_blocks
    for time, shifts in zip(times, estimator.shifts(times), strict=True):
        (alone,) = estimator.shifts(time[None])
        assert len(shifts) == len(alone) == blocks
        for one, other in zip(shifts, alone, strict=True):
            assert (one - other).abs().max() <= 1e-6
    early, late = estimator.shifts(torch.tensor([0.1, 0.9]))
    assert (early[0] - late[0]).abs().max() > 0.1


def test_a_norm_counts_no_padding(draw: torch.Generator) -> None:
    lengths = (9, 5, 1)
    norm = GroupNorm(2, 6).requires_grad_(False)
    norm.weight.copy_(torch.randn(6, generator=draw))
    norm.bias.copy_(torch.randn(6, generator=draw))
    padding = Padding.of(lengths, CPU)
    x = (3 + 2 * torch.randn(3, 9, 6, generator=draw)).masked_fill(padding.hidden, math.nan)
    batch = norm(x, padding)
    for row, length in enumerate(lengths):
        alone = functional.group_norm(x[row : row + 1, :length].mT, 2, norm.weight, norm.bias).mT
        assert (norm(x[row : row + 1, :length], None) - alone).abs().max() <= 1e-6
        assert (batch[row, :length] - alone[0]).abs().max() <= 1e-5


def test_padding_is_of_the_rows_that_have_some() -> None:
    assert Padding.of((7, 7), CPU) is None
    padding = Padding.of((7, 4), CPU)
    assert padding.hidden[:, :, 0].tolist() == [[False] * 7, [False] * 4 + [True] * 3]
    assert padding.halved().lengths.tolist() == [4, 2]
    assert torch.equal(padding.halved().hidden, padding.hidden[:, ::2])
    assert torch.equal(padding.repeated(2).seen, ~padding.hidden.repeat(2, 1, 1).mT[:, None])
