"""The Celery tasks: one line each around the work. Imported by the parent too, so nothing here imports torch."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.signals import worker_process_init, worker_process_shutdown

from loa.keys import ASSEMBLE, PLAN
from worker import logs  # noqa: F401 - before Celery sets up logging in a process


@worker_process_init.connect
def _start(sender: str, **_: Any) -> None:
    from worker.start import start_process

    start_process(sender)


@worker_process_shutdown.connect
def _stop(**_: Any) -> None:
    from worker.station import stop_process

    stop_process()


@shared_task(name="loa.speak", bind=True)
def speak(task: Task, token: str) -> None:
    from worker.station import station

    station().speak(task.request.delivery_info["routing_key"], token)


@shared_task(name="loa.plan")
def plan(token: str) -> None:
    from worker.station import station

    station().work(PLAN, token)


@shared_task(name="loa.assemble")
def assemble(token: str) -> None:
    from worker.station import station

    station().work(ASSEMBLE, token)
