"""`loa deliver`: a process of its own that sends webhooks when they are due.

It claims deliveries from the outbox, makes one attempt at each, all side by side, and records what came of it. It keeps nothing: killed at
any moment, it loses no delivery, because each claim is a lease, and what another process repeats has the same webhook-id. Any number of
these processes may run.

Everything here happens in one event loop, but for the calls of the store, which are made in a few threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from loa.broker import with_redis
from loa.errors import StoreUnavailable
from loa.keys import Keys
from loa.logs import log_to_stderr
from loa.settings import Settings
from loa.store import Store, connect_briefly
from loa.store.deliveries import Deliveries, Due, Outcome
from loa.subscription import Subscription
from loa.urls import shown
from loa.webhooks.addresses import AllowList
from loa.webhooks.places import Place, Places, allow_open_files
from loa.webhooks.sender import Attempt, Message, Sender
from loa.webhooks.states import DeliveryState

log = logging.getLogger(__name__)

RECHECK = 2.0  # seconds; the outbox is looked at this often, whatever is heard
RETRY = 0.3  # seconds between attempts while Redis is away
GRACE = 5.0  # seconds that attempts under way may take after SIGTERM; what is not over by then is given back
STORE_THREADS = 4

T = TypeVar("T")


class Courier:
    """Takes deliveries to their receivers. Belongs to one event loop."""

    def __init__(self, deliveries: Deliveries, sender: Sender, *, name: str, places: Places | None = None) -> None:
        """`name` tells this process from the others: `HOST-PID`."""
        self.name = name
        self._deliveries, self._sender = deliveries, sender
        self._places = Places() if places is None else places
        self._under_way: dict[asyncio.Task[None], Due] = {}
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._away = False  # whether Redis did not answer the last time
        self._threads = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")

    def wake(self) -> None:
        """Something may be due."""
        self._news.set()

    def stop(self) -> None:
        """Claim no more; `run` returns when what is under way is over, or given back."""
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        """Deliver until `stop`."""
        try:
            while not self._stopping.is_set():
                self._news.clear()
                pause = await self._claim()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
        finally:
            await self._leave()

    async def _claim(self) -> float:
        """Begin what is due; returns the seconds after which to look again."""
        free = self._places.free()
        try:
            found, following = await self._call(lambda: self._deliveries.claim(self.name, free))
        except StoreUnavailable as error:
            self._note_away(error)
            return RETRY
        if self._away:
            log.info("Redis answers again")
            self._away = False
        for due in found:
            place = self._places.take(due.pace, self.wake)
            task = asyncio.create_task(self._deliver(due))
            self._under_way[task] = due
            task.add_done_callback(lambda over, place=place: self._over(over, place))
        return RECHECK if following is None else min(following, RECHECK)

    def _over(self, task: asyncio.Task[None], place: Place) -> None:
        place.leave()
        self._under_way.pop(task, None)
        self.wake()  # who waited for this place, or for room at this endpoint, has it now
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a delivery failed in a way that is not foreseen; it is attempted again when its lease ends", exc_info=error)

    async def _deliver(self, due: Due) -> None:
        try:
            attempt = await self._sender.send(due.url, Message(due.message, due.body))
        except OSError as error:  # ours, not the receiver's: files or memory are used up
            log.error("no attempt at %s was possible: %s", due.id, error)
            await asyncio.sleep(RETRY)
            await self._insist(lambda: self._deliveries.put_back([due]))
            return
        outcome = await self._insist(lambda: self._deliveries.attempted(due, attempt))
        _tell(due, attempt, outcome)

    async def _insist(self, call: Callable[[], T]) -> T:
        """A call that is repeated until Redis answers: what it says is true already."""
        while True:
            try:
                return await self._call(call)
            except StoreUnavailable as error:
                self._note_away(error)
                await asyncio.sleep(RETRY)

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _note_away(self, error: StoreUnavailable) -> None:
        if not self._away:
            log.warning("delivering pauses: %s", error.message)
        self._away = True

    async def _leave(self) -> None:
        """Let attempts end, then give back those that do not."""
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=GRACE)
        rest = dict(self._under_way)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(list(rest))
        await self._sender.close()
        with contextlib.suppress(StoreUnavailable):  # then their leases end
            await self._call(lambda: (self._deliveries.put_back(list(rest.values())), self._deliveries.leave(self.name)))
        self._threads.shutdown(wait=False)


def _tell(due: Due, attempt: Attempt, outcome: Outcome) -> None:
    where, answer = shown(due.url), attempt.error or f"answered {attempt.status}"
    if outcome.state is DeliveryState.DELIVERED:
        log.info("%s %s delivered to %s in %.3f s", due.id, due.event, where, attempt.seconds)
    elif outcome.disabled:
        log.error("endpoint %s is disabled (%s: %s); `loa deliveries --state dead` lists what it missed", where, outcome.reason, answer)
    elif outcome.state is DeliveryState.DEAD:
        log.warning("%s %s to %s is given up (%s: %s)", due.id, due.event, where, outcome.reason, answer)
    elif outcome.state is None:
        log.info("%s to %s was claimed by another process meanwhile", due.id, where)
    else:
        log.info("%s %s to %s will be tried again: %s", due.id, due.event, where, answer)


async def serve(settings: Settings) -> None:
    """Deliver until SIGTERM or SIGINT. Raises UnsupportedRedis or SchemaMismatch."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    store = Store.for_thread(settings)
    secrets = await _open(store, settings, stopping)
    if stopping.is_set():
        return
    sender = Sender(secrets, AllowList.parse(settings.webhook_allow), timeout=settings.webhook_timeout)
    courier = Courier(store.deliveries, sender, name=f"{socket.gethostname()}-{os.getpid()}")

    def wake(*_: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(courier.wake)

    channel = Keys().deliveries_channel()
    subscription = Subscription(connect_briefly(settings.redis_url), channel, heard=wake, renewed=wake, what="webhooks")
    subscription.start()
    log.info("delivering webhooks as %s", courier.name)
    running = asyncio.create_task(courier.run())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    courier.stop()
    try:
        await running
    finally:
        await loop.run_in_executor(None, subscription.stop)


async def _open(store: Store, settings: Settings, stopping: asyncio.Event) -> Any:
    """Wait for a Redis that is the right one; the secrets to sign with."""

    def look() -> Any:
        store.database.check()
        store.deliveries.set_standing(settings.standing_webhooks)
        return store.deliveries.signing_secrets()

    told = False
    while not stopping.is_set():
        try:
            return await asyncio.to_thread(look)
        except StoreUnavailable as error:
            if not told:
                log.warning("%s; it is tried again", error.message)
            told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), RETRY)
    return ()


def main() -> int:
    """Run until a signal comes; the exit code. Raises InvalidSetting, UnsupportedRedis, SchemaMismatch."""
    settings = with_redis(Settings.load())
    log_to_stderr(settings.log_level)
    allow_open_files()
    asyncio.run(serve(settings))
    return 0
