"""A process takes no task before it can do it, and a worker that cannot start says why and ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet


def test_a_start_announces_each_step_then_hot(fleet: Fleet) -> None:
    worker = fleet.worker("speak", LOA_SINE_LOAD_SECONDS="0.5")
    messages: list[str] = []

    def look() -> bool:
        for slot in worker.slots:
            if slot.message not in messages:
                messages.append(slot.message)
            assert slot.state in ("loading", "hot")
        return any(slot.state == "hot" for slot in worker.slots)

    wait_until(look, START)
    assert "loading engine sine" in messages
    (slot,) = worker.slots
    assert slot.queues == ("speak.sine",)
    assert (slot.engines, slot.voices, slot.device, slot.device_uuid) == (("sine",), ("sine",), "cpu", "cpu")
    assert list(slot.steps) == ["pin", "load sine", "warm sine", "preload", "speak"]
    assert slot.steps["load sine"] >= 0.5

    job = fleet.ended(fleet.submit("Hello there."))
    assert (job.state, job.setup_seconds) == (State.SUCCEEDED, 0.0)
    assert job.synthesis_seconds > 0
    assert worker.end() == 0
    assert fleet.store.slots.all() == []


def test_a_worker_for_an_engine_that_is_not_installed_ends_at_once_and_says_what_to_do(fleet: Fleet) -> None:
    worker = fleet.worker("speak", LOA_ENGINES="viettts")
    assert worker.process.wait(START) != 0
    log = worker.log
    assert "engine 'viettts' is not installed: config.yaml, llm.pt, " in log
    assert "install it with: loa engines pull viettts" in log
    assert worker.slots == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raise", "the start failed: RuntimeError: asked for by LOA_SINE_START_FAULT"),
        ("hang", "the start took longer than 4 s"),
        ("exit", "ended before it was hot (3 in a row)"),
    ],
)
def test_three_failed_starts_end_the_worker_and_no_job_was_taken(make_fleet: Callable[..., Fleet], fault: str, words: str) -> None:
    fleet = make_fleet(start_limit=8.0 if fault != "hang" else 4.0)
    job_id = fleet.submit("Nobody is there to say this.")
    worker = fleet.worker("speak", LOA_SINE_START_FAULT=fault)
    states = set()

    def look() -> bool:
        states.update(slot.state for slot in worker.slots)
        return worker.process.poll() is not None

    wait_until(look, 3 * START, "the worker to give up")
    assert worker.process.returncode != 0
    assert words in worker.log
    assert "3 processes in a row ended before they were hot" in worker.log
    assert "hot" not in states
    job = fleet.job(job_id)
    assert (job.state, job.started) == (State.QUEUED, None)
    assert fleet.item(job_id, "0")["losses"] == 0


def test_a_broken_common_voice_is_a_failed_start(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(preload="ghost", start_limit=30.0)
    worker = fleet.worker()
    assert worker.process.wait(3 * START) != 0
    assert "LOA_PRELOAD names the voice 'ghost', which does not exist" in worker.log


def test_a_worker_that_joins_cold_delays_no_job(fleet: Fleet) -> None:
    """A worker that loads takes no message, so the hot one serves every job as if it were alone."""
    hot = fleet.worker()
    hot.hot()
    joining = fleet.worker("speak", LOA_SINE_LOAD_SECONDS="2.5")
    wait_until(lambda: any(slot.message == "loading engine sine" for slot in joining.slots), START)
    waits: list[float] = []
    hot_at = None  # how many jobs were done by then; some more follow, now that both take messages
    while hot_at is None or len(waits) < hot_at + 20:
        if hot_at is None and any(slot.state == "hot" for slot in joining.slots):
            hot_at = len(waits)
        began = time.monotonic()
        job = fleet.ended(fleet.submit(f"Number {len(waits)}, please."))
        assert job.state is State.SUCCEEDED
        waits.append(time.monotonic() - began)
    assert hot_at > 5
    assert max(waits) < 2.0


def test_without_warmth_every_job_pays_for_its_voice(make_fleet: Callable[..., Fleet]) -> None:
    """LOA_WARM=false is the service as it would be without hot workers: it measures what they are worth."""
    fleet = make_fleet(warm=False)
    (slot,) = fleet.worker().hot()
    assert slot.voices == ()
    assert list(slot.steps) == ["pin", "load sine"]
    jobs = [fleet.ended(fleet.submit(f"This is number {number}.")) for number in range(3)]
    assert all(job.setup_seconds > 0 for job in jobs)


def test_a_device_that_does_not_start_is_quarantined_while_another_works(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(devices="cpu,cuda:63")
    worker = fleet.worker()
    wait_until(lambda: any(slot.message.startswith("quarantined") for slot in worker.slots), 3 * START, "the quarantine")
    hot, failed = sorted(worker.hot(), key=lambda slot: slot.id) + [slot for slot in worker.slots if slot.state == "failed"]
    assert (hot.state, hot.device) == ("hot", "cpu")
    assert failed.id.endswith("/1")
    assert "there is no device cuda:63 here" in failed.message
    wait_until(lambda: any(slot.pid != failed.pid for slot in worker.slots if slot.id == failed.id), START, "the next process")
    assert [slot.message for slot in worker.slots if slot.id == failed.id] == [failed.message]  # it is shown, and left alone
    assert fleet.ended(fleet.submit("The other one speaks.")).state is State.SUCCEEDED
    assert worker.end() == 0
