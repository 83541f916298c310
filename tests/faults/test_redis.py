"""Redis dies, stays away or freezes while clients submit and workers speak."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loa.keys import speak
from tests.api.stage import serve
from tests.faults.history import SERVED, History
from tests.faults.orphans import texts
from tests.faults.rows import Row, sized
from tests.faults.traffic import Traffic, percentile
from tests.faults.witness import endings, records
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

P99, LONGEST = 3.0, 6.0  # seconds for an answer while Redis is away
AWAY = sized(2.0, 30.0)  # seconds
PACE = 20.0  # submissions a second


@dataclass
class Scene:
    """A fleet at work, an API, and clients."""

    fleet: Fleet
    history: History
    traffic: Traffic

    @property
    def accepted(self) -> int:
        return sum(answer.status in SERVED for answer in list(self.history.answers))

    @property
    def wakes(self) -> int:
        """Messages that reached a process so far."""
        return int(self.fleet.store.slots.backlog()[speak("sine")]["wakes"])

    def send(self, submissions: float) -> None:
        """Wait until clients have sent so many more."""
        goal = self.traffic.sent + submissions
        wait_until(lambda: self.traffic.sent >= goal, 10 + 2 * submissions / PACE, "submissions")

    def consume(self, row: Row) -> None:
        """Redis is back: wait until a message is taken, and clients are served."""
        up, wakes, accepted = time.monotonic(), self.wakes, self.accepted
        wait_until(lambda: self.wakes > wakes, START, "a message to be taken")
        row.recovered(time.monotonic() - up)
        wait_until(lambda: self.accepted > accepted, START, "a submission to be accepted")
        self.send(PACE)


def ask(number: int) -> dict[str, str]:
    return {"voice": "sine", "input": f"This is submission number {number}."}


@contextmanager
def scene(make_fleet: Callable[..., Fleet], row: Row) -> Iterator[Scene]:
    """At the end everything accepted has to end, and the history is judged."""
    fleet = make_fleet(lease=10.0, beat=3.0, reconcile=1.0)
    fleet.worker("speak", LOA_PROCESSES="2", LOA_SINE_SECONDS="0.02").hot(2)
    history = History()
    with serve(fleet.settings) as served, endings(fleet.settings) as heard:
        body = {"voice": "sine"}
        traffic = Traffic(
            f"http://{served.host}:{served.port}",
            history.answers,
            a_second=PACE,
            body=lambda n: {**body, "input": f"Submission number {n}."},
        )
        on_stage = Scene(fleet, history, traffic)
        traffic.start()
        wait_until(lambda: on_stage.accepted > 5, START, "the first answers")
        yield on_stage
        traffic.stop()
        fleet.all_ended([job_id for job_id in history.accepted.values() if job_id], 2 * START)
        history.records, history.events = records(fleet.store, fleet.artifacts), heard.events
    violations = history.check(events_complete=False)  # some ends are told while nobody can hear
    assert not violations, violations[:5]
    counts = history.counts()
    row.lost = counts["accepted"] - counts["succeeded"]
    row.mark += f"; saw {counts['accepted']} accepted, {counts['refused']} refused"


def test_restarts(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    times = sized(2, 10)
    row = fault_row(
        f"Redis SIGKILL + AOF restart, {times} times mid-flight", "no accepted job lost; consuming ≤ 10 s after Redis is up", within=10.0
    )
    with scene(make_fleet, row) as on_stage:
        for _ in range(times):
            wait_until(lambda: on_stage.fleet.redis.zcard(on_stage.fleet.keys.claims()), what="work under way")
            on_stage.fleet.kill_redis()
            row.injected += 1
            on_stage.fleet.broker.restart()
            on_stage.consume(row)
    row.check()


def test_away(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    row = fault_row(
        f"Redis down {AWAY:g} s at {PACE:g} submissions/s", "only 202, or 503 with Retry-After; p99 ≤ 3 s; every 202 ends", within=10.0
    )
    with scene(make_fleet, row) as on_stage:
        on_stage.fleet.kill_redis()
        row.injected = 1
        on_stage.send(AWAY * PACE)
        on_stage.fleet.broker.restart()
        on_stage.consume(row)
    check_answers(row, on_stage.history)
    row.check()


def test_frozen(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    row = fault_row(
        f"Redis SIGSTOP {AWAY:g} s at {PACE:g} submissions/s",
        "only 202, or 503 with Retry-After; p99 ≤ 3 s, none over 6 s; every 202 ends; nothing runs twice",
        within=10.0,
    )
    with scene(make_fleet, row) as on_stage:
        assert on_stage.fleet.broker.pid is not None
        os.kill(on_stage.fleet.broker.pid, signal.SIGSTOP)
        row.injected = 1
        try:
            on_stage.send(AWAY * PACE)
        finally:
            os.kill(on_stage.fleet.broker.pid, signal.SIGCONT)
        on_stage.consume(row)
    check_answers(row, on_stage.history)
    row.duplicated = sum(count - 1 for count in Counter(texts(on_stage.fleet)).values())
    row.check()


def check_answers(row: Row, history: History) -> None:
    seconds = [answer.seconds for answer in history.answers]
    p99 = percentile(seconds, 0.99)
    row.mark += f"; p99 {p99:.1f} s, longest {max(seconds):.1f} s"
    assert None not in {answer.status for answer in history.answers}
    assert p99 <= P99
    assert max(seconds) <= LONGEST
