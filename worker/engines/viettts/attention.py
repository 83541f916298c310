"""Self-attention that knows how far apart two steps are (Dai et al. 2019, Transformer-XL, appendix B; in the form that ESPnet gave it).

    score(i, j) = ((q_i + u) · k_j + (q_i + v) · W p(i - j)) / √D        u, v learned for each head; p(r) sinusoids of the distance r

The distance alone counts, never the place. Two things follow, and the rest of the model leans on both: W p(r) is the same for every text,
so it is computed once and kept as a table; and a row may begin anywhere in a batch, so rows of unequal length can end at the same step.

B rows, T steps, S slots of a cache, C channels, H heads, D = C / H channels a head, R distances.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

FIRST_REACH = 512  # steps: a table holds distances up to this, and doubles whenever it does not suffice


class Packed(NamedTuple):
    """What depends on an attention's weights alone, as it is used."""

    projection: nn.Module  # [..., C] → [..., 3C]: query, key and value
    u: torch.Tensor  # [H, 1, D]
    scaled_v: torch.Tensor  # v / √D: [H, 1, D]


class RelativeAttention(nn.Module):
    """[B, T, C] → [B, T, C]. `causal`: no step looks ahead, so no distance is negative and the table is half as long."""

    def __init__(self, size: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.scale = 1 / math.sqrt(size // heads)
        self.linear_q = nn.Linear(size, size)
        self.linear_k = nn.Linear(size, size)
        self.linear_v = nn.Linear(size, size)
        self.linear_qkv: nn.Module | None = None  # after `join`
        self.linear_out = nn.Linear(size, size)
        self.linear_pos = nn.Linear(size, size, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, size // heads))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, size // heads))
        self._packed: Packed | None = None
        self._table: torch.Tensor | None = None  # W p(r): [H, R, D], the farthest distance back first
        self.register_load_state_dict_post_hook(lambda module, _: module.forget())

    def forward(self, x: torch.Tensor, hidden: torch.Tensor | None, kept: torch.Tensor | None = None) -> torch.Tensor:
        """Attend within x. hidden, broadcast to [B, 1, T, T]: True where a step (third) must not see another (last); None: all see all.

        kept: a cache of keys and values [B, 2, H, S, D], whose first T slots are filled.
        """
        rows, steps, _ = x.shape
        packed = self._pack()
        projected = self._project(x, packed)
        if kept is not None:
            kept[:, :, :, :steps] = projected[:, 1:]
        query, key, value = projected.unbind(dim=1)
        by_distance = self._by_distance(query, packed, self.table(steps))  # [H, B T, R]
        # Step i is at distance i - j of step j, which is column (steps - 1) - (i - j): one column further on for each row further down.
        # So a view whose rows are one column shorter has every j in its place. What it shows ahead of a causal step means nothing: hidden.
        columns = by_distance.shape[-1]
        strides = (steps * columns, rows * steps * columns, columns - 1, 1)
        bias = by_distance.as_strided((rows, self.heads, steps, steps), strides, steps - 1)
        bias = bias.contiguous() if hidden is None else bias.masked_fill(hidden, -math.inf)
        return self._mix(query + packed.u, key, value, bias)

    def step(self, x: torch.Tensor, slot: torch.Tensor, distance: torch.Tensor, hidden: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """One more step of every row, x [B, 1, C], which sees itself and what is kept. Of static shapes, and nothing waits for the device.

        slot [1]: where its keys and values go. distance [S]: of each slot, the row in a table of distances S - 1, ..., 0. hidden [B, S]: 0,
        or -inf where a row must not look. kept: keys and values [B, 2, H, S, D].
        """
        packed = self._pack()
        projected = self._project(x, packed)
        kept.index_copy_(3, slot, projected[:, 1:])
        query = projected[:, 0]
        by_distance = self._by_distance(query, packed, self.table(kept.shape[3])).index_select(2, distance)  # [H, B, S]
        bias = (by_distance + hidden).transpose(0, 1).unsqueeze(2)  # [B, H, 1, S]
        return self._mix(query + packed.u, kept[:, 0], kept[:, 1], bias)

    def prepare(self, reach: int = FIRST_REACH) -> None:
        """Compute what depends on the weights alone; otherwise the first call does. `reach`: steps that the table must suffice for."""
        self._pack()
        self.table(reach)

    def join(self) -> None:
        """Have one layer in the place of the three projections, for good: from here on, no checkpoint fits."""
        self.linear_qkv = self._pack().projection
        del self.linear_q, self.linear_k, self.linear_v
        self.forget()

    def forget(self) -> None:
        """The weights have changed."""
        self._packed = self._table = None

    def table(self, steps: int) -> torch.Tensor:
        """W p(r) for r = steps - 1, ..., 0 and, unless causal, on to 1 - steps: [H, R, D]."""
        reach = 0 if self._table is None else self._table.shape[1] if self.causal else (self._table.shape[1] + 1) // 2
        if steps > reach:
            reach = max(steps, 2 * reach, FIRST_REACH)
            like = self.pos_bias_u
            distances = torch.arange(reach - 1, -1 if self.causal else -reach, -1, device=like.device)
            projected = self.linear_pos(sinusoids(distances, like.numel()).to(like.dtype))
            self._table = projected.view(len(distances), self.heads, -1).transpose(0, 1).contiguous()
        return self._table[:, reach - steps : reach if self.causal else reach + steps - 1]

    def _pack(self) -> Packed:
        if self._packed is None:
            u, v = self.pos_bias_u.detach().unsqueeze(1), self.pos_bias_v.detach().unsqueeze(1)
            self._packed = Packed(self.linear_qkv or self._joined(), u, v * self.scale)
        return self._packed

    def _joined(self) -> nn.Linear:
        """The three projections as one. The layers' own weights become views of its: nothing is held twice."""
        layers = (self.linear_q, self.linear_k, self.linear_v)
        joined = nn.Linear(layers[0].in_features, 3 * layers[0].out_features, device="meta")
        for name in ("weight", "bias"):
            whole = torch.cat([getattr(layer, name).detach() for layer in layers])
            for layer, own in zip((joined, *layers), (whole, *whole.chunk(3)), strict=True):
                setattr(layer, name, nn.Parameter(own, requires_grad=False))
        return joined

    def _project(self, x: torch.Tensor, packed: Packed) -> torch.Tensor:
        """[B, T, C] → query, key and value [B, 3, H, T, D]."""
        rows, steps, _ = x.shape
        return packed.projection(x).view(rows, steps, 3, self.heads, -1).permute(0, 2, 3, 1, 4)

    def _by_distance(self, query: torch.Tensor, packed: Packed, table: torch.Tensor) -> torch.Tensor:
        """The second half of the score: query [B, H, T, D], table [H, R, D] → [H, B T, R]."""
        query = torch.add(packed.scaled_v, query, alpha=self.scale).transpose(0, 1)
        return torch.bmm(query.reshape(self.heads, -1, table.shape[-1]), table.transpose(1, 2))

    def _mix(self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """query [B, H, T, D], keys and values [B, H, S, D], bias [B, H, T, S] → [B, T, C]."""
        mixed = functional.scaled_dot_product_attention(query, keys, values, attn_mask=bias, scale=self.scale)
        return self.linear_out(mixed.transpose(1, 2).flatten(2))

    def _apply(self, *args: object, **kwargs: object) -> RelativeAttention:
        """Module.to, .half and the like: they give every weight memory of its own."""
        self.forget()
        return super()._apply(*args, **kwargs)


def sinusoids(distances: torch.Tensor, size: int) -> torch.Tensor:
    """distances [R] → [R, size], float32: sine and cosine of each frequency in turn."""
    frequencies = torch.exp(torch.arange(0, size, 2, dtype=torch.float32, device=distances.device) * -(math.log(10000.0) / size))
    angles = distances.float()[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
