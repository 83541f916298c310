"""The addresses of host names, without letting a slow name server hold up anybody else.

The system's lookup blocks for as long as a name server likes, so each one has a thread. There are only so many threads, and names that
never answer must not take them all: a name that was found before is looked up in a lane of its own, and its addresses are kept for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

KNOWN_THREADS, NEW_THREADS = 16, 64  # lookups at once: of names that were found before, and of all others
KEPT_SECONDS = 30.0  # that a name's addresses are used without asking again
MOST_KEPT = 10_000  # names
MOST_ADDRESSES = 64  # of one name; no honest one has that many

Lookup = Callable[[str], Sequence[str]]


def system_lookup(host: str) -> Sequence[str]:
    """All addresses of `host`, in the order of the system's preference. Blocks. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))


class Names:
    """`await names(host)` gives all addresses of a host, or raises OSError. Belongs to one event loop."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._found: OrderedDict[str, tuple[float, Sequence[str]]] = OrderedDict()  # when, by the monotonic clock, and what
        self._under_way: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._known, self._new = asyncio.Semaphore(KNOWN_THREADS), asyncio.Semaphore(NEW_THREADS)

    async def __call__(self, host: str) -> Sequence[str]:
        known = self._found.get(host)
        if known is not None and time.monotonic() < known[0] + KEPT_SECONDS:
            return known[1]
        if host not in self._under_way:
            lane = self._new if known is None else self._known
            await lane.acquire()
            if host in self._under_way:  # somebody else was first
                lane.release()
            else:
                self._begin(host, lane)
        return await asyncio.shield(self._under_way[host])  # whoever gives up leaves the lookup to those who wait on

    def _begin(self, host: str, lane: asyncio.Semaphore) -> None:
        """Look `host` up in a thread, which keeps its place in `lane` until it ends, however long that takes."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(addresses: Sequence[str], error: OSError | None) -> None:
            lane.release()
            del self._under_way[host]
            self._found.pop(host, None)
            if error is not None:
                future.set_exception(error)
                future.exception()  # seen: nobody may be waiting any more
                return
            self._found[host] = (time.monotonic(), addresses)
            if len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)
            future.set_result(addresses)

        def run() -> None:
            addresses: Sequence[str] = ()
            error: OSError | None = None
            try:
                addresses = self._lookup(host)
                if not 1 <= len(addresses) <= MOST_ADDRESSES:
                    error = OSError(f"{host} has {len(addresses)} addresses; 1 to {MOST_ADDRESSES} can be right")
            except OSError as raised:
                error = raised
            except ValueError as raised:  # a name that cannot be asked for
                error = OSError(str(raised))
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, addresses, error)

        self._under_way[host] = future
        threading.Thread(target=run, name="webhook-name", daemon=True).start()  # no exit waits for a name server
