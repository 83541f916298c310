"""The length regulator: equal to the reference, and the same for a row whatever batch it is in."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from tests.engines.viettts import flows
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.flow import Flow
from worker.engines.viettts.regulator import EDGE, Regulator, Stretch, frames_of

GOLDEN = flows.read()


@pytest.fixture(scope="module")
def flow() -> Flow:
    return flows.build(GOLDEN.shape, GOLDEN.checkpoint)


def stretch(tokens: int, prompt_tokens: int = 0, prompt_frames: int = 0) -> Stretch:
    return Stretch(prompt_tokens=prompt_tokens, prompt_frames=prompt_frames, tokens=tokens, frames=frames_of(GOLDEN.shape, tokens))


@pytest.mark.parametrize("row", GOLDEN.rows, ids=lambda row: f"{len(row.prompt)}+{len(row.tokens)}")
def test_it_equals_the_reference(row: flows.Said, flow: Flow) -> None:
    (mu,) = flow.length_regulator(flow.encoder_proj(row.encoded[None]), [flows.stretch_of(row)])
    assert mu.shape == row.mu.shape
    assert (mu - row.mu).abs().max() <= 1e-5


def test_the_reference_rows_have_one_piece_and_three() -> None:
    lengths = {len(row.tokens) for row in GOLDEN.rows}
    assert {2 * EDGE, 2 * EDGE + 1} < lengths
    assert max(lengths) > 2 * EDGE + 1


def test_padded_rows_come_out_as_alone(flow: Flow) -> None:
    rows = [stretch(90, 31, 107), stretch(41), stretch(40, 125, 430), stretch(3, 2, 5)]
    draw = torch.Generator().manual_seed(1)
    alone = [torch.randn(row.prompt_tokens + row.tokens, GOLDEN.shape.mels, generator=draw) for row in rows]
    batch = flow.length_regulator(pad_sequence(alone, batch_first=True, padding_value=1e6), rows)
    assert batch.shape[1] == max(row.all_frames for row in rows)
    for padded, features, row in zip(batch, alone, rows, strict=True):
        (mu,) = flow.length_regulator(features[None], [row])
        assert len(mu) == row.all_frames
        assert (padded[: len(mu)] - mu).abs().max() <= 1e-5


def test_prompt_and_speech_are_stretched_apart() -> None:
    """With convolutions that change nothing but the sign, every frame is its piece's own."""
    plain = Regulator(dataclasses.replace(GOLDEN.shape, regulator_layers=0))
    plain.load_state_dict({"model.0.weight": -torch.eye(GOLDEN.shape.mels).unsqueeze(-1), "model.0.bias": torch.zeros(GOLDEN.shape.mels)})
    row = stretch(60, 20, 70)
    places = torch.repeat_interleave(torch.arange(4.0), 20)  # prompt, first 20, middle, last 20 of speech
    (mu,) = plain(places[:, None].expand(-1, GOLDEN.shape.mels)[None], [row])
    assert (-mu[:, 0]).tolist() == [0.0] * 70 + [1.0] * 68 + [2.0] * (row.frames - 2 * 68) + [3.0] * 68


def test_frames_are_as_many_as_the_reference_counts() -> None:
    """It divides in floating point; whole numbers give the same for two minutes, which no sentence has."""
    for tokens in range(1, 120 * FULL.flow.token_rate):
        assert frames_of(FULL.flow, tokens) == int(tokens / 25 * 22050 / 256)
    assert frames_of(FULL.flow, 200) == 689
