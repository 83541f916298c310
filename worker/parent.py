"""The parent of the worker processes: Celery's worker, with five duties of its own.

- It takes messages only while a process of its own is hot: a worker that loads would swallow messages that hot workers could serve.
- It announces a process hot when that has said that it is ready, after messages flow: who is told "hot" may rely on it.
- It says when a hot process has died, so that what that held is given to others at once instead of after its lease.
- It ends, non-zero, when three starts in a row failed and none of its processes is hot: nothing that it could restart would help. Where
  others are hot, a slot whose starts fail is quarantined: its device is left alone for some minutes, and shown as failed.
- On SIGTERM or Ctrl-C it drains: the store gives it no more work, its processes finish or hand back what they hold, and it leaves by a
  fixed time.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import celery.worker.consumer
from celery import bootsteps
from celery.apps.worker import Worker
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from kombu import Connection

from loa.errors import SchemaMismatch, StoreUnavailable
from loa.settings import Settings
from loa.store import Slot, Store
from worker.start import FAILED_EXIT, QUARANTINED, READY

log = logging.getLogger(__name__)

WATCH = 0.05  # seconds between looks at the processes
RECONNECT = 1.0  # seconds between attempts to reach Redis
REST = 1.0  # seconds between looks at their records while all of them are hot
MOST_FAILURES = 3  # failed starts in a row, without a hot process in between
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # a first one drains, a second one hands everything back at once
GRACE = 5.0  # seconds that an ordered end may take beyond LOA_DRAIN_SECONDS


class Parent(Worker):
    """Celery's worker. Give it its `watch` before `start()`, which returns when it is told to stop or gives up."""

    watch: Watch

    def install_platform_tweaks(self, worker: Worker) -> None:  # noqa: ARG002 - Celery's signature
        """In place of Celery's handlers, whose shutdown the children never hear of."""
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: self.watch.drain())


def block_stop_signals() -> None:
    """Call it in the main thread before anything else: processes inherit it, so none ever dies of a signal that is meant to drain it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def heed_stop_signals(watch: Watch) -> None:
    """A thread that waits for the blocked signals: the main thread may be waiting for a process to end."""

    def wait() -> None:
        while True:
            signal.sigwait(STOP_SIGNALS)
            watch.drain()

    threading.Thread(target=wait, name="signals", daemon=True).start()


class Consumer(celery.worker.consumer.Consumer):
    """Celery's, but it looks for a Redis that is away every second; Celery waits longer each time, up to half a minute."""

    def ensure_connected(self, conn: Connection) -> Connection:
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=RECONNECT, interval_step=0, interval_max=RECONNECT)
        return super().ensure_connected(conn)


class Gate(bootsteps.StartStopStep):
    """Takes messages while the watch wants them. It runs in the event loop, where consumers may be changed."""

    requires = (Tasks,)

    def start(self, consumer: Consumer) -> None:
        self._open: bool | None = None
        self._timer = consumer.timer.call_repeatedly(WATCH, self._tick, (consumer,))

    def stop(self, consumer: Consumer) -> None:  # noqa: ARG002 - Celery's signature
        self._timer.cancel()

    def _tick(self, consumer: Consumer) -> None:
        watch: Watch = consumer.controller.watch
        if watch.wanted == self._open:
            return
        self._open = watch.wanted
        for queue in watch.queues:
            (consumer.add_task_queue if self._open else consumer.cancel_task_queue)(queue)
        (watch.flowing.set if self._open else watch.flowing.clear)()


class Watch(threading.Thread):
    """Looks after the processes of a parent, from a thread of its own: the parent's main thread belongs to Celery."""

    def __init__(self, parent: Worker, store: Store, settings: Settings, worker: str, queues: tuple[str, ...]) -> None:
        """`store` is this thread's own (`Store.for_thread`)."""
        super().__init__(name="watch", daemon=True)
        self.queues = queues
        self.failure: str | None = None  # why the worker gave up
        self.flowing = threading.Event()  # messages are taken; set by the gate
        self._parent, self._store, self._settings, self._worker = parent, store, settings, worker
        self._seen: dict[int, int] = {}  # living processes: pid → index of the slot
        self._ready: dict[int, Slot] = {}  # by pid: hot but for the announcement
        self._hot: set[int] = set()  # pids
        self._dead: set[int] = set()  # indices of slots whose hot process has died, until the store knows
        self._failures = 0  # failed starts in a row
        self._slot_failures: Counter[int] = Counter()  # the same for each slot
        self._looked = 0.0
        self._signals = 0
        self._ended = threading.Event()

    @property
    def wanted(self) -> bool:
        """Whether messages are to be taken."""
        return bool(self._hot or self._ready) and not self._signals and self.failure is None

    def drain(self) -> None:
        """Called for every stop signal, maybe by a handler, so it only leaves word."""
        self._signals += 1

    def close(self) -> None:
        """The parent has ended in order."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._signals and self.failure is None and not self._ended.wait(WATCH):
            try:
                self._look()
            except StoreUnavailable:
                continue  # the processes' own heartbeats say so
            except SchemaMismatch as error:
                self.failure = error.message
            except Exception:
                log.exception("a look at the processes failed; the next one follows")
        if not self._ended.is_set():
            self._stop()

    def _look(self) -> None:
        alive = {process.pid: process.index for process in self._processes() if process.exitcode is None}
        gone = {pid: index for pid, index in self._seen.items() if pid not in alive}
        self._seen = alive
        failed = [index for pid, index in gone.items() if pid not in self._hot]
        self._dead |= {index for pid, index in gone.items() if pid in self._hot}
        self._hot -= gone.keys()
        for index in failed:
            self._count_failure(index)
        for index in tuple(self._dead):  # before another process of that slot is announced hot
            self._give_back(index)
        resting = self._hot == alive.keys() and time.monotonic() < self._looked + REST
        if resting or self.failure is not None:
            return
        self._looked = time.monotonic()
        self._store.database.compare()
        # A hot process whose record Redis has lost says again that it is ready, and is announced again.
        said = [slot for slot in self._store.slots.all() if slot.worker == self._worker and slot.pid in alive]
        self._ready = {slot.pid: slot for slot in said if slot.state == "loading" and slot.message == READY}
        if self.flowing.is_set():
            for slot in self._ready.values():
                self._announce_hot(slot)
            self._ready = {}

    def _give_back(self, index: int) -> None:
        slot_id = f"{self._worker}/{index}"
        items = self._store.slots.lost(slot_id)
        self._dead.discard(index)
        log.error("the process of %s has died; %d segments or other items are given back", slot_id, items)

    def _announce_hot(self, slot: Slot) -> None:
        self._store.slots.announce(replace(slot, state="hot", message=""))
        self._hot.add(slot.pid)
        self._failures = self._slot_failures[self._seen[slot.pid]] = 0
        steps = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slot.steps.items())
        log.info("%s is hot on %s (%s)", slot.id, slot.device, steps or "nothing to load")

    def _count_failure(self, index: int) -> None:
        self._failures += 1
        self._slot_failures[index] += 1
        log.error("the process of slot %d ended before it was hot (%d in a row)", index, self._failures)
        if self._failures >= MOST_FAILURES and not self._hot:
            self.failure = f"{self._failures} processes in a row ended before they were hot"
        elif self._slot_failures[index] >= MOST_FAILURES:
            self._quarantine(f"{self._worker}/{index}")

    def _quarantine(self, slot_id: str) -> None:
        """Leave a slot whose device does not start in peace for a while, and say so: the others do its work."""
        for slot in self._store.slots.all():
            if slot.id == slot_id and not slot.message.startswith(QUARANTINED):
                reason = f"{QUARANTINED} after {MOST_FAILURES} failed starts; the last one: {slot.message}"
                log.error("%s on %s: %s", slot_id, slot.device or "its device", reason)
                self._store.slots.announce(replace(slot, state="failed", message=reason))

    def _stop(self) -> None:
        """Bring the worker to its end, by force where it does not come by itself."""
        deadline = time.monotonic() + GRACE + (self._settings.drain_seconds if self.failure is None else 0.0)
        said = False
        told: set[int] = set()
        while not self._ended.wait(WATCH) and time.monotonic() < deadline:
            if not said:
                said = self._say_draining()
            if self.failure is None:
                state.should_stop = 0
            else:
                state.should_terminate = FAILED_EXIT
            if self._parent.blueprint.state != bootsteps.RUN:  # from here on no process is replaced
                # A second signal is passed on until they are gone: two that arrive together count as one.
                told |= self._signal_processes(told if self._signals == 1 else set())
        if not self._ended.is_set():
            log.error("the worker did not end in time; its processes are killed")
            if self.failure:
                log.critical("%s", self.failure)  # nobody else will say it
            for process in self._processes():
                os.kill(process.pid, signal.SIGKILL)
            os._exit(FAILED_EXIT if self.failure else 0)

    def _say_draining(self) -> bool:
        try:
            self._store.slots.drain(self._worker)
        except StoreUnavailable as error:
            log.warning("shutting down while Redis is away: %s", error.message)
            return False
        except SchemaMismatch:  # the new version has no work for this worker anyway
            return True
        return True

    def _signal_processes(self, told: set[int]) -> set[int]:
        pids = {process.pid for process in self._processes() if process.exitcode is None} - told
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        return pids

    def _processes(self) -> list[Any]:
        pool = self._parent.pool and self._parent.pool._pool  # Celery has no public list of its processes
        return [process for process in pool._pool if process.pid is not None] if pool else []
