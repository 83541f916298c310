"""How many attempts one process has under way at once, and whose: receivers that hang take no place from those that answer.

Endpoints of one pace (prompt, new, slow: see loa/webhooks/states.py) share places, and a process claims no more of each than it has places
for. Whoever was prompt until now may hang from now on: an attempt keeps a place among the prompt ones for PROMPT_SECONDS only, and is then
counted among the slow ones, even where all of their places are taken. So however many hang, a place among the prompt ones is free within
that time.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Mapping

from loa.webhooks.states import PROMPT_SECONDS, Pace

PLACES: Mapping[Pace, int] = {
    Pace.PROMPT: 400,  # at 50 ms an attempt: 8,000 a second; if all of them hang, still 400
    Pace.NEW: 400,  # an endpoint is new once
    Pace.SLOW: 1_200,  # at 15 s an attempt: 80 a second; each costs some 60 kB
}
FILES_EACH = 2  # sockets of an attempt, when a host has addresses of both families


class Places:
    """The places of one process. Belongs to one event loop."""

    def __init__(self, most: Mapping[Pace, int] = PLACES) -> None:
        self._most = most
        self._taken = dict.fromkeys(Pace, 0)

    def free(self) -> dict[Pace, int]:
        """How many attempts at endpoints of each pace may begin now."""
        return {pace: max(0, most - self._taken[pace]) for pace, most in self._most.items()}

    def take(self, pace: Pace, freed: Callable[[], None]) -> Place:
        """A place for one attempt, which begins now. `freed` is called when it goes on among the slow ones."""
        return Place(self._taken, pace, freed)


class Place:
    """What one attempt takes, until `leave`."""

    def __init__(self, taken: dict[Pace, int], pace: Pace, freed: Callable[[], None]) -> None:
        self._taken, self._pace, self._freed = taken, pace, freed
        taken[pace] += 1
        self._overdue = asyncio.get_running_loop().call_later(PROMPT_SECONDS, self._move) if pace is Pace.PROMPT else None

    def leave(self) -> None:
        """The attempt is over. Call it once."""
        if self._overdue is not None:
            self._overdue.cancel()
        self._taken[self._pace] -= 1

    def _move(self) -> None:
        self._taken[self._pace] -= 1
        self._pace = Pace.SLOW
        self._taken[self._pace] += 1
        self._freed()


def allow_open_files(wanted: int = 2 * sum(PLACES.values()) * FILES_EACH + 200) -> int:
    """Raise this process's limit of open files towards `wanted`, as far as its hard limit goes; returns the limit.

    There may be more attempts than places, see above: as many again have files.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        return raised
    return soft
