"""Rows of ids → samples, in few forward passes and in few shapes.

A row's length changes twice: ids become frames, frames become samples. So rows are batched three times: by ids for the encoder, by frames
for the flow, and, cut into windows of equal length, for the decoder. Lengths are rounded up to a grain. That costs a little padding, and
makes shapes repeat: a convolution library prepares kernels for every shape that it has not seen (on CPUs milliseconds for each layer),
and a warmed worker has seen them all. Padding never changes what a row sounds like (layers.py).

A window overlaps its neighbours by as many frames as the decoder looks to either side, so windows joined are exactly the whole, and the
longest row takes no more memory than one window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from worker.engines.vits.model import Vits


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row for the model."""

    ids: Sequence[int]
    pace: float  # length scale: 2 is half as fast
    seed: int  # of its noise


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What the model made of a row; both on the CPU."""

    samples: torch.Tensor  # float32 [frames · hop]
    frames: torch.Tensor  # int64 [ids]: how many frames each id lasts


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a voice speaks."""

    noise_scale: float  # 0: always the same
    duration_noise_scale: float
    speaker: int
    lead: int = 0  # frames that a row's beginning lasts longer than the model says


class Shape(NamedTuple):
    """One pass through one part of the model: what kernels are prepared for."""

    part: str  # "encode", "transform" or "decode"
    rows: int  # or windows
    steps: int  # ids or frames


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How work is cut for a kind of device."""

    id_grain: int
    frame_grain: int
    window_grain: int
    rows: int  # at most, in one pass of encoder or flow
    windows: int  # at most, in one pass of the decoder
    window: int  # frames: what a decoder pass computes of one row, its context not counted
    warm_rows: int  # the numbers of rows to be warmed for are the powers of two up to this

    def shapes(self) -> list[Shape]:
        """What sentences of up to COMMON_FRAMES go through, short ones first."""
        ids, frames = range(self.id_grain, COMMON_IDS + 1, self.id_grain), range(self.frame_grain, COMMON_FRAMES + 1, self.frame_grain)
        cuts = range(self.window_grain, max(self.window_grain, min(COMMON_FRAMES, self.window)) + 1, self.window_grain)
        counts = [1 << power for power in range(self.warm_rows.bit_length())]
        shapes = [
            Shape(part, rows, steps) for rows in counts for part, lengths in (("encode", ids), ("transform", frames)) for steps in lengths
        ]
        shapes += [Shape("decode", rows, steps) for rows in counts if rows <= self.windows for steps in cuts]
        return sorted(shapes, key=lambda shape: (shape.rows, shape.steps))


# A sentence of up to 6 s, or 100 characters. The pieces that longer ones are cut into have mostly the same shapes.
COMMON_IDS, COMMON_FRAMES = 256, 512
# CPU: fine grains, because padding costs as much as speech; in the decoder one row fills the caches. CUDA: few, large passes.
CPU = Batching(id_grain=16, frame_grain=32, window_grain=32, rows=4, windows=1, window=768, warm_rows=1)
CUDA = Batching(id_grain=64, frame_grain=256, window_grain=288, rows=64, windows=32, window=256, warm_rows=64)


class Window(NamedTuple):
    """Frames of a row that the decoder gets at once, `first` to `last`, and the ones of them that are kept."""

    row: int
    first: int
    last: int
    start: int
    stop: int


@torch.inference_mode()
def speak(model: Vits, lines: Sequence[Line], manner: Manner, batching: Batching) -> list[Spoken]:
    """All lines in one voice, in the order given. The only place where the model runs."""
    device = next(model.parameters()).device
    draws = [torch.Generator().manual_seed(line.seed) for line in lines]
    latents: list[torch.Tensor] = [torch.empty(0)] * len(lines)
    frames: list[torch.Tensor] = [torch.empty(0)] * len(lines)
    for rows, steps in batches([len(line.ids) for line in lines], batching.id_grain, batching.rows):
        ids = torch.zeros(len(rows), steps, dtype=torch.long)
        noise = torch.zeros(len(rows), steps, 2)
        for place, row in enumerate(rows):
            length = len(lines[row].ids)
            ids[place, :length] = torch.tensor(lines[row].ids)
            noise[place, :length] = torch.randn(length, 2, generator=draws[row]) * manner.duration_noise_scale
        pace = torch.tensor([lines[row].pace for row in rows])
        lengths = _lengths([len(lines[row].ids) for row in rows], steps, device)
        encoded = model.encode(ids.to(device), noise.to(device), pace.to(device), lengths, _speaker(model, manner, rows))
        counts = encoded.frames.cpu()
        for place, row in enumerate(rows):
            frames[row] = counts[place, : len(lines[row].ids)]
            frames[row][0] += manner.lead
            latents[row] = _sample(encoded.mean[place], encoded.log_scale[place], frames[row], draws[row], manner.noise_scale)
    for rows, steps in batches([len(latent) for latent in latents], batching.frame_grain, batching.rows):
        prior = torch.nn.utils.rnn.pad_sequence([latents[row] for row in rows], batch_first=True)
        prior = torch.nn.functional.pad(prior, (0, 0, 0, steps - prior.shape[1]))
        moved = model.transform(prior, _lengths([len(latents[row]) for row in rows], steps, device), _speaker(model, manner, rows))
        for place, row in enumerate(rows):
            latents[row] = moved[place, : len(latents[row])]
    samples = _decode(model, latents, manner, batching)
    return [Spoken(samples=said, frames=count) for said, count in zip(samples, frames, strict=True)]


@torch.inference_mode()
def warm(model: Vits, shape: Shape, manner: Manner) -> None:
    """Run the model once at `shape`, masks included."""
    device = next(model.parameters()).device
    lengths = torch.full((shape.rows,), shape.steps - 1, device=device)
    speaker = _speaker(model, manner, range(shape.rows))
    if shape.part == "encode":
        ids = torch.zeros(shape.rows, shape.steps, dtype=torch.long, device=device)
        noise = torch.zeros(shape.rows, shape.steps, 2, device=device)
        model.encode(ids, noise, torch.ones(shape.rows, device=device), lengths, speaker)
    else:
        latent = torch.zeros(shape.rows, shape.steps, model.arch.latent, device=device)
        run = {"transform": model.transform, "decode": model.decode}[shape.part]
        run(latent, lengths, speaker)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.inference_mode()
def measure(model: Vits, rows: Sequence[Sequence[int]], pace: float, manner: Manner) -> list[int]:
    """How many frames each row of ids takes as the model says it without noise. No sound is made."""
    device = next(model.parameters()).device
    frames = []
    for ids in rows:
        said = torch.tensor([ids], device=device)
        noise = torch.zeros(1, len(ids), 2, device=device)
        encoded = model.encode(said, noise, torch.tensor([pace], device=device), None, _speaker(model, manner, [0]))
        frames.append(int(encoded.frames.sum()))
    return frames


def batches(lengths: Sequence[int], grain: int, most: int) -> Iterator[tuple[list[int], int]]:
    """(indexes, length rounded up to `grain`): rows of equal rounded length together, a power of two of them: so few shapes occur."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    while order:
        steps = rounded(lengths[order[0]], grain)
        alike = sum(rounded(lengths[row], grain) == steps for row in order)
        taken = 1 << (min(alike, most).bit_length() - 1)
        yield order[:taken], steps
        order = order[taken:]


def rounded(length: int, grain: int) -> int:
    return max(grain, -(-length // grain) * grain)


def windows(frames: Sequence[int], size: int, reach: int) -> Iterator[Window]:
    """Every row cut into windows of `size` kept frames; the last one of a row may be shorter."""
    for row, length in enumerate(frames):
        for start in range(0, length, size):
            stop = min(start + size, length)
            yield Window(row, max(0, start - reach), min(length, stop + reach), start, stop)


def _sample(mean: torch.Tensor, log_scale: torch.Tensor, frames: torch.Tensor, draw: torch.Generator, noise_scale: float) -> torch.Tensor:
    """Each id's prior for as many frames as it lasts, plus noise drawn at the row's own length: [F, L]."""
    total = max(1, int(frames.sum()))
    if frames.sum() == 0:
        frames = torch.cat([torch.ones(1, dtype=torch.long), frames[1:]])
    index = torch.repeat_interleave(torch.arange(len(frames)), frames, output_size=total).to(mean.device)
    noise = (torch.randn(total, mean.shape[-1], generator=draw) * noise_scale).to(mean.device)
    return mean[index] + noise * torch.exp(log_scale[index])


def _decode(model: Vits, latents: Sequence[torch.Tensor], manner: Manner, batching: Batching) -> list[torch.Tensor]:
    hop, reach = model.arch.hop, model.arch.decoder_reach
    samples = [torch.empty(len(latent) * hop) for latent in latents]
    cuts = list(windows([len(latent) for latent in latents], batching.window, reach))
    for places, steps in batches([cut.last - cut.first for cut in cuts], batching.window_grain, batching.windows):
        chosen = [cuts[place] for place in places]
        latent = latents[0].new_zeros(len(chosen), steps, model.arch.latent)
        for place, cut in enumerate(chosen):
            latent[place, : cut.last - cut.first] = latents[cut.row][cut.first : cut.last]
        lengths = _lengths([cut.last - cut.first for cut in chosen], steps, latent.device)
        decoded = model.decode(latent, lengths, _speaker(model, manner, places)).cpu()
        for place, cut in enumerate(chosen):
            kept = decoded[place, (cut.start - cut.first) * hop : (cut.stop - cut.first) * hop]
            samples[cut.row][cut.start * hop : cut.stop * hop] = kept
    return samples


def _lengths(lengths: list[int], steps: int, device: torch.device) -> torch.Tensor | None:
    """None when no row is padded, which spares the masks."""
    return None if min(lengths) == steps else torch.tensor(lengths, device=device)


def _speaker(model: Vits, manner: Manner, rows: Sequence[int]) -> torch.Tensor | None:
    return None if model.speakers is None else torch.full((len(rows),), manner.speaker, device=model.speakers.weight.device)
