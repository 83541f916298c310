"""How the language model's next token is drawn: repetition-aware sampling (Chen et al. 2024, VALL-E 2, section 4.1).

Draw from the nucleus, which is the likeliest tokens, as few as make up `top_p` of the probability, at least 2 and at most `top_k`. A token
that comes up though it makes up the share `tau` of the last `window` ones gives way to a second draw, from all tokens. While the end is
barred, a draw of it is thrown away, and everything begins again.

All this is one distribution. With n(x) the nucleus's, p(x) the model's, R the tokens that count as repeated, a token has the weight

    [x not in R] n(x) + n(R) p(x)        and the end, while it is barred, 0

so one uniform number and the running sum of the weights draw it: for all rows at once, without a loop, and the same for the same number.

B rows, V tokens (the last one is the end), K candidates, W tokens back.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from worker.engines.viettts.architecture import LanguageModelShape

NONE = -1  # in `recent`: no token yet. As a drawn token: the model's output was not a number.
LEAST_CANDIDATES = 2


def draw(
    logits: torch.Tensor, recent: torch.Tensor, barred: torch.Tensor, uniform: torch.Tensor, shape: LanguageModelShape
) -> torch.Tensor:
    """logits [B, V], recent [B, W] (NONE where a row is younger), barred [B]: the end must not come, uniform [B] in [0, 1) → tokens [B].

    Of static shapes, and nothing waits for the device. Always in float32, whatever the model computes in.
    """
    ids, first, second = weights(logits, recent, barred, shape)
    running = torch.cat([first, second], dim=1).cumsum(dim=1, dtype=torch.float64)
    total = running[:, -1:]
    # A float32 below 1 times a float64 total is below the total, so the place found has a weight.
    place = torch.searchsorted(running, uniform.double().unsqueeze(1) * total, right=True).squeeze(1)
    count = ids.shape[1]
    token = torch.where(place < count, ids.gather(1, place.clamp(max=count - 1).unsqueeze(1)).squeeze(1), place - count)
    total = total.squeeze(1)
    # When the end is barred and has all the probability that float32 can tell, nothing can be drawn: then the runner-up is the token.
    token = torch.where(total > 0, token, logits[:, :-1].argmax(dim=1))
    return token.masked_fill(total.isnan(), NONE)


def weights(
    logits: torch.Tensor, recent: torch.Tensor, barred: torch.Tensor, shape: LanguageModelShape
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """→ candidates [B, K], their weights as drawn from the nucleus [B, K], and all tokens' weights as drawn after a repetition [B, V]."""
    end = logits.shape[1] - 1
    probability = logits.float().softmax(dim=1)
    ids, nucleus = candidates(probability, shape)
    repeated = (ids.unsqueeze(2) == recent.unsqueeze(1)).sum(dim=2) >= shape.window * shape.tau
    again = (nucleus * repeated).sum(dim=1, keepdim=True)
    first = nucleus.masked_fill(repeated | (barred.unsqueeze(1) & (ids == end)), 0)
    second = probability * again
    second[:, end].masked_fill_(barred, 0)
    return ids, first, second


def candidates(probability: torch.Tensor, shape: LanguageModelShape) -> tuple[torch.Tensor, torch.Tensor]:
    """probability [B, V] → tokens [B, K], likeliest first and of equal ones the lower id, and the nucleus's probability of each [B, K]."""
    count = probability.shape[1]
    # The bits of a float that is not negative order as the float does. Below them, the id makes equal probabilities differ.
    order = torch.arange(count - 1, -1, -1, device=probability.device)
    ranked = (probability.view(torch.int32).long() * count + order).topk(min(shape.top_k, count), dim=1).values
    ids = count - 1 - ranked % count
    likeliest = probability.gather(1, ids)
    before = functional.pad(likeliest.cumsum(dim=1)[:, :-1], (1, 0))
    rank = torch.arange(ids.shape[1], device=ids.device)
    inside = (before < shape.top_p) | (rank < LEAST_CANDIDATES)
    nucleus = likeliest * inside
    return ids, nucleus / nucleus.sum(dim=1, keepdim=True)
