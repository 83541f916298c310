"""Encoder and decoder: rows of unequal length in one batch, and a cache that rows leave and that grows."""

from __future__ import annotations

import pytest
import torch

from worker.engines.viettts.architecture import EncoderShape
from worker.engines.viettts.transformer import Cache, Decoder, Encoder, Survivors

SHAPE = EncoderShape(input_size=10, size=16, heads=2, feed_forward=24, layers=3)
NOISE = 50.0  # what padding is made of where it must not matter


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def filled(model: torch.nn.Module, draw: torch.Generator) -> torch.nn.Module:
    for parameter in model.parameters():
        values = torch.randn(parameter.shape, generator=draw)
        parameter.data = values / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 1 + values / 5
    return model.eval().requires_grad_(False)


@pytest.fixture
def decoder(draw: torch.Generator) -> Decoder:
    return filled(Decoder(SHAPE), draw)


def prefilled(decoder: Decoder, rows: list[torch.Tensor], slots: int) -> tuple[torch.Tensor, Cache]:
    """Rows of unequal length [T, input], with noise before the shorter ones."""
    steps = max(len(row) for row in rows)
    x = torch.stack([torch.cat([torch.full((steps - len(row), SHAPE.input_size), NOISE), row]) for row in rows])
    cache = Cache(SHAPE, torch.tensor([steps - len(row) for row in rows]), slots, torch.float32)
    return decoder.prefill(decoder.enter(x), cache), cache


def step(decoder: Decoder, rows: list[torch.Tensor], at: int, cache: Cache) -> torch.Tensor:
    return decoder.step(decoder.enter(torch.stack([row[at] for row in rows])), cache)


# --- the encoder -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "full"])
def test_padded_rows_come_out_as_alone(causal: bool, draw: torch.Generator) -> None:
    encoder = filled(Encoder(SHAPE, causal=causal), draw)
    lengths = (11, 1, 7, 11, 4)
    x = torch.full((len(lengths), max(lengths), SHAPE.input_size), NOISE)
    for row, length in enumerate(lengths):
        x[row, :length] = torch.randn(length, SHAPE.input_size, generator=draw)
    said = encoder(x, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        alone = encoder(x[row : row + 1, :length])
        assert alone.std() > 0.3
        assert (said[row, :length] - alone[0]).abs().max() <= 1e-5


def test_a_causal_encoder_does_not_look_ahead_and_a_full_one_does(draw: torch.Generator) -> None:
    x = torch.randn(1, 8, SHAPE.input_size, generator=draw)
    other = x.clone()
    other[:, 5:] += 1
    for causal in (True, False):
        encoder = filled(Encoder(SHAPE, causal=causal), draw)
        change = (encoder(x) - encoder(other)).abs().amax(dim=2)[0]
        assert (change[5:] > 0.01).all()
        assert (change[:5] <= 1e-6).all() if causal else (change[:5] > 1e-4).all()


# --- the decoder -------------------------------------------------------------------------------------------------------


def test_steps_say_what_a_prefill_of_all_says(decoder: Decoder, draw: torch.Generator) -> None:
    """Rows of unequal length in one cache, which grows on the way."""
    lengths, steps = (9, 1, 5), 20
    rows = [torch.randn(length + steps, SHAPE.input_size, generator=draw) for length in lengths]
    said, cache = prefilled(decoder, [row[:length] for row, length in zip(rows, lengths, strict=True)], slots=12)
    for number in range(steps):
        for row, length, one in zip(rows, lengths, said, strict=True):
            alone, _ = prefilled(decoder, [row[: length + number]], slots=length + number)
            assert (one - alone[0]).abs().max() <= 1e-5
        cache.reserve(1, 8)
        said = step(decoder, [row[length:] for row, length in zip(rows, lengths, strict=True)], number, cache)
    assert cache.used == 9 + steps
    assert cache.slots == 36  # 12 and three times 8


def test_a_cache_grows_only_when_it_must(decoder: Decoder, draw: torch.Generator) -> None:
    _, cache = prefilled(decoder, [torch.randn(5, SHAPE.input_size, generator=draw)], slots=8)
    memory = [layer.data_ptr() for layer in cache.layers]
    cache.reserve(3, 4)
    assert cache.slots == 8
    assert [layer.data_ptr() for layer in cache.layers] == memory
    cache.reserve(8, 4)
    assert cache.slots == 16  # two grains, in which 13 slots fit


@pytest.mark.parametrize("going", [[0, 1, 2, 3], [1, 3], [3], [0], [0, 2, 3]], ids=str)
def test_rows_that_stay_say_what_they_would_have_said(going: list[int], decoder: Decoder, draw: torch.Generator) -> None:
    lengths = (4, 2, 9, 6)
    rows = [torch.randn(length + 6, SHAPE.input_size, generator=draw) for length in lengths]
    starts = [row[:length] for row, length in zip(rows, lengths, strict=True)]
    later = [row[length:] for row, length in zip(rows, lengths, strict=True)]
    _, all_of_them = prefilled(decoder, starts, slots=16)
    _, some = prefilled(decoder, starts, slots=16)
    step(decoder, later, 0, all_of_them)
    step(decoder, later, 0, some)
    survivors = Survivors(going)
    some.keep(survivors)
    assert sorted(survivors.order) == going
    assert some.hidden.shape[0] == some.layers[0].shape[0] == len(going)
    for number in range(1, 6):
        expected = step(decoder, later, number, all_of_them)
        said = step(decoder, [later[row] for row in survivors.order], number, some)
        assert (said - expected[survivors.order]).abs().max() <= 1e-5


def test_survivors_move_as_little_as_possible() -> None:
    tensor = torch.arange(6)
    survivors = Survivors([0, 2, 4, 5])
    memory = tensor.data_ptr()
    left = survivors.of(tensor)
    assert left.data_ptr() == memory
    assert left.tolist() == survivors.order == [0, 4, 2, 5]


def test_what_is_hidden_may_hold_anything(decoder: Decoder, draw: torch.Generator) -> None:
    """Padding and slots yet to come never reach a row."""
    rows = [torch.randn(length, SHAPE.input_size, generator=draw) for length in (6, 2)]
    later = torch.randn(2, 1, SHAPE.input_size, generator=draw)
    _, cache = prefilled(decoder, rows, slots=10)
    _, spoilt = prefilled(decoder, rows, slots=10)
    for layer in spoilt.layers:
        layer[1, :, :, :4] = 1e6  # before the second row's start
        layer[:, :, :, 6:] = 1e6
    assert torch.allclose(step(decoder, list(later), 0, spoilt), step(decoder, list(later), 0, cache), atol=1e-6)
