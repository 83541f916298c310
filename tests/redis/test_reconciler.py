"""The reconciler's thread: it ticks, it survives what a tick raises, and it ends when told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loa.errors import StoreUnavailable
from loa.reconciler import Reconciler
from loa.store import Reconciled
from tests.waiting import wait_until


class Ticks:
    """Slots whose reconcile does what the test says, tick by tick."""

    def __init__(self, *steps: Callable[[], Reconciled]) -> None:
        self.steps, self.done = list(steps), 0

    def reconcile(self) -> Reconciled:
        self.done += 1
        return self.steps.pop(0)() if self.steps else Reconciled(ran=False)


def away() -> Reconciled:
    raise StoreUnavailable("Redis does not answer")


def defect() -> Reconciled:
    raise RuntimeError("a defect")


def lost() -> Reconciled:
    return Reconciled(ran=True, expired=2, ready=3, failed=1)


def run(ticks: Ticks, count: int) -> None:
    reconciler = Reconciler(ticks, 0.01)  # type: ignore[arg-type]
    reconciler.start()
    wait_until(lambda: ticks.done >= count, 10)
    reconciler.stop()
    assert not reconciler.is_alive()


def test_it_says_what_it_found(caplog: pytest.LogCaptureFixture) -> None:
    run(Ticks(lost), 3)
    assert "2 leases ended: 3 items ready again, 1 jobs failed" in caplog.text


def test_it_goes_on_after_redis_was_away_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="loa")
    run(Ticks(away, away, away), 5)
    assert caplog.text.count("reconciling pauses") == 1
    assert caplog.text.count("reconciling goes on") == 1


def test_it_goes_on_after_a_defect(caplog: pytest.LogCaptureFixture) -> None:
    run(Ticks(defect, lost), 3)
    assert "a defect" in caplog.text
    assert "2 leases ended" in caplog.text


def test_stopping_before_the_start_is_no_error() -> None:
    Reconciler(Ticks(), 1.0).stop()  # type: ignore[arg-type]
