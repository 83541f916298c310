"""Relative attention: the paper's formula, and everything that it keeps between two calls."""

from __future__ import annotations

import math

import pytest
import torch

from worker.engines.viettts.attention import FIRST_REACH, RelativeAttention, sinusoids

SIZE, HEADS = 12, 3
both = pytest.mark.parametrize("causal", [True, False], ids=["causal", "full"])


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def random_attention(draw: torch.Generator, *, causal: bool) -> RelativeAttention:
    attention = RelativeAttention(SIZE, HEADS, causal=causal).requires_grad_(False)
    for parameter in attention.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=draw) / 2)
    return attention


def ahead(steps: int) -> torch.Tensor:
    """[T, T]: True where the second step comes after the first."""
    return torch.ones(steps, steps, dtype=torch.bool).triu(1)


def by_the_formula(attention: RelativeAttention, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """x [T, C], hidden [T, T] → [T, C], one score after the other."""
    steps, width = len(x), SIZE // HEADS
    query, key, value = (layer(x).view(steps, HEADS, width) for layer in (attention.linear_q, attention.linear_k, attention.linear_v))
    mixed = torch.zeros(steps, HEADS, width)
    for head in range(HEADS):
        for i in range(steps):
            scores = torch.full((steps,), -math.inf)
            for j in range(steps):
                if hidden[i, j]:
                    continue
                position = attention.linear_pos(sinusoids(torch.tensor([i - j]), SIZE)).view(HEADS, width)[head]
                by_content = (query[i, head] + attention.pos_bias_u[head]) @ key[j, head]
                by_distance = (query[i, head] + attention.pos_bias_v[head]) @ position
                scores[j] = (by_content + by_distance) / math.sqrt(width)
            mixed[i, head] = scores.softmax(dim=0) @ value[:, head]
    return attention.linear_out(mixed.flatten(1))


# --- the formula -------------------------------------------------------------------------------------------------------


def test_sinusoids() -> None:
    table = sinusoids(torch.tensor([3, 0, -3]), 4)
    slow = 3 / math.sqrt(10000.0)
    expected = [
        [math.sin(3), math.cos(3), math.sin(slow), math.cos(slow)],
        [0, 1, 0, 1],
        [-math.sin(3), math.cos(3), -math.sin(slow), math.cos(slow)],
    ]
    assert torch.allclose(table, torch.tensor(expected), atol=1e-7)


@both
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_it_is_the_formula(steps: int, causal: bool, draw: torch.Generator) -> None:
    attention = random_attention(draw, causal=causal)
    x = torch.randn(2, steps, SIZE, generator=draw)
    hidden = ahead(steps) if causal else torch.zeros(steps, steps, dtype=torch.bool)
    said = attention(x, hidden if causal else None)
    for row in range(2):
        assert (said[row] - by_the_formula(attention, x[row], hidden)).abs().max() <= 1e-5


@both
def test_each_row_has_its_own_hidden_steps(causal: bool, draw: torch.Generator) -> None:
    attention = random_attention(draw, causal=causal)
    steps, lengths = 6, (6, 2, 4)
    x = torch.randn(3, steps, SIZE, generator=draw)
    hidden = torch.stack([(torch.arange(steps) >= length).expand(steps, steps) for length in lengths])
    hidden = hidden | ahead(steps) if causal else hidden
    said = attention(x, hidden.unsqueeze(1))
    for row in range(3):
        assert (said[row] - by_the_formula(attention, x[row], hidden[row])).abs().max() <= 1e-5


# --- steps -------------------------------------------------------------------------------------------------------------


def test_steps_say_what_the_whole_says(draw: torch.Generator) -> None:
    """A cache of more slots than are used, in which the slots that do not count hold anything."""
    attention = random_attention(draw, causal=True)
    rows, known, steps, slots = 2, 3, 7, 10
    x = torch.randn(rows, steps, SIZE, generator=draw)
    whole = attention(x, ahead(steps))
    kept = torch.full((rows, 2, HEADS, slots, SIZE // HEADS), 1e4)
    assert torch.allclose(attention(x[:, :known], ahead(known), kept), whole[:, :known], atol=1e-6)
    assert (kept[:, :, :, known:] == 1e4).all()
    for slot in range(known, steps):
        distance = (slots - 1 - slot + torch.arange(slots)).clamp(max=slots - 1)
        hidden = torch.zeros(rows, slots).masked_fill(torch.arange(slots) > slot, -math.inf)
        said = attention.step(x[:, slot : slot + 1], torch.tensor([slot]), distance, hidden, kept)
        assert (said[:, 0] - whole[:, slot]).abs().max() <= 1e-5


# --- what is kept ------------------------------------------------------------------------------------------------------


@both
def test_the_table_grows_by_need_and_stays_the_same(causal: bool, draw: torch.Generator) -> None:
    attention = random_attention(draw, causal=causal)
    before = attention.table(5).clone()
    assert before.shape == (HEADS, 5 if causal else 9, SIZE // HEADS)
    long = FIRST_REACH + 3
    grown = attention.table(long)
    assert grown.shape[1] == (long if causal else 2 * long - 1)
    middle = long - 5
    assert torch.allclose(grown[:, middle:] if causal else grown[:, middle:-middle], before, atol=1e-6)
    assert torch.equal(attention.table(5), grown[:, middle:] if causal else grown[:, middle:-middle])
    assert attention.table(2 * FIRST_REACH).untyped_storage().data_ptr() == grown.untyped_storage().data_ptr()  # it had doubled


def test_the_packed_projection_shares_the_memory_of_the_layers(draw: torch.Generator) -> None:
    attention = random_attention(draw, causal=True)
    before = {name: tensor.clone() for name, tensor in attention.state_dict().items()}
    attention.prepare()
    after = attention.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    memory = {getattr(attention, f"linear_{part}").weight.untyped_storage().data_ptr() for part in "qkv"}
    assert len(memory) == 1
    assert not any(parameter.requires_grad for parameter in attention.parameters())


@both
@pytest.mark.parametrize("assign", [True, False], ids=["assigned", "copied"])
def test_other_weights_are_heard_at_once(assign: bool, causal: bool, draw: torch.Generator) -> None:
    attention, other = random_attention(draw, causal=causal), random_attention(draw, causal=causal)
    x = torch.randn(1, 5, SIZE, generator=draw)
    hidden = ahead(5) if causal else None
    said = attention(x, hidden)
    expected = other(x, hidden)
    assert (said - expected).abs().max() > 0.1
    attention.load_state_dict(other.state_dict(), assign=assign)
    assert torch.equal(attention(x, hidden), expected)


@both
def test_another_precision_is_heard_at_once(causal: bool, draw: torch.Generator) -> None:
    attention = random_attention(draw, causal=causal)
    x = torch.randn(1, 5, SIZE, generator=draw)
    hidden = ahead(5) if causal else None
    said = attention(x, hidden)
    attention.half()
    lower = attention(x.half(), hidden)
    assert lower.dtype == attention.table(5).dtype == torch.float16
    assert 0 < (lower.float() - said).abs().max() < 0.02
    attention.float()
    assert attention(x, hidden).dtype == torch.float32
