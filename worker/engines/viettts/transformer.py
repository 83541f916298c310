"""The transformers of VietTTS: an encoder, which the text (causal) and the flow (looking both ways) go through, and the decoder of the
language model, which goes on from a cache.

x → linear, norm (decoder: ReLU) · √C → blocks: x + attention(norm(x)), then x + feed-forward(norm(x)) → norm

B rows, T steps, S slots of a cache, C channels, H heads, D = C / H channels a head. Attributes are named as in the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from worker.engines.viettts.architecture import EncoderShape
from worker.engines.viettts.attention import FIRST_REACH, KeysAndValues, RelativeAttention


class Encoder(nn.Module):
    """[B, T, input], lengths [B] → [B, T, C]. Rows begin at step 0; what comes out beyond a row's length means nothing.

    `causal`: no step looks ahead, so none ever sees padding, and lengths are not needed. Otherwise None means that no row is padded.
    """

    def __init__(self, shape: EncoderShape, *, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.embed = Entry(shape.input_size, shape.size)
        self.encoders = nn.ModuleList(EncoderBlock(shape, causal=causal) for _ in range(shape.layers))
        self.after_norm = nn.LayerNorm(shape.size)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        steps = torch.arange(x.shape[1], device=x.device)
        hidden = None
        if self.causal:
            hidden = steps > steps[:, None]  # [T, T]
        elif lengths is not None:
            hidden = (steps >= lengths[:, None])[:, None, None]  # [B, 1, 1, T]
        x = self.embed(x)
        for block in self.encoders:
            x = block(x, hidden)
        return self.after_norm(x)

    def prepare(self, reach: int = FIRST_REACH) -> None:
        """Compute what depends on the weights alone, for rows of up to `reach` steps; longer ones extend it when they come."""
        for block in self.encoders:
            block.self_attn.prepare(reach)


class Decoder(nn.Module):
    """The causal transformer that the language model is: `prefill` once for a batch of rows, then `step` as often as needed."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = Entry(shape.input_size, shape.size)
        self.encoders = nn.ModuleList(DecoderBlock(shape) for _ in range(shape.layers))
        self.after_norm = nn.LayerNorm(shape.size)

    def enter(self, x: torch.Tensor) -> torch.Tensor:
        """[..., input] → [..., C]: what `prefill` and `step` take."""
        return self.embed(x).relu_()

    def prefill(self, x: torch.Tensor, cache: Cache) -> torch.Tensor:
        """x [B, T, C], of each row `cache.starts` steps of padding and then the row → what the last step says [B, C]."""
        steps = torch.arange(x.shape[1], device=x.device)
        # A step before a row's start sees itself, so that no step sees nothing at all, which would make it NaN.
        hidden = (steps > steps[:, None]) | (steps < torch.minimum(cache.starts[:, None, None, None], steps[:, None]))  # [B, 1, T, T]
        for block, keep in zip(self.encoders, cache.layers, strict=True):
            x = block(x, hidden, keep)
        cache.fill(x.shape[1])
        return self.after_norm(x[:, -1])

    def step(self, x: torch.Tensor, cache: Cache) -> torch.Tensor:
        """x [B, C], one more step of each row → [B, C]. Shapes are static and nothing waits for the device."""
        distance = cache.advance()
        x = x.unsqueeze(1)
        for block, keep in zip(self.encoders, cache.layers, strict=True):
            x = block.step(x, cache.slot, distance, cache.hidden, keep)
        return self.after_norm(x.squeeze(1))

    def prepare(self, reach: int = FIRST_REACH) -> None:
        """As Encoder.prepare."""
        for block in self.encoders:
            block.self_attn.prepare(reach)


class Cache:
    """What the decoder keeps of the steps so far: keys and values of S slots a row, the same slot for the same step of every row.

    Rows end together and begin where they begin: slots before a row's start hold padding and stay hidden from it. Everything is a tensor
    of a size that never changes, so a step can be captured as a CUDA graph; when the slots are used up, or most rows have ended, the rows
    that go on move to another cache.
    """

    def __init__(self, shape: EncoderShape, starts: torch.Tensor, slots: int, dtype: torch.dtype) -> None:
        """starts [B]: the first slot of each row."""
        device = starts.device
        size = (2, len(starts), shape.heads, slots, shape.size // shape.heads)
        # Zeros, because a hidden value still takes part, times 0, and memory as it comes may hold a NaN.
        self.layers: list[KeysAndValues] = [
            torch.zeros(size, dtype=dtype, device=device).unbind() for _ in range(shape.layers)
        ]  # keys, values [B, H, S, D]
        self.starts = starts
        self.slot = torch.full((1,), -1, device=device)  # the last one in use
        self.hidden = torch.full((len(starts), slots), -math.inf, dtype=dtype, device=device)  # 0 where a row has something to see
        self._slots = torch.arange(slots, device=device)

    @property
    def slots(self) -> int:
        return len(self._slots)

    def fill(self, steps: int) -> None:
        """The first `steps` slots have been written."""
        self.slot.fill_(steps - 1)
        seen = (self._slots >= self.starts[:, None]) & (self._slots < steps)
        self.hidden.masked_fill_(seen, 0)

    def advance(self) -> torch.Tensor:
        """Open the next slot. → the rows [S] of a table of distances S - 1, …, 0 that belong to the slots; any for slots yet to come."""
        self.slot += 1
        self.hidden.index_fill_(1, self.slot, 0)
        return (self.slots - 1 - self.slot + self._slots).clamp_(max=self.slots - 1)

    def moved(self, shape: EncoderShape, rows: torch.Tensor, first: int, steps: int, slots: int) -> Cache:
        """A cache of `slots` slots for these rows alone [N], with what slots first … steps - 1 hold. None of them starts before `first`."""
        other = Cache(shape, self.starts[rows] - first, slots, self.hidden.dtype)
        for mine, its in zip(self.layers, other.layers, strict=True):
            for source, target in zip(mine, its, strict=True):
                target[:, :, : steps - first] = source[rows, :, first:steps]
        other.fill(steps - first)
        return other


class Entry(nn.Module):
    """[..., input] → [..., C]: what goes in, as the blocks want it."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.out = nn.Sequential(nn.Linear(input_size, size), nn.LayerNorm(size))
        self.scale = math.sqrt(size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(x) * self.scale


class FeedForward(nn.Module):
    """[..., C] → [..., C]; every step by itself."""

    def __init__(self, shape: EncoderShape, activation: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.w_1 = nn.Linear(shape.size, shape.feed_forward)
        self.w_2 = nn.Linear(shape.feed_forward, shape.size)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w_2(self.activation(self.w_1(x), inplace=True))


class EncoderBlock(nn.Module):
    """x [B, T, C], hidden as RelativeAttention wants it → [B, T, C]."""

    def __init__(self, shape: EncoderShape, *, causal: bool) -> None:
        super().__init__()
        self.norm_mha = nn.LayerNorm(shape.size)
        self.self_attn = RelativeAttention(shape.size, shape.heads, causal=causal)
        self.norm_ff = nn.LayerNorm(shape.size)
        self.feed_forward = FeedForward(shape, functional.silu)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
        x = x + self.self_attn(self.norm_mha(x), hidden)
        return x + self.feed_forward(self.norm_ff(x))


class DecoderBlock(nn.Module):
    """As EncoderBlock, but always causal and with a cache of its keys and values `keep` (RelativeAttention)."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.size)
        self.self_attn = RelativeAttention(shape.size, shape.heads, causal=True)
        self.norm2 = nn.LayerNorm(shape.size)
        self.feed_forward = FeedForward(shape, functional.relu)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor, keep: KeysAndValues) -> torch.Tensor:
        x = x + self.self_attn(self.norm1(x), hidden, keep)
        return x + self.feed_forward(self.norm2(x))

    def step(self, x: torch.Tensor, slot: torch.Tensor, distance: torch.Tensor, hidden: torch.Tensor, keep: KeysAndValues) -> torch.Tensor:
        """x [B, 1, C] → [B, 1, C]."""
        x = x + self.self_attn.step(self.norm1(x), slot, distance, hidden, keep)
        return x + self.feed_forward(self.norm2(x))
