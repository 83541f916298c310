from __future__ import annotations

from loa.settings import Settings
from worker.app import VISIBILITY, create_app


def test_the_app_is_set_against_what_was_measured() -> None:
    """Each of these loses, repeats or hangs work when it has Celery's default."""
    app = create_app(Settings.load({}, redis_url="redis://localhost:1/0"), ("speak.sine", "plan"))
    conf = app.conf
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert not conf.task_reject_on_worker_lost
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss
    assert conf.worker_proc_alive_timeout >= 600
    assert conf.worker_pool_start_method == "spawn"
    assert conf.result_backend is None
    assert conf.task_ignore_result
    assert conf.broker_transport_options["unacked_restore_throttle"] == 1
    assert conf.broker_transport_options["socket_timeout"] == 5
    limits = [annotation["time_limit"] for annotation in conf.task_annotations.values()]
    assert conf.task_annotations["loa.speak"]["time_limit"] == 120
    assert conf.broker_transport_options["visibility_timeout"] == VISIBILITY > 2 * max(limits)
    app.close()
