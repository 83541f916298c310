"""Ten times what the service can do: does it stay quick, say no politely, keep every promise, and keep its memory?

    python benchmarks/load.py [MINUTES]      # default 5

The sine engine speaks, each segment taking SECONDS of a device that is not there, so that the load falls on the queue and not on synthesis.
First the capacity is measured: how many one-sentence jobs a second come out while more wait than the workers can take. Then clients submit
ten times as many for MINUTES, at a steady pace whatever the answers are. Marks: only 202, 429
and 503; every 202 ends; the p99 of accepted submissions ≤ 50 ms (what the client sees, connection included; what an idle
server takes is printed beside it); memory of API and workers flat: the slope of each process's RSS over the second half, in MB a minute
(mark: ≤ 1; Redis keeps a record of every job, so it grows and is only shown). The last line is JSON.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
from stage import percentile, report, service

sys.path.insert(0, str(Path(__file__).parents[1]))

from loa.client import Client
from loa.jobs import DEFAULT_OWNER
from loa.keys import Keys
from loa.stack import Stack
from loa.states import TERMINAL
from tests.faults.history import SERVED, Answer
from tests.faults.traffic import Traffic

SECONDS = 0.25  # that the sine engine takes for each segment: about 4 jobs a second from one process
TIMES = 10  # the capacity
CAPACITY_JOBS = 60
BACKLOG = 60.0  # seconds of audio that may wait in all: some seconds of work, so that limits are met at once
LOOKS = 1.0  # seconds between two looks at the memory
WARM = 0.5  # share of the time after which memory counts: caches and pools fill up first
P99_MS, SLOPE_MB = 50.0, 1.0  # marks
SETTLE = 120.0  # seconds that the last jobs may take to end


def body(number: int) -> dict[str, str]:
    return {"input": f"This is the sentence with the number {number}, of {os.getpid()}.", "voice": "sine"}


@dataclass
class Memory:
    """RSS of every process of a service over time."""

    seen: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # name → (seconds, MB)

    def look(self, seconds: float) -> None:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if name := _name(process):
                    self.seen.setdefault(name, []).append((seconds, process.memory_info().rss / 1e6))

    def slopes(self, since: float) -> dict[str, float]:
        """MB a minute."""
        found = {}
        for name, points in self.seen.items():
            late = [(seconds / 60, mb) for seconds, mb in points if seconds >= since]
            if len(late) > 2:
                found[name] = round(statistics.linear_regression(*zip(*late, strict=True)).slope, 2)
        return found


def _name(process: psutil.Process) -> str:
    """`api`, `speak`, `speak child`, …; "" for what only waits for others to end."""
    words = process.cmdline()
    if "semaphore_tracker" in " ".join(words):
        return ""
    if any("spawn_main" in word for word in words):
        parent = process.parent()
        return f"{parent.cmdline()[-1] if parent else '?'} child"
    return "redis" if any("redis" in word or "valkey" in word for word in words[:1]) else words[-1]


def drained(client: redis.Redis, seconds: float) -> float:
    """Wait until every job has ended; the seconds that took."""
    keys, began = Keys(), time.monotonic()
    while time.monotonic() - began < seconds:
        ended = sum(client.zcard(keys.jobs(DEFAULT_OWNER, state.value)) for state in TERMINAL)
        if ended == client.zcard(keys.jobs(DEFAULT_OWNER, "all")):
            return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit(f"not every job ended within {seconds:.0f} s")


def capacity(client: Client, server: redis.Redis) -> float:
    """Jobs a second, with more waiting than can be taken."""
    keys = Keys()
    for number in range(CAPACITY_JOBS // 3):
        client.submit(body(-number - 1)["input"], voice="sine")
    before, began = server.zcard(keys.jobs(DEFAULT_OWNER, "succeeded")), time.monotonic()
    drained(server, SETTLE)
    return (server.zcard(keys.jobs(DEFAULT_OWNER, "succeeded")) - before) / (time.monotonic() - began)


def idle_ms(stack: Stack) -> float:
    """The median of a submission to a server that has nothing else to do."""
    answers: list[Answer] = []
    traffic = Traffic(stack.url, answers, a_second=5.0, body=body, name="idle")
    traffic.start()
    while len(answers) < 15:
        time.sleep(0.1)
    traffic.stop()
    return 1000 * statistics.median(answer.seconds for answer in answers)


def overload(stack: Stack, rate: float, seconds: float, memory: Memory) -> list[Answer]:
    answers: list[Answer] = []
    traffic = Traffic(stack.url, answers, a_second=rate, body=body, name="load")
    traffic.start()
    began, told = time.monotonic(), threading.Event()
    while (passed := time.monotonic() - began) < seconds:
        memory.look(passed)
        told.wait(LOOKS)
    traffic.stop()
    if traffic.skipped:
        print(f"{traffic.skipped} submissions were not sent: every client was waiting for an answer")
    return answers


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    os.environ["LOA_SINE_SECONDS"] = str(SECONDS)
    with service(engines="sine", backlog=BACKLOG, backlog_key=BACKLOG, requests_per_minute=0) as (stack, client):
        server = redis.Redis.from_url(stack.settings.redis_url, decode_responses=True)
        idle = idle_ms(stack)
        drained(server, SETTLE)
        rate = capacity(client, server)
        print(
            f"capacity: {rate:.1f} jobs a second; an idle submission takes {idle:.1f} ms; now {TIMES} × that for {minutes:g} minutes",
            flush=True,
        )
        memory = Memory()
        answers = overload(stack, TIMES * rate, 60 * minutes, memory)
        settled = drained(server, SETTLE)
        states = {state.value: server.zcard(Keys().jobs(DEFAULT_OWNER, state.value)) for state in TERMINAL}
    slopes = memory.slopes(WARM * 60 * minutes)
    accepted = sorted(answer.seconds for answer in answers if answer.status in SERVED)
    refused = sorted(answer.seconds for answer in answers if answer.status in (429, 503))
    statuses = Counter(str(answer.status) for answer in answers)
    figures = {
        "minutes": minutes,
        "capacity_jobs_per_second": round(rate, 1),
        "offered_per_second": round(len(answers) / (60 * minutes), 1),
        "answers": dict(statuses),
        "without_retry_after": sum(answer.status in (429, 503) and not answer.retry_after for answer in answers),
        "states": states,
        "idle_ms": round(idle, 1),
        "accepted_p50_ms": round(1000 * percentile(accepted, 0.5), 1),
        "accepted_p99_ms": round(1000 * percentile(accepted, 0.99), 1),
        "refused_p99_ms": round(1000 * percentile(refused, 0.99), 1) if refused else None,
        "settled_seconds": round(settled, 1),
        "rss_slope_mb_per_minute": slopes,
        "rss_mb": {name: [round(mb) for _, mb in points[:: max(1, len(points) // 6)]] for name, points in memory.seen.items()},
    }
    met = {
        "answers": set(statuses) <= {"202", "429", "503"} and figures["without_retry_after"] == 0,
        "p99": figures["accepted_p99_ms"] <= P99_MS,
        "memory": all(slope <= SLOPE_MB for name, slope in slopes.items() if name != "redis"),
    }
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print("marks: " + ", ".join(f"{name} {'met' if ok else 'MISSED'}" for name, ok in met.items()))
    report("load", figures | {"met": met})


if __name__ == "__main__":
    main()
