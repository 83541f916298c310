"""Short-time Fourier transforms at the size of the vocoder's (16 samples every 4): small enough that a product with a matrix is fastest.

The law is torch.stft's and torch.istft's: a periodic Hann window, frames centred on every `hop`-th sample, the signal mirrored beyond its
ends. In a padded batch each row is mirrored and ends at its own end. B rows, T samples, N = T / hop + 1 frames; a spectrum is
[B, N, fft + 2]: the real parts of its fft / 2 + 1 bins, then the imaginary parts.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def analysed(x: torch.Tensor, lengths: torch.Tensor | None, fft: int, hop: int) -> torch.Tensor:
    """Samples [B, T], samples of each row [B] (None: all) → spectrum. What it says of padding means nothing."""
    frames = mirrored(x, lengths, fft // 2).unfold(1, fft, hop)  # [B, N, fft], a view
    angle = _angles(fft, x.device)
    basis = torch.cat([angle.cos(), -angle.sin()], dim=1) * _window(fft, x.device).unsqueeze(1)  # [fft, fft + 2]
    return frames @ basis.to(x.dtype)


def synthesised(spectrum: torch.Tensor, mask: torch.Tensor | None, fft: int, hop: int) -> torch.Tensor:
    """Spectrum, mask of its frames [B, N, 1] (None: all are there) → samples [B, T]. Past a row's end lies the rest of its last window."""
    angle, window = _angles(fft, spectrum.device), _window(fft, spectrum.device)
    twice = torch.full((fft // 2 + 1,), 2.0, dtype=torch.double, device=spectrum.device)  # a bin stands for its mirror image as well,
    twice[0] = twice[-1] = 1.0  # but for the first and the last, which have none
    basis = torch.cat([angle.cos() * twice, -angle.sin() * twice], dim=1).T / fft * window  # [fft + 2, fft]
    if mask is None:
        mask = spectrum.new_ones(1, spectrum.shape[1], 1)
    sums = overlapped((spectrum @ basis.to(spectrum.dtype)) * mask, hop)
    weights = overlapped((window * window).to(spectrum.dtype) * mask, hop)  # how often, and how strongly, each sample was counted
    ends = slice(fft // 2, fft // 2 + (spectrum.shape[1] - 1) * hop)
    return sums[:, ends] / weights[:, ends].clamp_min(torch.finfo(spectrum.dtype).tiny)


def mirrored(x: torch.Tensor, lengths: torch.Tensor | None, width: int) -> torch.Tensor:
    """[B, T] → [B, T + 2 · width]: `width` more samples at both ends of each row, as if mirrors stood on its first and last sample."""
    padded = functional.pad(x.unsqueeze(1), (width, width), mode="reflect").squeeze(1)
    if lengths is None:
        return padded
    ends, step = width + lengths.unsqueeze(1), torch.arange(width, device=x.device)
    return padded.scatter(1, ends + step, padded.gather(1, ends - 2 - step))


def overlapped(frames: torch.Tensor, hop: int) -> torch.Tensor:
    """frames [B, N, fft], one every `hop` samples → their sum [B, (N - 1) · hop + fft]."""
    rows, count, fft = frames.shape
    parts = frames.view(rows, count, fft // hop, hop)
    total = frames.new_zeros(rows, count + fft // hop - 1, hop)
    for part in range(fft // hop):
        total[:, part : part + count] += parts[:, :, part]
    return total.flatten(1)


def _angles(fft: int, device: torch.device) -> torch.Tensor:
    """[fft, fft / 2 + 1]: how far each bin has turned at each sample of a frame."""
    sample = torch.arange(fft, dtype=torch.double, device=device)
    return sample.unsqueeze(1) * sample[: fft // 2 + 1] * (2 * math.pi / fft)


def _window(fft: int, device: torch.device) -> torch.Tensor:
    return torch.hann_window(fft, dtype=torch.double, device=device)
