from __future__ import annotations

import numpy as np
import pytest

from loa.errors import StartFailed
from loa.settings import Settings
from worker.app import VISIBILITY, create_app
from worker.engines.base import Speech
from worker.warm_up import check_speech

RATE = 16_000


def speech(pcm: np.ndarray) -> Speech:
    return Speech(pcm=pcm.astype(np.float32), sample_rate=RATE, words=())


def noise(seconds: float, loudness: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=int(RATE * seconds)) * loudness


def test_speech_passes() -> None:
    check_speech(speech(noise(3.0)), "v", 3.0)


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (np.zeros(3 * RATE), "silence"),
        (noise(3.0, 0.0005), "silence"),
        (np.zeros(0), "silence"),
        (np.append(noise(3.0), np.nan), "not numbers"),
        (np.append(noise(3.0), np.inf), "not numbers"),
        (noise(0.1), "takes 0.10 s"),
        (noise(30.0), "takes 30.00 s"),
    ],
)
def test_what_cannot_be_speech_fails_the_start(pcm: np.ndarray, words: str) -> None:
    with pytest.raises(StartFailed, match=words):
        check_speech(speech(pcm), "v", 3.0)


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
