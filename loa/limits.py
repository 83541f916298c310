"""The limits on what may be submitted, as the store names them, and how a refusal reads."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loa.errors import LimitExceeded, LoaError, Overloaded

UNKNOWN = 30.0  # seconds to wait where nothing was measured yet or nobody is hot: about the start of a worker
LONGEST = 3600.0  # seconds: what is known of the pace says little about later


@dataclass(frozen=True)
class Limit:
    variable: str
    reached: str  # what is said of `{limit}`
    refusal: type[LoaError]


LIMITS = {
    "backlog": Limit("LOA_BACKLOG", "{limit} of audio wait to be spoken already, and that is the limit", Overloaded),
    "backlog_key": Limit("LOA_BACKLOG_KEY", "{limit} of this key's audio wait to be spoken already, and that is its limit", LimitExceeded),
    "audio_per_hour": Limit("LOA_AUDIO_PER_HOUR", "this key may submit {limit} of audio an hour, and has", LimitExceeded),
}


def refused(name: str, limit_ms: int, wait_ms: int) -> LoaError:
    """The error of a submission beyond the limit `name`; `wait_ms`: until there may be room, negative where nobody knows."""
    limit = LIMITS[name]
    wait = UNKNOWN if wait_ms < 0 else min(wait_ms / 1000, LONGEST)
    return limit.refusal(
        limit.reached.format(limit=_length(limit_ms / 1000)),
        limit=limit.variable,
        seconds=limit_ms / 1000,
        retry_after=max(1, math.ceil(wait)),
    )


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.4g} hours" if seconds >= 3600 else f"{seconds:.4g} s"
