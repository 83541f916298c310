"""Celery's messages: those that vanish, and those that come again while their work still runs."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

from loa.keys import speak
from loa.states import State
from tests.faults.orphans import texts
from tests.faults.rows import Row, sized
from tests.faults.witness import endings
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

SPEAK = speak("sine")
LONG = "This is [[slow]], and takes longer than the message is hidden."
IMPATIENT = "import worker.app, kombu.transport.redis as k; worker.app.VISIBILITY = {}; k.Channel.unacked_restore_interval = 0.5"


def test_deleted(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    jobs, rounds = sized((20, 1), (100, 10))
    row = fault_row(f"messages deleted from Redis by hand, {jobs} jobs", f"{jobs} woken again ≤ 30 s, each done once", within=30.0)
    fleet = make_fleet()
    worker = fleet.worker("speak", LOA_BATCH_MAX="1")
    worker.hot()
    with endings(fleet.settings) as heard:
        os.kill(worker.process.pid, signal.SIGSTOP)  # the parent, which takes messages; its process goes on beating, and so stays hot
        try:
            wait_until(lambda: fleet.redis.info("clients")["blocked_clients"] == 0, what="the parent's last look for messages to end")
            job_ids = [fleet.submit(f"This is job number {number}.") for number in range(jobs)]
            for _ in range(rounds):
                row.injected += wait_until(lambda: fleet.redis.llen(SPEAK), what="a message")
                fleet.redis.delete(SPEAK)
            deleted = time.monotonic()
        finally:
            os.kill(worker.process.pid, signal.SIGCONT)
        ended = fleet.all_ended(job_ids, 60.0)
        row.recovered(time.monotonic() - deleted)
        wait_until(lambda: len(heard.events) >= jobs)
    row.lost = sum(job.state is not State.SUCCEEDED for job in ended)
    row.duplicated = len(texts(fleet)) - jobs + len(heard.events) - jobs
    row.check()


def test_visibility_timeout(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    """Celery gives the message to the second worker while the first one still speaks."""
    timeout, seconds = sized((1.0, 3.0), (5.0, 20.0))
    row = fault_row(f"visibility timeout {timeout:g} s, {seconds:g} s job, 2 workers", "1 synthesis, 1 artifact, 1 event")
    fleet = make_fleet()
    impatient = IMPATIENT.format(timeout)
    for _ in range(2):
        fleet.worker("speak", before=impatient, LOA_SINE_SLOW=str(seconds))
    job_id = fleet.submit(LONG)
    with endings(fleet.settings) as heard:
        wait_until(lambda: fleet.item(job_id, "0")["state"] == "s", START + seconds, "somebody to speak")
        for worker in fleet.workers:
            worker.hot()
        job = fleet.ended(job_id, 2 * seconds + START)
        row.injected = wakes(fleet) - 1
        wait_until(lambda: heard.events)
    row.lost = int(job.state is not State.SUCCEEDED)
    audios = [stored for stored in fleet.artifacts.walk(f"jobs/{job_id}") if "audio" in stored.path]
    row.duplicated = len(texts(fleet)) + len(audios) + len(heard.events) - 3
    assert Counter(texts(fleet)) == {LONG: 1}
    row.check()


def wakes(fleet: Fleet) -> int:
    """Messages that reached a process."""
    return int(fleet.store.slots.backlog()[SPEAK]["wakes"])
