"""How rows are batched and cut, and that neither is heard."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engines import tiny_voice
from worker.engines.base import VoiceState
from worker.engines.noise import row_seed
from worker.engines.vits import Engine, decoder
from worker.engines.vits.synthesis import CPU, CUDA, Batching, Line, Manner, batches, speak, windows

WHOLE = Batching(id_grain=1, frame_grain=1, window_grain=1, rows=1, windows=1, window=10**9, warm_rows=1)


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 64), st.integers(1, 16))
def test_batches_hold_every_row_once(lengths: list[int], grain: int, most: int) -> None:
    seen: list[int] = []
    for rows, steps in batches(lengths, grain, most):
        assert len(rows) <= most
        assert len(rows) & (len(rows) - 1) == 0
        assert steps % grain == 0
        assert all(steps - grain < max(1, lengths[row]) <= steps for row in rows)
        seen += rows
    assert sorted(seen) == list(range(len(lengths)))


@given(st.lists(st.integers(0, 700), max_size=5), st.integers(1, 256), st.integers(0, 20))
def test_windows_keep_every_frame_once(lengths: list[int], size: int, reach: int) -> None:
    kept: dict[int, list[int]] = {row: [] for row in range(len(lengths))}
    for window in windows(lengths, size, reach):
        assert window.first == max(0, window.start - reach)
        assert window.last == min(lengths[window.row], window.stop + reach)
        kept[window.row] += range(window.start, window.stop)
    assert kept == {row: list(range(length)) for row, length in enumerate(lengths)}


@pytest.mark.parametrize(
    "batching", [CPU, CUDA, Batching(id_grain=7, frame_grain=11, window_grain=5, rows=4, windows=3, window=20, warm_rows=1)]
)
@pytest.mark.parametrize("fixture", ["tiny", "joe"])
def test_cutting_is_not_heard(request: pytest.FixtureRequest, fixture: str, batching: Batching, monkeypatch: pytest.MonkeyPatch) -> None:
    voice: VoiceState = request.getfixturevalue(fixture)
    rows = voice.module.phonemizer.script("Oh! It rained. It rained all day. The gulls were circling above the pier. Who knows?").rows
    lines = [
        Line(ids=voice.module.phonemizer.ids(row)[0], pace=pace, seed=number)
        for number, (row, pace) in enumerate(zip(rows, (1.0, 1.0, 0.5, 1.5, 1.0), strict=True))
    ]
    manner = Manner(noise_scale=0.667, duration_noise_scale=0.8, speaker=0)
    cut = speak(voice.module.model, lines, manner, batching)
    monkeypatch.setattr(decoder, "PIECE", 10**12)
    whole = speak(voice.module.model, lines, manner, WHOLE)
    for one, other in zip(cut, whole, strict=True):
        assert torch.equal(one.frames, other.frames)
        # Other shapes are summed in another order, which a real voice makes up to 5.4e-5 (-79 dB) of, depending on the CPU and its threads.
        # The next test shows that it is all.
        assert (one.samples - other.samples).abs().max() <= 1e-4


@pytest.mark.parametrize("quality", [tiny_voice.MEDIUM, tiny_voice.HIGH])
@pytest.mark.parametrize("speakers", [1, 2])
@pytest.mark.parametrize("piece", [decoder.PIECE, 5000])
def test_padding_changes_nothing_at_all(
    vits: Engine, tmp_path: Path, quality: tiny_voice.Quality, speakers: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do pieces. In double precision, where the order of sums is no excuse."""
    monkeypatch.setattr(decoder, "PIECE", piece)
    model = vits.make_voice(tiny_voice.voice(), tiny_voice.write(tmp_path, quality, speakers=speakers)).module.model.double()
    draw = torch.Generator().manual_seed(0)
    lengths = torch.tensor([3, 40, 21])
    speaker = torch.tensor([1, 0, 1]) % speakers
    ids = torch.randint(1, tiny_voice.SYMBOLS, (3, 50), generator=draw)
    noise, pace = torch.randn(3, 50, 2, generator=draw).double(), torch.ones(3).double()
    latent = torch.randn(3, 50, model.arch.latent, generator=draw).double()

    def whole(latent: torch.Tensor, speaker: torch.Tensor) -> torch.Tensor:
        with monkeypatch.context() as patch:
            patch.setattr(decoder, "PIECE", 10**12)
            return model.decode(latent, None, speaker)

    with torch.inference_mode():
        encoded = model.encode(ids, noise, pace, lengths, speaker)
        moved, samples = model.transform(latent, lengths, speaker), model.decode(latent, lengths, speaker)
        for row, length in enumerate(lengths.tolist()):
            one = slice(row, row + 1)
            alone = model.encode(ids[one, :length], noise[one, :length], pace[one], None, speaker[one])
            assert torch.equal(alone.frames[0], encoded.frames[row, :length])
            assert not encoded.frames[row, length:].any()
            pairs = [
                (alone.mean[0], encoded.mean[row, :length]),
                (alone.log_scale[0], encoded.log_scale[row, :length]),
                (model.transform(latent[one, :length], None, speaker[one])[0], moved[row, :length]),
                (whole(latent[one, :length], speaker[one])[0], samples[row, : length * model.arch.hop]),
            ]
            assert all((without - padded).abs().max() < 1e-12 for without, padded in pairs)


def test_a_decoder_reaches_as_far_as_it_says(tiny: VoiceState) -> None:
    """A change of one frame is heard within the reach, and nowhere else."""
    model = tiny.module.model
    reach, hop = model.arch.decoder_reach, model.arch.hop
    with torch.inference_mode():
        latent = torch.randn(1, 80, model.arch.latent, generator=torch.Generator().manual_seed(0))
        before = model.decode(latent, None, None)
        latent[0, 40] += 1
        changed = (model.decode(latent, None, None) != before)[0].nonzero()
    assert (40 - reach) * hop <= int(changed.min()) < 40 * hop
    assert 41 * hop < int(changed.max()) < (41 + reach) * hop


def test_similar_seeds_are_unlike() -> None:
    seeds = {row_seed(seed, row) for seed in (0, 1, 2**32, 2**63 - 1) for row in range(50)}
    assert len(seeds) == 200
