"""float16 weights with float32 sums: what is rounded, what is not, and that a row's company changes nothing."""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.engines.viettts import language_models
from worker.engines.viettts import half
from worker.engines.viettts.half import LARGEST, HalfLinear
from worker.engines.viettts.language_model import LanguageModel

GOLDEN = language_models.read()
SHAPE = GOLDEN.shape
INPUTS, OUTPUTS = 1100, 300  # neither is a multiple of the blocks that are packed, and the sums go over three of them
pytestmark = pytest.mark.skipif(not half.supported(), reason="this machine's PyTorch has no product of float16 weights (FBGEMM)")


def random_layer(*, bias: bool = True) -> nn.Linear:
    draw = torch.Generator().manual_seed(1)
    layer = nn.Linear(INPUTS, OUTPUTS, bias=bias).requires_grad_(False)
    for parameter in layer.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=draw) / 30)
    return layer


def packed() -> LanguageModel:
    model = language_models.build(SHAPE, GOLDEN.checkpoint)
    half.pack(model)
    return model


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return packed()


@pytest.fixture(scope="module")
def eight() -> list[language_models.Row]:
    """Texts of different lengths, two of them of one."""
    draw = torch.Generator().manual_seed(5)
    return [language_models.random_row(SHAPE, length, 30, draw) for length in (9, 2, 14, 1, 6, 6, 21, 11)]


# --- a layer -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, INPUTS), (3, 5, INPUTS)])
def test_weights_are_rounded_and_nothing_else(shape: tuple[int, ...], bias: bool) -> None:
    layer = random_layer(bias=bias)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    said = HalfLinear(layer)(x)
    rounded = layer.weight.half().double()
    assert said.dtype == torch.float32
    assert said.shape == (*shape[:-1], OUTPUTS)
    assert (said - functional.linear(x.double(), rounded, layer.bias.double() if bias else None)).abs().max() <= 5e-6
    assert (said - layer(x)).abs().max() > 1e-5


def test_a_row_is_the_same_in_any_company_and_place() -> None:
    """To the last bit: the sums of a row go in one order, however many rows there are."""
    layer = HalfLinear(random_layer())
    x = torch.randn(200, INPUTS, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([layer(row[None]) for row in x])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
    for rows in (2, 3, 7, 8, 64, 200):
        assert torch.equal(layer(x[:rows]), alone[:rows])
    assert torch.equal(layer(x[order]), alone[order])


def test_what_float16_cannot_hold_is_refused() -> None:
    layer = random_layer()
    layer.weight[3, 4] = -LARGEST
    assert HalfLinear(layer)(torch.ones(1, INPUTS))[0, 3] < -LARGEST / 2
    layer.weight[3, 4] = -LARGEST - 32
    with pytest.raises(OverflowError, match="65536 is beyond float16, which ends at 65504"):
        HalfLinear(layer)


def test_it_cannot_be_left_behind_by_a_move(model: LanguageModel) -> None:
    for move in (lambda: HalfLinear(random_layer()).half(), lambda: packed().to(torch.bfloat16)):
        with pytest.raises(TypeError, match="stays on its CPU"):
            move()


# --- the language model ----------------------------------------------------------------------------------------------------


def test_every_linear_layer_is_packed_and_its_weights_are_gone() -> None:
    model = language_models.build(SHAPE, GOLDEN.checkpoint)
    model.prepare()  # which joins projections and computes tables, all of which has to go
    layers = sum(isinstance(module, nn.Linear) for module in model.modules())
    attentions = SHAPE.text_encoder.layers + SHAPE.decoder.layers
    weights = [weakref.ref(module.weight) for module in model.modules() if isinstance(module, nn.Linear)]
    half.pack(model)
    assert not any(isinstance(module, nn.Linear) for module in model.modules())
    assert sum(isinstance(module, HalfLinear) for module in model.modules()) == layers - 2 * attentions
    assert len(weights) == layers
    assert all(weight() is None for weight in weights)


@pytest.mark.parametrize("row", GOLDEN.rows, ids=lambda row: f"{len(row.text)}+{len(row.tokens)}")
def test_it_is_nearer_to_float32_than_float16_is(row: language_models.Said, model: LanguageModel) -> None:
    count = len(row.tokens)
    logits = language_models.made_to_say(model, [row], count)[0]
    assert logits.dtype == torch.float32
    lower = language_models.made_to_say(language_models.build(SHAPE, GOLDEN.checkpoint).half(), [row], count)[0]
    off, off_in_float16 = ((said - row.logits).abs().mean() for said in (logits, lower.float()))
    assert 0 < off < off_in_float16
    assert (logits - row.logits).abs().max() <= 5e-3


def test_prepared_or_not_it_says_the_same(model: LanguageModel, eight: list[language_models.Row]) -> None:
    """Tables of the exact weights are not kept."""
    prepared = language_models.build(SHAPE, GOLDEN.checkpoint)
    prepared.prepare()
    half.pack(prepared)
    prepared.prepare()
    assert torch.equal(language_models.made_to_say(prepared, eight, 20), language_models.made_to_say(model, eight, 20))


def test_padded_texts_are_encoded_as_alone(model: LanguageModel, eight: list[language_models.Row]) -> None:
    together = model.encode([row.text for row in eight])
    for row, encoded in zip(eight, together, strict=True):
        assert (encoded[: len(row.text)] - model.encode([row.text])[0]).abs().max() <= 1e-5


def test_the_logits_of_eight_rows_are_those_of_eight_singles_in_any_order(model: LanguageModel, eight: list[language_models.Row]) -> None:
    count = len(eight[0].tokens)
    alone = [language_models.made_to_say(model, [row], count)[0] for row in eight]
    for order in (range(8), [5, 2, 7, 0, 3, 6, 1, 4]):
        together = language_models.made_to_say(model, [eight[place] for place in order], count)
        for place, logits in zip(order, together, strict=True):
            assert (logits - alone[place]).abs().max() <= 1e-5


@torch.inference_mode()
def test_eight_rows_say_what_eight_singles_say(model: LanguageModel, eight: list[language_models.Row]) -> None:
    together = language_models.speak(model, eight, seeds=list(range(8)))
    for seed, (row, tokens) in enumerate(zip(eight, together, strict=True)):
        assert torch.equal(language_models.speak(model, [row], seeds=[seed])[0], tokens)


def test_threads_may_use_it_side_by_side(model: LanguageModel, eight: list[language_models.Row]) -> None:
    @torch.inference_mode()
    def said(seed: int) -> list[torch.Tensor]:
        return language_models.speak(model, eight, seeds=[seed] * 8, forced=20)

    with ThreadPoolExecutor(4) as threads:
        beside = list(threads.map(said, range(4)))
    for seed, tokens in enumerate(beside):
        assert all(torch.equal(one, other) for one, other in zip(tokens, said(seed), strict=True))
