"""How many attempts are under way at once, and whose: receivers that hang take no place from those that answer.

An endpoint has ENDPOINT_PLACES. Endpoints that answered promptly the last time share PROMPT_PLACES, all others (new, slow or failing ones)
share OTHER_PLACES: thousands of slow receivers wait for each other, and for nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

ENDPOINT_PLACES = 8  # a small receiver can do with that
PROMPT_PLACES = 400  # at 50 ms an attempt: 8,000 a second
OTHER_PLACES = 1_600  # at 15 s an attempt: a hundred a second; each costs some 60 kB
PROMPT_SECONDS = 2.0  # an attempt that took longer was not prompt
MOST_PROMPT = 10_000  # endpoints to remember
FILES_EACH = 2  # sockets of an attempt, when a host has addresses of both families


@dataclass
class _Gate:
    """The places of one endpoint, as long as somebody has or wants one."""

    places: asyncio.Semaphore
    users: int = 0


class Places:
    """The places of one event loop."""

    def __init__(self, *, endpoint: int = ENDPOINT_PLACES, prompt: int = PROMPT_PLACES, other: int = OTHER_PLACES) -> None:
        self._endpoint = endpoint
        self._lanes = {True: asyncio.Semaphore(prompt), False: asyncio.Semaphore(other)}
        self._gates: dict[str, _Gate] = {}
        self._prompt: OrderedDict[str, None] = OrderedDict()

    def free(self, url: str) -> bool:
        """Whether an attempt to `url` would begin at once."""
        gate = self._gates.get(url)
        return (gate is None or gate.users < self._endpoint) and not self._lanes[url in self._prompt].locked()

    @contextlib.asynccontextmanager
    async def place(self, url: str) -> AsyncIterator[None]:
        """A place for one attempt to `url`, as soon as there is one."""
        gate = self._gates.setdefault(url, _Gate(asyncio.Semaphore(self._endpoint)))
        gate.users += 1
        try:
            async with gate.places, self._lanes[url in self._prompt]:
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                del self._gates[url]

    def note(self, url: str, *, prompt: bool) -> None:
        """Remember how `url` answered."""
        self._prompt.pop(url, None)
        if prompt:
            self._prompt[url] = None
            if len(self._prompt) > MOST_PROMPT:
                self._prompt.popitem(last=False)


def allow_open_files(wanted: int = (PROMPT_PLACES + OTHER_PLACES) * FILES_EACH + 200) -> int:
    """Raise this process's limit of open files towards `wanted`, as far as its hard limit goes; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        return raised
    return soft
