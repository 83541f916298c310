"""The language model at full size beside the reference, random weights. Needs what make_language_model.py needs."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest
import torch

from tests.engines.viettts import language_models
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.language_model import LanguageModel
from worker.engines.viettts.sampling import candidates

MAKER = "make_language_model"
SHAPE = FULL.language_model
STEPS = 200
pytestmark = pytest.mark.timeout(3600)  # the reference says them twice, a quarter of a second each on a busy core


@pytest.fixture(scope="module")
def model(reference: torch.nn.Module) -> LanguageModel:
    return language_models.build(SHAPE, reference.state_dict())


@pytest.fixture(scope="module")
def rows() -> list[language_models.Row]:
    draw = torch.Generator().manual_seed(2)
    return [language_models.random_row(SHAPE, length, STEPS, draw) for length in (30, 3, 17)]


def test_text_and_200_tokens(maker: ModuleType, reference: torch.nn.Module, model: LanguageModel, rows: list[language_models.Row]) -> None:
    """When both say the same tokens, and when each goes on from its own."""
    row = rows[0]
    said = language_models.Said(**vars(row), **maker.row_of(reference, **vars(row)))
    assert said.encoded.std() > 0.3
    assert said.logits.std() > 0.3
    assert (model.encode([row.text])[0] - said.encoded).abs().max() <= 1e-5
    assert (model.speaker(row.embedding[None])[0] - said.speaker).abs().max() <= 1e-6
    logits = language_models.made_to_say(model, [row], STEPS)[0]
    assert (logits - said.logits).abs().max() <= 1e-5
    assert torch.equal(logits.argmax(dim=1), said.logits.argmax(dim=1))
    assert torch.equal(language_models.likeliest(model, row, STEPS), said.likeliest)


def test_rows_in_a_batch_come_out_as_alone(model: LanguageModel, rows: list[language_models.Row]) -> None:
    count = 20
    for row, logits in zip(rows, language_models.made_to_say(model, rows, count), strict=True):
        assert (logits - language_models.made_to_say(model, [row], count)[0]).abs().max() <= 1e-5
    together = language_models.speak(model, rows, seeds=[1, 2, 3], forced=count)
    for seed, (row, tokens) in enumerate(zip(rows, together, strict=True), start=1):
        assert torch.equal(tokens, language_models.speak(model, [row], seeds=[seed], forced=count)[0])


def test_the_candidates_are_those_of_the_reference(maker: ModuleType) -> None:
    draw = torch.Generator().manual_seed(3)
    sizes = set()
    for number in range(60):
        logits = torch.randn(SHAPE.speech_vocabulary + 1, generator=draw) * 1.08**number
        expected, weights = maker.nucleus_of(logits, dataclasses.asdict(SHAPE))
        ids, probabilities = candidates(logits.softmax(dim=0)[None], SHAPE)
        count = len(expected)
        assert torch.equal(ids[0, :count], expected)
        assert (probabilities[0, :count] - weights).abs().max() <= 1e-6
        assert (probabilities[0, count:] == 0).all()
        sizes.add(count)
    assert {2, SHAPE.top_k} < sizes
