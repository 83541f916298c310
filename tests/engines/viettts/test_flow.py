"""The flow: equal to the reference from tokens to mel spectrogram, and the same for a row whatever batch it is in."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.engines.viettts import flows
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.flow import Flow
from worker.engines.viettts.solver import Solver

GOLDEN = flows.read()
by_length = pytest.mark.parametrize("row", GOLDEN.rows, ids=lambda row: f"{len(row.prompt)}+{len(row.tokens)}")


@pytest.fixture(scope="module")
def flow() -> Flow:
    return flows.build(GOLDEN.shape, GOLDEN.checkpoint)


@pytest.fixture(scope="module")
def eight(flow: Flow) -> list[flows.Row]:
    """Sentences of different lengths by different voices, one without a prompt."""
    draw = torch.Generator().manual_seed(5)
    lengths = [(30, 8, 27), (47, 20, 69), (12, 0, 0), (55, 31, 106), (41, 9, 33), (40, 9, 31), (2, 25, 85), (55, 31, 107)]
    return [flows.random_row(flow, *each, draw) for each in lengths]


# --- beside the reference ----------------------------------------------------------------------------------------------


@by_length
def test_what_is_known_equals_the_reference(row: flows.Said, flow: Flow) -> None:
    tokens = torch.cat([row.prompt, row.tokens])
    assert (flow.encoder(flow.input_embedding(tokens[None]))[0] - row.encoded).abs().max() <= 1e-5
    assert (flow.mu([tokens], [flows.stretch_of(row)])[0] - row.mu).abs().max() <= 1e-5
    assert (flow.speaker(row.embedding[None])[0] - row.speaker).abs().max() <= 1e-6


@by_length
def test_the_mel_spectrogram_equals_the_reference(row: flows.Said, flow: Flow) -> None:
    (mel,) = flows.speak(flow, [row])
    assert mel.shape == (GOLDEN.shape.mels, flow.frames(len(row.tokens)))
    assert (mel.T - row.spoken).abs().max() <= 1e-4
    assert (mel - row.noise[:, len(row.mel) :]).std() > 0.3  # the noise has become something else


def test_the_public_flow_has_the_keys_of_its_checkpoint() -> None:
    with torch.device("meta"):
        state = Flow(FULL.flow).state_dict()
    assert len(state) == 1185
    assert sum(tensor.numel() for tensor in state.values()) == 104_874_752
    assert state["decoder.estimator.up_blocks.0.2.conv.weight"].shape == (256, 256, 4)
    assert state["decoder.estimator.down_blocks.0.1.3.ff.net.0.proj.weight"].shape == (1024, 256)


# --- batches -----------------------------------------------------------------------------------------------------------


def test_a_batch_of_eight_is_eight_singles(flow: Flow, eight: list[flows.Row]) -> None:
    batch = flows.speak(flow, eight)
    for row, mel in zip(eight, batch, strict=True):
        (alone,) = flows.speak(flow, [row])
        assert mel.shape == alone.shape == (GOLDEN.shape.mels, flow.frames(len(row.tokens)))
        assert (mel - alone).abs().max() <= 1e-5


def test_a_batch_of_the_reference_rows_equals_the_reference(flow: Flow) -> None:
    for row, mel in zip(GOLDEN.rows, flows.speak(flow, GOLDEN.rows), strict=True):
        assert (mel.T - row.spoken).abs().max() <= 1e-4


def test_rows_of_one_length_need_no_padding(flow: Flow, eight: list[flows.Row]) -> None:
    """Equal in frames but not in tokens, in tokens but not in frames, and in both."""
    draw = torch.Generator().manual_seed(6)
    rows = [flows.random_row(flow, 10, 5, 20, draw), flows.random_row(flow, 10, 6, 20, draw), flows.random_row(flow, 10, 5, 20, draw)]
    for chosen in (rows[:2], rows[::2], rows):
        for row, mel in zip(chosen, flows.speak(flow, chosen), strict=True):
            (alone,) = flows.speak(flow, [row])
            assert (mel - alone).abs().max() <= 1e-5


def test_everything_that_goes_in_counts(flow: Flow, eight: list[flows.Row]) -> None:
    row = eight[1]
    (mel,) = flows.speak(flow, [row])
    for name in ("tokens", "prompt", "mel", "embedding", "noise"):
        other = dataclasses.replace(row, **{name: getattr(row, name).flip(0)})
        (changed,) = flows.speak(flow, [other])
        assert (changed - mel).abs().max() > 0.01, name


# --- the solver --------------------------------------------------------------------------------------------------------


def test_steps_are_short_at_first() -> None:
    solver = Solver(dataclasses.replace(GOLDEN.shape, steps=10))
    times, strides = zip(*solver.schedule(), strict=True)
    ends = 1 - torch.cos(torch.arange(11) / 20 * torch.pi)
    assert torch.allclose(torch.tensor(times), ends[:-1], atol=1e-6)
    assert sum(strides) == pytest.approx(1, abs=1e-6)
    assert list(strides) == sorted(strides)


def test_guidance_moves_away_from_what_is_said_without_text(flow: Flow, eight: list[flows.Row]) -> None:
    """In one step, where the answers of the estimator can be told apart."""
    mels = []
    for guidance in (0.0, 0.7, 1.4):
        one = flows.build(dataclasses.replace(GOLDEN.shape, steps=1, guidance=guidance), GOLDEN.checkpoint)
        mels += flows.speak(one, eight[:1])
    assert (mels[1] - mels[0]).abs().max() > 0.1
    assert ((mels[2] - mels[1]) - (mels[1] - mels[0])).abs().max() <= 1e-5


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_a_lower_precision_is_near(precision: torch.dtype, flow: Flow, eight: list[flows.Row]) -> None:
    exact = flows.speak(flow, eight)
    for mel, near in zip(exact, flows.speak(flow, eight, precision=precision), strict=True):
        assert near.dtype == torch.float32
        assert 0 < (near - mel).abs().max() < 0.2
