"""The vocoder at full size beside the reference, random weights, eight seconds. Needs what make_hift.py needs."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

from tests.engines.viettts import vocoders
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.hift import Vocoder
from worker.engines.viettts.source import Draw

MAKER = "make_hift"
SHAPE = FULL.vocoder
FRAMES = 689  # of 200 speech tokens


@pytest.fixture(scope="module")
def vocoder(reference: torch.nn.Module) -> Vocoder:
    return vocoders.build(SHAPE, reference.state_dict())


@pytest.fixture(scope="module")
def mel() -> torch.Tensor:
    return torch.randn(1, SHAPE.mels, FRAMES, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def noise() -> tuple[torch.Tensor, torch.Tensor]:
    """The reference's phases and noise."""
    generator = torch.Generator().manual_seed(3)
    phases = (torch.rand(SHAPE.harmonics + 1, generator=generator) * 2 - 1) * torch.pi
    phases[0] = 0
    return phases, torch.randn(SHAPE.harmonics + 1, FRAMES * SHAPE.frame, generator=generator)


def test_pitch_and_samples(
    maker: ModuleType, reference: torch.nn.Module, vocoder: Vocoder, mel: torch.Tensor, noise: tuple[torch.Tensor, torch.Tensor]
) -> None:
    with maker.injected(*noise):
        samples, source = reference(mel)
    pitch = reference.f0_predictor(mel)
    ours = vocoder.f0_predictor(mel.transpose(1, 2), None)
    assert pitch.max() > 200
    assert (ours - pitch).abs().max() <= 1e-5 * pitch.max()
    assert samples.std() > 0.05
    assert (vocoder.filtered(mel, None, source.squeeze(1)) - samples).abs().max() <= 1e-4


def test_the_source_is_what_the_reference_means(
    maker: ModuleType, reference: torch.nn.Module, vocoder: Vocoder, noise: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """In float32 the reference loses its phase within seconds; in float64 it has the one that ours has."""
    phases, own = noise
    pitch = 150 + 100 * torch.sin(torch.linspace(0, 40, FRAMES)).unsqueeze(0)
    pitch[:, 100:150] = 0
    torch.set_default_dtype(torch.float64)
    try:
        with maker.injected(phases, own):
            source = reference.m_source.double()(reference.f0_upsamp(pitch[:, None].double()).transpose(1, 2))[0]
    finally:
        torch.set_default_dtype(torch.float32)
        reference.float()
    drawn: Draw = vocoders.merged(vocoder, phases, own)
    said = vocoder.m_source(pitch, drawn.phases.unsqueeze(0), drawn.noise.unsqueeze(0))
    assert (said - source.squeeze(-1)).abs().max() <= 1e-5


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads share the sums of one row out otherwise than those of two rows: 5e-5 of rounding, which is not what is looked for."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_a_padded_row_is_the_row_alone(vocoder: Vocoder, mel: torch.Tensor, noise: tuple[torch.Tensor, torch.Tensor]) -> None:
    phases, own = vocoders.merged(vocoder, *noise)
    short = 300
    batch = vocoder(mel.expand(2, -1, -1), torch.tensor([FRAMES, short]), phases.expand(2, -1), own.expand(2, -1))
    alone = vocoder(mel[:, :, :short], None, phases.unsqueeze(0), own[None, : short * SHAPE.frame])[0]
    assert (batch[1, : len(alone)] - alone).abs().max() <= 1e-5
    assert batch[1, len(alone) :].abs().max() == 0
