"""A process takes no task before it can do it, and a worker that cannot start says why and ends."""

from __future__ import annotations

from collections.abc import Callable

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


def test_a_broken_common_voice_is_a_failed_start(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet(preload="ghost", start_limit=30.0)
    worker = fleet.worker()
    assert worker.process.wait(3 * START) != 0
    assert "LOA_PRELOAD names the voice 'ghost', which does not exist" in worker.log


def test_without_warmth_every_job_pays_for_its_voice(make_fleet: Callable[..., Fleet]) -> None:
    """LOA_WARM=false is the service as it would be without hot workers: it measures what they are worth."""
    fleet = make_fleet(warm=False)
    (slot,) = fleet.worker().hot()
    assert slot.voices == ()
    assert list(slot.steps) == ["pin", "load sine"]
    jobs = [fleet.ended(fleet.submit(f"This is number {number}.")) for number in range(3)]
    assert all(job.setup_seconds > 0 for job in jobs)


def test_an_exception_fails_its_own_job_only(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    job_ids = [fleet.submit("One."), fleet.submit("Two [[raise]] two."), fleet.submit("?! 3"), fleet.submit("Four.")]
    fleet.worker().hot()
    jobs = fleet.all_ended(job_ids)
    assert [job.error["code"] if job.error else None for job in jobs] == [None, "synthesis_failed", None, None]
    assert "[[raise]]" in jobs[1].error["message"]
