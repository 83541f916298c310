"""The vocoder: equal to the reference, and the same for a row whatever batch it is in."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from tests.engines.viettts import vocoders
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.hift import Snake, Vocoder, paced
from worker.engines.viettts.source import Draw, draw
from worker.engines.viettts.spectrum import analysed, synthesised
from worker.engines.viettts.weight_norm import checkpoint_shapes, folded

GOLDEN = vocoders.read()
ROWS = range(len(GOLDEN.rows))


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    return vocoders.build(GOLDEN.shape, GOLDEN.checkpoint)


def randoms(frames: int, seed: int) -> tuple[torch.Tensor, Draw]:
    """A mel [mels, F] and its draw."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(GOLDEN.shape.mels, frames, generator=generator), draw(GOLDEN.shape, frames, generator)


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    assert one.shape == other.shape
    return (one - other).abs().max().item()


# --- beside the reference ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_each_part_and_the_whole_equal_the_reference(row: int, vocoder: Vocoder) -> None:
    theirs = GOLDEN.rows[row]
    phases, noise = (part.unsqueeze(0) for part in vocoders.merged(vocoder, theirs.phases, theirs.noise))
    assert difference(vocoder.f0_predictor(theirs.mel.transpose(1, 2), None), theirs.pitch) <= 1e-6 * theirs.pitch.max()
    assert difference(vocoder.m_source(theirs.pitch, phases, noise), theirs.source) <= 1e-5
    assert difference(vocoder.filtered(theirs.mel, None, theirs.source), theirs.samples) <= 1e-5
    assert difference(vocoder(theirs.mel, None, phases, noise), theirs.samples) <= 1e-4


def test_the_reference_rows_are_worth_comparing_with() -> None:
    voiced = torch.cat([row.pitch.flatten() for row in GOLDEN.rows]) > GOLDEN.shape.voiced_threshold
    loudness = torch.cat([row.samples.flatten() for row in GOLDEN.rows]).abs()
    assert 0.2 < voiced.float().mean() < 0.8
    assert loudness.mean() > 0.1
    assert loudness.max() == pytest.approx(GOLDEN.shape.limit)  # some samples are cut


def test_the_public_vocoder_has_the_keys_of_its_checkpoint() -> None:
    shapes = checkpoint_shapes(FULL.vocoder)
    assert len(shapes) == 227
    assert sum(math.prod(size) for size in shapes.values()) == 20_460_591
    assert shapes["ups.0.weight_g"] == (512, 1, 1)
    assert shapes["source_downs.1.weight"] == (128, 18, 1)


# --- batches -----------------------------------------------------------------------------------------------------------


def padded(rows: list[tuple[torch.Tensor, Draw]], frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch of `frames`, in which what stands for padding is loud nonsense."""
    generator = torch.Generator().manual_seed(1)
    mel = 5 * torch.randn(len(rows), GOLDEN.shape.mels, frames, generator=generator)
    noise = torch.randn(len(rows), frames * GOLDEN.shape.frame, generator=generator)
    for number, (own, drawn) in enumerate(rows):
        mel[number, :, : own.shape[1]] = own
        noise[number, : len(drawn.noise)] = drawn.noise
    return mel, torch.tensor([own.shape[1] for own, _ in rows]), torch.stack([drawn.phases for _, drawn in rows]), noise


def test_a_padded_row_is_the_row_alone_and_silence(vocoder: Vocoder) -> None:
    rows = [randoms(frames, seed) for seed, frames in enumerate((1, 2, 9, 16))]
    batch = vocoder(*padded(rows, 20))
    assert batch.shape == (4, 20 * GOLDEN.shape.frame)
    for (mel, drawn), row in zip(rows, batch, strict=True):
        alone = vocoder(mel.unsqueeze(0), None, drawn.phases.unsqueeze(0), drawn.noise.unsqueeze(0))[0]
        assert alone.abs().mean() > 0.01
        assert difference(row[: len(alone)], alone) <= 1e-5
        assert row[len(alone) :].abs().max() == 0


def test_a_batch_of_eight_is_eight_singles(vocoder: Vocoder) -> None:
    rows = [randoms(12, seed) for seed in range(8)]
    mels, draws = [mel for mel, _ in rows], [drawn for _, drawn in rows]
    batch = vocoder(torch.stack(mels), None, torch.stack([one.phases for one in draws]), torch.stack([one.noise for one in draws]))
    for row, alone in zip(batch, vocoder.speak(mels, draws), strict=True):
        assert difference(row, alone) <= 1e-5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="without a GPU there is one way to speak")
def test_rows_spoken_together_on_a_gpu_are_those_of_the_cpu(vocoder: Vocoder) -> None:
    rows = [randoms(frames, frames) for frames in (5, 12, 9)]
    mels, draws = [mel for mel, _ in rows], [drawn for _, drawn in rows]
    there = vocoders.build(GOLDEN.shape, GOLDEN.checkpoint).cuda().speak([mel.cuda() for mel in mels], draws)
    for one, other in zip(there, vocoder.speak(mels, draws), strict=True):
        assert difference(one.cpu(), other) <= 1e-3


# --- the source --------------------------------------------------------------------------------------------------------


def test_a_draw_comes_from_its_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = (draw(GOLDEN.shape, 7, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.noise, second.noise)
    assert torch.equal(first.phases, second.phases)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.noise.shape == (7 * GOLDEN.shape.frame,)
    assert first.phases[0] == 0
    assert 0 < first.phases[1:].abs().max() <= math.pi


def test_a_long_tone_stays_in_tune(vocoder: Vocoder) -> None:
    """A minute of 440 Hz at the reference's own resolution would be off by a tenth of a period in the end."""
    frames = 60 * GOLDEN.shape.sample_rate // GOLDEN.shape.frame
    pitch = torch.full((1, frames), 440.0)
    silent = torch.zeros(1, frames * GOLDEN.shape.frame)
    linear = vocoder.m_source.l_linear
    said = vocoder.m_source(pitch, torch.zeros(1, GOLDEN.shape.harmonics + 1), silent)[0]
    sample = torch.arange(1, silent.shape[1] + 1, dtype=torch.double)
    waves = [weight * torch.sin(2 * math.pi * 440 * n * sample / 22050) for n, weight in enumerate(linear.weight[0].double(), start=1)]
    assert difference(said.double(), torch.tanh(GOLDEN.shape.alpha * sum(waves) + linear.bias.double())) <= 1e-6


def test_one_noise_has_the_law_of_many(vocoder: Vocoder) -> None:
    """Where there is no pitch, the source is the tanh of a normal around the bias."""
    frames = 2000
    drawn = draw(GOLDEN.shape, frames, torch.Generator().manual_seed(4))
    said = vocoder.m_source(torch.zeros(1, frames), drawn.phases.unsqueeze(0), drawn.noise.unsqueeze(0))
    weights, bias = vocoder.m_source.l_linear.weight[0], vocoder.m_source.l_linear.bias
    deviation = GOLDEN.shape.alpha / 3 * torch.linalg.vector_norm(weights).item()
    assert said.atanh().std().item() == pytest.approx(deviation, rel=0.01)
    assert said.atanh().mean().item() == pytest.approx(bias.item(), abs=deviation / 50)


# --- its parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fft", "hop"), [(16, 4), (32, 8), (16, 8)])
def test_spectra_are_those_of_torch(fft: int, hop: int) -> None:
    x = torch.randn(2, 40 * hop, generator=torch.Generator().manual_seed(5))
    window = torch.hann_window(fft)
    theirs = torch.stft(x, fft, hop, fft, window=window, return_complex=True)
    spectrum = analysed(x, None, fft, hop)
    assert difference(spectrum, torch.cat([theirs.real, theirs.imag], dim=1).transpose(1, 2)) <= 1e-5
    bent = theirs * torch.linspace(0.5, 2, theirs.shape[2])  # no longer the spectrum of any signal
    back = torch.cat([bent.real, bent.imag], dim=1).transpose(1, 2)
    assert difference(synthesised(back, None, fft, hop), torch.istft(bent, fft, hop, fft, window=window)) <= 1e-5


def test_snake_with_a_still_channel() -> None:
    snake = Snake(3).requires_grad_(False)
    snake.alpha.copy_(torch.tensor([0.0, 0.5, 2.0]))
    x = torch.tensor([[[1.0, 1.0, 1.0]]])
    wanted = [1.0, 1 + math.sin(0.5) ** 2 / 0.5, 1 + math.sin(2.0) ** 2 / 2]
    assert difference(snake(x), torch.tensor([[wanted]])) <= 1e-6


def test_the_pace_is_that_of_a_linear_interpolation() -> None:
    mel, _ = randoms(23, 6)
    assert paced(mel, 1.0) is mel
    for speed, frames in ((2.0, 11), (0.5, 46), (1.3, 17)):
        wanted = functional.interpolate(mel.unsqueeze(0), size=frames, mode="linear").squeeze(0)
        assert torch.equal(paced(mel, speed), wanted)


# --- its weights -------------------------------------------------------------------------------------------------------


def test_a_folded_weight_is_length_times_direction() -> None:
    state = folded(GOLDEN.checkpoint, GOLDEN.shape)
    direction, length = GOLDEN.checkpoint["ups.1.weight_v"], GOLDEN.checkpoint["ups.1.weight_g"]
    assert difference(state["ups.1.weight"], torch._weight_norm(direction, length, 0)) <= 1e-6
    assert torch.equal(state["conv_post.bias"], GOLDEN.checkpoint["conv_post.bias"])
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}


def test_every_difference_to_the_checkpoint_is_named() -> None:
    checkpoint = dict(GOLDEN.checkpoint)
    checkpoint["conv_pre.weight_v"] = checkpoint["conv_pre.weight_v"][:, :1]
    del checkpoint["ups.0.weight_g"]
    checkpoint["extra"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"ups\.0\.weight_g is missing; extra is not known; conv_pre\.weight_v has the shape \(16, 1, 7\)"):
        folded(checkpoint, GOLDEN.shape)
