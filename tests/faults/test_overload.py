"""Ten times what the workers can do: polite refusals, and every promise that was made is kept. benchmarks/load.py measures it at length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from loa.settings import Settings
from tests.api.stage import serve
from tests.faults.history import BUSY, History
from tests.faults.rows import Row, sized
from tests.faults.traffic import Traffic
from tests.faults.witness import endings, records
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

SECONDS = 0.1  # for each segment, so that one process does ten a second
OFFERED = 10 / SECONDS  # submissions a second
LIMITS = {"backlog": 20.0, "backlog_key": 20.0, "requests_per_minute": 0}  # seconds of audio that may wait: about ten sentences


def ask(number: int) -> dict[str, str]:
    return {"voice": "sine", "input": f"This is submission number {number}."}


def test_ten_times_the_capacity(make_fleet: Callable[..., Fleet], fault_row: Callable[..., Row]) -> None:
    submissions = sized(150, 3000)
    row = fault_row(f"10 × capacity, {submissions:,} submissions", "429/503 with Retry-After; every 202 ends")
    known = {field.name for field in fields(Settings)}
    fleet = make_fleet(**{name: value for name, value in LIMITS.items() if name in known})
    fleet.worker("speak", LOA_SINE_SECONDS=str(SECONDS)).hot()
    history = History()
    with serve(fleet.settings) as served, endings(fleet.settings) as heard:
        traffic = Traffic(f"http://{served.host}:{served.port}", history.answers, a_second=OFFERED, body=ask)
        traffic.start()
        wait_until(lambda: traffic.sent >= submissions, START + 2 * submissions / OFFERED, "the submissions")
        traffic.stop()
        row.injected = traffic.sent
        fleet.all_ended(list(history.accepted.values()), 2 * START)
        wait_until(lambda: len(heard.events) >= len(history.accepted))
        history.records, history.events = records(fleet.store, fleet.artifacts), heard.events
    violations = history.check()
    assert not violations, violations[:5]
    counts = history.counts()
    row.lost = counts["accepted"] - counts["succeeded"]
    row.mark += f"; saw {counts['accepted']} accepted, {counts['refused']} refused"
    assert counts["accepted"] > 0
    assert counts["unanswered"] == 0
    assert not LIMITS.keys() <= known or any(answer.status in BUSY for answer in history.answers)
    row.check()
