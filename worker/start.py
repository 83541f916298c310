"""The start of a worker process, once, before its first task: pin → load → warm → preload → speak a test sentence.

A process that cannot do all of it ends with exit code 70, so no task ever meets one that is half ready. One that can tells the store that
it is ready; its parent begins to take messages, and then announces it hot (worker/parent.py).
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import billiard
from celery import current_app

from loa.added_voices import AddedVoices
from loa.artifacts import Artifacts
from loa.engines import served, unserved
from loa.errors import LoaError, StartFailed
from loa.house import Sweeper
from loa.keys import speak as queue_of
from loa.reconciler import Reconciler
from loa.recordings import Recordings
from loa.settings import Settings
from loa.store import Slot, Store
from loa.store.database import no_wake
from loa.voices import VoiceRegistry
from worker.app import waker
from worker.assembly import Assembler
from worker.devices import device_of, pin
from worker.heartbeat import Heartbeat
from worker.planning import Planner
from worker.plans import Plans
from worker.station import Station, open_station

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

FAILED_EXIT = 70
SWITCH_SECONDS = 0.0005  # Python's default, 5 ms, is what the finishing thread would wait for the claiming one, in every job
READY = "ready"  # the message of a slot that waits to be announced hot
QUARANTINED = "quarantined"  # how the message of a slot begins whose device is left alone
QUARANTINE = 240.0  # seconds; with the start after it, less than the time that Celery leaves a process to start


def start_process(node: str) -> None:
    """Start this process, or end it. `node` is Celery's name of the worker, `loa@HOST-PID`."""
    settings = Settings.load()
    watchdog = threading.Timer(settings.start_limit, _too_slow, (settings.start_limit,))
    watchdog.daemon = True
    heartbeat: Heartbeat | None = None
    try:
        queues = tuple(queue.name for queue in current_app.conf.task_queues)
        slot_id = f"{node.partition('@')[2]}/{billiard.current_process().index}"
        slot = Slot(
            id=slot_id,
            state="loading",
            queues=queues,
            pid=os.getpid(),
            host=socket.gethostname(),
            device="",
            device_uuid="",
            message="starting",
        )
        heartbeat = Heartbeat(Store.for_thread(settings, waker(current_app._get_current_object(), settings)), slot, settings)
        heartbeat.heed_sigterm()
        heartbeat.start()
        _sit_out_quarantine(heartbeat, settings)
        watchdog.start()
        open_station(_start(settings, heartbeat))
    except BaseException as error:
        reason = error.message if isinstance(error, LoaError) else f"{type(error).__name__}: {error}"
        log.critical("the start failed: %s", reason, exc_info=not isinstance(error, LoaError))
        if isinstance(error, LoaError):
            log.critical("%s", error.remedy())
        if heartbeat is not None:
            _last_words(heartbeat, reason)
        os._exit(FAILED_EXIT)
    watchdog.cancel()
    gc.freeze()  # what the start has made lives as long as the process: no collection inside a job needs to look at it


def _start(settings: Settings, heartbeat: Heartbeat) -> Station:
    heartbeat.announce()
    wake = waker(current_app._get_current_object(), settings)
    store = Store.for_worker(settings, wake)
    store.database.check()
    store.database.load_scripts()
    artifacts = Artifacts(settings.artifacts)
    store.slots.share_artifacts(artifacts.token(), settings.artifacts)
    added = AddedVoices(lambda: store.voices, Recordings(artifacts, settings.data_dir))
    voices = VoiceRegistry(settings, added)
    plans = Plans(artifacts)
    assembler = Assembler(store, artifacts, plans, Path(settings.data_dir) / "work", loudness=settings.loudness)
    speaker = finisher = None
    engines = tuple(name for name in served(settings) if queue_of(name) in heartbeat.slot.queues)
    if not engines:
        heartbeat.announce(device="cpu", device_uuid="cpu")
    else:
        heartbeat.announce(engines=engines, unserved=unserved(settings))
        with heartbeat.step("pin", "choosing the device"):
            device = _pin(settings, heartbeat)
        sys.setswitchinterval(SWITCH_SECONDS)
        from worker.finishing import Finisher  # these import torch, which is to find its threads and device chosen
        from worker.speak import Speaker
        from worker.warm_up import WarmUp

        hot = WarmUp(settings, heartbeat, voices, artifacts, assembler, device).run(engines)
        finisher = Finisher(store, artifacts, assembler, heartbeat.leases)
        finisher.start()
        speaker = Speaker(
            store=store,
            artifacts=artifacts,
            plans=plans,
            engines=hot.engines,
            cache=hot.cache,
            finisher=finisher,
            heartbeat=heartbeat,
            settings=settings,
        )
    reconciler = Reconciler(Store.for_thread(settings, wake).slots, settings.reconcile)
    reconciler.start()
    sweeper = Sweeper(Store.for_thread(settings).house, artifacts, settings)
    sweeper.start()
    added.start(Store.for_thread(settings).voices)
    heartbeat.announce(message=READY)
    return Station(
        settings=settings,
        store=store,
        heartbeat=heartbeat,
        reconciler=reconciler,
        sweeper=sweeper,
        added=added,
        assembler=assembler,
        planner=Planner(store, artifacts, voices, settings),
        speaker=speaker,
        finisher=finisher,
    )


def _sit_out_quarantine(heartbeat: Heartbeat, settings: Settings) -> None:
    """Where the starts before this one failed too often, wait before the next, and stay visible as failed."""
    database = Store.for_worker(settings, no_wake).database
    record = database.command("hgetall", database.keys.slot(heartbeat.slot.id))
    before = Slot.from_record(heartbeat.slot.id, record) if record else None
    if before is not None and before.state == "failed" and before.message.startswith(QUARANTINED):
        heartbeat.announce(state="failed", device=before.device, device_uuid=before.device_uuid, message=before.message)
        heartbeat.drain.begun.wait(QUARANTINE)
        heartbeat.announce(state="loading", message="starting")


def _pin(settings: Settings, heartbeat: Heartbeat) -> torch.device:
    """Take this slot's device. Raises StartFailed when another worker on this host has it."""
    names = tuple(current_app.conf.loa_devices)
    name = device_of(billiard.current_process().index, names)
    device, uuid = pin(name, settings, current_app.conf.worker_concurrency)
    heartbeat.announce(device=name, device_uuid=uuid)
    if device.type == "cuda" and not settings.share_devices:
        deadline = time.monotonic() + settings.lease + settings.beat  # a dead worker's lease ends by itself
        while holder := heartbeat.lease_device():
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"worker {holder} uses {name} ({uuid}); stop it, choose others with LOA_DEVICES, or set LOA_SHARE_DEVICES=true"
                )
            time.sleep(settings.beat / 2)
    return device


def _too_slow(limit: float) -> None:
    log.critical("the start took longer than %.0f s (LOA_START_LIMIT) and is given up", limit)
    os._exit(FAILED_EXIT)


def _last_words(heartbeat: Heartbeat, reason: str) -> None:
    try:
        heartbeat.announce(state="failed", message=reason)
    except LoaError as error:
        log.warning("the failure could not be announced: %s", error.message)
    except Exception:
        log.exception("the failure could not be announced")
