"""`loa worker`: one parent, its processes, and how they are told what to do."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time

from loa.engines import served
from loa.errors import InvalidSetting, LoaError, StartFailed, StoreUnavailable
from loa.keys import ASSEMBLE, PLAN
from loa.keys import speak as queue_of
from loa.settings import Settings
from loa.store import Store
from loa.urls import shown
from worker import logs
from worker.app import create_app, waker
from worker.devices import device_names
from worker.parent import STOP_SIGNALS, Gate, Parent, Watch, block_stop_signals, heed_stop_signals

log = logging.getLogger(__name__)

ASK_AGAIN = 1.0  # seconds between looks for a Redis that does not answer
TELL_AGAIN = 10.0  # seconds between saying so


def main(queues: str) -> None:
    """Serve `queues` (some of speak, plan, assemble; separated by ',') until SIGTERM or Ctrl-C. Raises LoaError when that is impossible."""
    block_stop_signals()
    settings = Settings.load()
    if not settings.redis_url:
        raise InvalidSetting("LOA_REDIS_URL is not set, so this worker cannot find its work; `loa up` starts a Redis and its workers")
    names = queue_names(queues, settings)
    speaks = any(name not in (PLAN, ASSEMBLE) for name in names)
    devices = device_names(settings) if speaks else ("cpu",)
    processes = len(devices) * settings.processes
    os.environ.update(settings.environment())  # the processes load the very same settings
    worker = f"{socket.gethostname()}-{os.getpid()}"
    app = create_app(settings, names, devices=devices, processes=processes)
    app.steps["consumer"].add(Gate)
    logs.log_to_stderr()
    wake = waker(app, settings)
    store = Store.for_thread(settings, wake)
    _await_redis(store, settings)
    store.slots.retire(worker, processes)  # a container's worker may have had this very name before
    # Every queue is excluded for a start: the gate opens when a process is ready.
    parent = Parent(
        app=app,
        hostname=f"loa@{worker}",
        queues=names,
        exclude_queues=names,
        concurrency=processes,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    parent.watch = watch = Watch(parent, Store.for_thread(settings, wake), settings, worker, names)
    log.info("worker %s: %d processes on %s for %s", worker, processes, ", ".join(devices), ", ".join(names))
    heed_stop_signals(watch)
    watch.start()
    parent.start()
    watch.close()
    try:
        store.slots.retire(worker, processes)
    except LoaError as error:
        log.warning("the worker ends without a word to the store (%s); its heartbeats end by themselves", error.message)
    if watch.failure is not None:
        raise StartFailed(watch.failure)
    if parent.exitcode:
        raise StartFailed(f"the worker ended with code {parent.exitcode}")


def queue_names(queues: str, settings: Settings) -> tuple[str, ...]:
    """`speak` stands for the queue of every engine that is served here. Raises InvalidSetting, or StartFailed where there is none."""
    names: list[str] = []
    for name in (part.strip() for part in queues.split(",")):
        if name == "speak":
            engines = served(settings)
            if not engines:
                raise StartFailed("no speech engine is installed; install one with: pip install 'loa[worker,vits]'")
            names += map(queue_of, engines)
        elif name in (PLAN, ASSEMBLE):
            names.append(name)
        else:
            raise InvalidSetting(f"there is no queue {name!r}; choose from speak, plan and assemble")
    return tuple(dict.fromkeys(names))


def _await_redis(store: Store, settings: Settings) -> None:
    """Wait until Redis answers. Raises UnsupportedRedis or SchemaMismatch; SystemExit when the worker is told to stop meanwhile."""
    told = -TELL_AGAIN
    while True:
        try:
            return store.database.check()
        except StoreUnavailable as error:
            if time.monotonic() - told >= TELL_AGAIN:
                log.warning("waiting for Redis at %s: %s", shown(settings.redis_url), error.message)
                told = time.monotonic()
            if signal.sigtimedwait(STOP_SIGNALS, ASK_AGAIN) is not None:  # they are blocked, so nobody else hears of them
                raise SystemExit(0) from None
