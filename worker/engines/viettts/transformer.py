"""The transformers of VietTTS: an encoder, which the text (causal) and the flow (looking both ways) go through, and the decoder of the
language model, which goes on from a cache.

x → linear, norm (decoder: ReLU) · √C → blocks: x + attention(norm(x)), then x + feed-forward(norm(x)) → norm

B rows, T steps, S slots of a cache, C channels, H heads, D = C / H channels a head. Attributes are named as in the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

from worker.engines.viettts.architecture import EncoderShape
from worker.engines.viettts.attention import FIRST_REACH, RelativeAttention


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
        for block, kept in zip(self.encoders, cache.layers, strict=True):
            x = block(x, hidden, kept)
        cache.fill(x.shape[1])
        return self.after_norm(x[:, -1])

    def step(self, x: torch.Tensor, cache: Cache) -> torch.Tensor:
        """x [B, C], one more step of each row → [B, C]. Shapes are static and nothing waits for the device."""
        distance = cache.advance()
        x = x.unsqueeze(1)
        for block, kept in zip(self.encoders, cache.layers, strict=True):
            x = block.step(x, cache.slot, distance, cache.hidden, kept)
        return self.after_norm(x.squeeze(1))

    def prepare(self, reach: int = FIRST_REACH) -> None:
        """As Encoder.prepare."""
        for block in self.encoders:
            block.self_attn.prepare(reach)


class Cache:
    """What the decoder keeps of the steps so far: keys and values of S slots a row, the same slot for the same step of every row.

    Rows end together and begin where they begin: slots before a row's start hold padding and stay hidden from it. But for
    `keep` and `reserve`, every tensor stays where it is and as large as it is, so a step can be captured as a CUDA graph.
    """

    def __init__(self, shape: EncoderShape, starts: torch.Tensor, slots: int, dtype: torch.dtype) -> None:
        """starts [B]: the first slot of each row."""
        device = starts.device
        size = (len(starts), 2, shape.heads, slots, shape.size // shape.heads)
        # Zeros, because a hidden value still takes part, times 0, and memory as it comes may hold a NaN.
        self.layers = [torch.zeros(size, dtype=dtype, device=device) for _ in range(shape.layers)]  # keys and values: [B, 2, H, S, D]
        self.starts = starts
        self.slot = torch.full((1,), -1, device=device)  # the last one in use
        self.used = 0  # the host's own count of the slots in use
        self.hidden = torch.full((len(starts), slots), -math.inf, dtype=dtype, device=device)  # 0 where a row has something to see
        self._slots = torch.arange(slots, device=device)

    @property
    def slots(self) -> int:
        return len(self._slots)

    def fill(self, steps: int) -> None:
        """The first `steps` slots have been written."""
        self.used = steps
        self.slot.fill_(steps - 1)
        self.hidden.masked_fill_((self._slots >= self.starts[:, None]) & (self._slots < steps), 0)

    def advance(self) -> torch.Tensor:
        """Open the next slot. → for each slot, where its distance is in a table of S - 1, ..., 0: [S]; anywhere for a slot to come."""
        self.used += 1
        self.slot += 1
        self.hidden.index_fill_(1, self.slot, 0)
        return (self._slots + (self.slots - 1 - self.slot)).clamp_(max=self.slots - 1)

    def reserve(self, steps: int, grain: int) -> None:
        """Have slots for so many more steps, and grow by a multiple of `grain` when they lack."""
        lacking = self.used + steps - self.slots
        if lacking <= 0:
            return
        more = -(-lacking // grain) * grain
        self.layers = [functional.pad(layer, (0, 0, 0, more)) for layer in self.layers]
        self.hidden = functional.pad(self.hidden, (0, more), value=-math.inf)
        self._slots = torch.arange(self.slots + more, device=self.slot.device)

    def keep(self, rows: Survivors) -> None:
        """Go on with these rows alone."""
        self.layers = [rows.of(layer) for layer in self.layers]
        self.starts, self.hidden = rows.of(self.starts), rows.of(self.hidden)


class Survivors:
    """The rows of a batch that go on, brought to its front: as few rows as possible move, and what is left is a view."""

    def __init__(self, rows: Sequence[int]) -> None:
        front = range(len(rows))
        self.holes = [row for row in front if row not in rows]
        self.movers = [row for row in rows if row not in front]
        self.order = list(front)  # of each row that is left, which it was
        for hole, mover in zip(self.holes, self.movers, strict=True):
            self.order[hole] = mover

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """tensor [B, ...] → [N, ...], of the same memory."""
        if self.movers:
            tensor[self.holes] = tensor[self.movers]
        return tensor[: len(self.order)]


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
    """As EncoderBlock, but always causal and with a cache of its keys and values, `kept` (RelativeAttention)."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.size)
        self.self_attn = RelativeAttention(shape.size, shape.heads, causal=True)
        self.norm2 = nn.LayerNorm(shape.size)
        self.feed_forward = FeedForward(shape, functional.relu)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.norm1(x), hidden, kept)
        return x + self.feed_forward(self.norm2(x))

    def step(self, x: torch.Tensor, slot: torch.Tensor, distance: torch.Tensor, hidden: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """x [B, 1, C] → [B, 1, C]."""
        x = x + self.self_attn.step(self.norm1(x), slot, distance, hidden, kept)
        return x + self.feed_forward(self.norm2(x))
