"""The Celery app: how messages travel. What they are worth is decided in the store (loa/store); a message here is only a wake-up.

Most settings below are there because the default was measured to lose work, to repeat it, or to hang.
"""

from __future__ import annotations

from collections.abc import Sequence

from celery import Celery
from kombu import Queue

from loa.broker import broker_url
from loa.settings import Settings
from loa.store.database import Wake
from loa.wakeups import expiry, task_name

SPEAK_LIMIT = 120.0  # seconds: a task ends after LOA_TASK_SECONDS and a batch; what runs longer hangs where no heartbeat watches
LONG_LIMIT = 1500.0  # seconds for one plan or one assembly: ten hours of audio take some minutes
VISIBILITY = 3600.0  # seconds until an unacknowledged message is given away again: more than twice the longest limit
START_LIMIT = 600.0  # seconds that Celery leaves a replaced process to start; its 4 s kill every one that loads a model, for ever


def create_app(settings: Settings, queues: Sequence[str], *, devices: Sequence[str] = ("cpu",), processes: int = 1) -> Celery:
    """The app of a worker that serves `queues` with `processes` processes on `devices`; its processes get a copy."""
    app = Celery("loa", broker=broker_url(settings.redis_url), include=["worker.tasks"])
    app.conf.update(
        # A message is acknowledged after its task, one at a time. What a dead process held is found by the store's leases, not by Celery:
        # a message that is requeued when its worker is lost kills process after process where a passage is poisonous.
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        # With a result backend, sending blocks for 19 s while Redis is away.
        result_backend=None,
        task_ignore_result=True,
        # True lost the running task at every restart of Redis.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_proc_alive_timeout=max(START_LIMIT, 2 * settings.start_limit),  # the watchdog of worker/start.py is to come first
        worker_concurrency=processes,
        worker_pool="prefork",
        worker_consumer="worker.parent:Consumer",
        worker_pool_start_method="spawn",  # CUDA and onnxruntime do not survive a fork
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5.0,
            "socket_connect_timeout": 2.0,
        },
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, routing_key=name) for name in queues],
        task_annotations={
            "loa.speak": {"time_limit": max(SPEAK_LIMIT, 4 * settings.task_seconds)},
            "loa.plan": {"time_limit": LONG_LIMIT},
            "loa.assemble": {"time_limit": LONG_LIMIT},
        },
        loa_devices=list(devices),
    )
    return app


def waker(app: Celery, settings: Settings) -> Wake:
    """How parent and processes send wake-ups, from any of their threads."""
    seconds = expiry(settings)

    def wake(queue: str, token: str) -> None:
        app.send_task(task_name(queue), args=[token], queue=queue, expires=seconds, retry=False, ignore_result=True)

    return wake
