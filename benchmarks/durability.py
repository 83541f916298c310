"""What would it cost to have Redis fsync every write (`appendfsync always`) instead of having its file synced once a second?

    python benchmarks/durability.py [ROUNDS]

One service; in turns (default 5 each) its Redis runs with `no`, as it does by itself, and with `always`. A turn is 40 one-sentence jobs,
one after the other with ?wait (overhead: submit → finished, less the synthesis), then 300 submissions by 8 clients at once, canceled
afterwards (what a client waits for its 202). With `no` a machine that loses its power loses up to a second of what was accepted; a Redis
that is killed loses nothing either way, because the system has what was written. The floor of `always` is one fsync of the disk, which is
printed, for each of the five or six writes that a job waits for. Marks: overhead p50 ≤ 20 ms, p95 ≤ 40 ms; submit p99 ≤ 50 ms.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis
from stage import SENTENCES, median, percentile, report, service

from loa.client import Client

POLICIES = ("no", "always")
JOBS, SUBMISSIONS, CLIENTS = 40, 300, 8


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    overhead: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    tails: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    submits: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    with service() as (stack, client):
        server = redis.Redis.from_url(stack.settings.redis_url)
        spoken(client, "warm")
        for turn in range(rounds):
            for policy in POLICIES:
                server.config_set("appendfsync", policy)
                seconds = spoken(client, f"{policy} {turn}")
                overhead[policy].append(median(seconds))
                tails[policy].append(percentile(seconds, 0.95))
        for turn in range(rounds):
            for policy in POLICIES:
                server.config_set("appendfsync", policy)
                submits[policy].append(percentile(submitted(client, f"{policy} {turn}"), 0.99))
    p50 = {policy: round(median(values) * 1000, 1) for policy, values in overhead.items()}
    report(
        "durability",
        {
            "rounds": rounds,
            "fsync_ms": round(median([fsync() for _ in range(50)]) * 1000, 2),
            "overhead_p50_ms": p50,
            "overhead_p95_ms": {policy: round(median(values) * 1000, 1) for policy, values in tails.items()},
            "submit_p99_ms": {policy: round(median(values) * 1000, 1) for policy, values in submits.items()},
            "marks_ms": {"overhead_p50": 20, "overhead_p95": 40, "submit_p99": 50},
            "overhead_always_over_no": round(p50["always"] / p50["no"], 2),
        },
    )


def spoken(client: Client, mark: str) -> list[float]:
    """The overhead of each of JOBS sentences."""
    seconds = []
    for index in range(JOBS):
        began = time.perf_counter()
        job = client.submit(f"{SENTENCES[index % len(SENTENCES)][:-1]}, {mark} {index}.", voice="joe", wait=60)
        seconds.append(time.perf_counter() - began - job["timings"]["synthesis_seconds"])
    return seconds


def submitted(client: Client, mark: str) -> list[float]:
    """What each of SUBMISSIONS waits for its 202, CLIENTS at a time; none is spoken in the end."""

    def submit(index: int) -> tuple[str, float]:
        began = time.perf_counter()
        job = client.submit(f"Submission {mark} {index}.", voice="joe", lane="bulk")
        return job["id"], time.perf_counter() - began

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(submit, range(SUBMISSIONS)))
        list(clients.map(client.cancel, (job_id for job_id, _ in answers)))
    return [seconds for _, seconds in answers]


def fsync() -> float:
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        file.write(b"x" * 512)
        file.flush()
        began = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
