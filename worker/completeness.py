"""The last look before a job's audio is published: it holds every segment of the plan, once and in order, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from loa.errors import AssemblyFailed
from loa.plan import Segment
from loa.store import LeftOut
from loa.store.claims import EXCERPT
from loa.store.scripts import MOST_NAMED

MOST_SAID = 5  # segments that the message of an error names


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A segment as it was joined to the others."""

    index: int
    samples: int  # of its speech
    silence: int = 0  # samples of the pause that follows it, as it is planned


def verify(planned: int, placed: Sequence[Placed], missing: Collection[int], samples: int, tolerance: int = 0) -> None:
    """Compare a plan of `planned` segments with what was `placed` and what is named as `missing`.

    `samples`: how long the whole is, as the file that was written has it, at the rate at which segments were placed; that may differ from
    their sum by `tolerance`. Raises AssemblyFailed with what is wrong: a defect of Loa, or a file that was not written whole.
    """
    expected = set(range(planned)) - set(missing)
    indices = [one.index for one in placed]
    found = set(indices)
    if lost := expected - found:
        raise AssemblyFailed(f"the audio lacks {_named(lost)} of {planned}, which nobody left out")
    if foreign := found - expected:
        raise AssemblyFailed(f"the audio holds {_named(foreign)}, which it should not")
    if indices != sorted(found):
        raise AssemblyFailed("the audio holds segments twice, or in another order than the plan")
    if empty := [one.index for one in placed if one.samples <= 0]:
        raise AssemblyFailed(f"the audio holds nothing of {_named(empty)}")
    if abs((total := sum(one.samples + one.silence for one in placed)) - samples) > tolerance:
        raise AssemblyFailed(f"the audio has {samples:,} samples; its segments and pauses have {total:,}")


def missing_facts(missing: Collection[LeftOut], segments: Sequence[Segment]) -> dict[str, Any]:
    """What a result says of the segments that its job went on without: `missing_count`, and `missing`, the first MOST_NAMED; else nothing.

    Where the store does not know the text (its speakers died over it) it is the plan's.
    """
    if not missing:
        return {}
    first = sorted(missing, key=lambda one: one.index)[:MOST_NAMED]
    named = [one.to_json() | {"text": one.text or segments[one.index].text[:EXCERPT]} for one in first]
    return {"missing_count": len(missing), "missing": named}


def _named(indices: Iterable[int]) -> str:
    ordered = sorted(indices)
    more = f" and {len(ordered) - MOST_SAID:,} more" if len(ordered) > MOST_SAID else ""
    return f"segment{'s' if len(ordered) > 1 else ''} {', '.join(map(str, ordered[:MOST_SAID]))}{more}"
