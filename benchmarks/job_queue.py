"""How many jobs go through the queue, and does its length matter?

    python benchmarks/job_queue.py [JOBS [LONG]]

First, JOBS (default 1,000) one-sentence jobs through the sine engine, submitted over HTTP by 8 clients at once: jobs a second, the p95 of
submit → finished, and none lost. Then LONG (default 100,000) jobs wait in the store: the time of a claim of 64 beside the same at 1,000
waiting (the floor of the ratio is 1), and the share of wake-ups that found nothing to do while one worker speaks for 20 s (mark: ≤ 1 %).
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import redis
from stage import median, percentile, report, service

from loa.client import Client
from loa.jobs import Order, new_job_id
from loa.keys import speak
from loa.plan import Segment
from loa.stack import Stack
from loa.store import Batch, Slot, Store

CLIENTS = 8
SPEAK = speak("sine")
SPEAKING_SECONDS = 20.0


def through_http(client: Client, jobs: int) -> dict[str, float | int]:
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(lambda index: client.submit(f"Sentence number {index}.", voice="sine")["id"], range(jobs)))
    submitted = time.perf_counter() - began
    with ThreadPoolExecutor(CLIENTS) as pool:
        ended = list(pool.map(lambda job_id: client.wait(job_id, timeout=300), ids))
    seconds = time.perf_counter() - began
    latencies = [job["timings"]["total_seconds"] for job in ended]
    return {
        "jobs": jobs,
        "succeeded": sum(job["state"] == "succeeded" for job in ended),
        "jobs_per_second": round(jobs / seconds, 1),
        "submits_per_second": round(jobs / submitted, 1),
        "latency_p50_ms": round(median(latencies) * 1000, 1),
        "latency_p95_ms": round(percentile(latencies, 0.95) * 1000, 1),
    }


def order(index: int) -> Order:
    segment = Segment(index=0, text=f"Sentence number {index}.", address=secrets.token_hex(32), audio_seconds=1.6)
    return Order(
        id=new_job_id(), voice="sine", fingerprint="0" * 64, engine="sine", characters=20, lane="bulk", segment=segment, estimate=1.6
    )


def claim_times(stack: Stack, long: int) -> dict[str, float]:
    """Median ms of a claim of 64 with 1,000 and with `long` jobs waiting, on keys of its own."""
    store = Store(redis.Redis.from_url(stack.settings.redis_url, decode_responses=True), stack.settings, prefix="benchmark:")
    slot = Slot(id="bench/0", state="hot", queues=(SPEAK,), pid=1, host="here", device="cpu", device_uuid="cpu")
    waiting, times = 0, {}
    for length in (1_000, long):
        while waiting < length:
            store.jobs.submit(order(waiting), deadline=2**53)
            waiting += 1
        samples = []
        for _ in range(9):
            store.slots.announce(slot)
            began = time.perf_counter()
            batch = store.claims.claim(SPEAK, slot.id, most=64, seconds=1e6, rate=1.0)
            samples.append(time.perf_counter() - began)
            assert isinstance(batch, Batch)
            assert len(batch.items) == 64
            store.claims.hand_back(batch.claim, batch.items)
        times[length] = median(samples) * 1000
    client = store.database.client
    for name in client.scan_iter("benchmark:*", count=5000):
        client.unlink(name)
    return {
        "claim_ms_at_1000": round(times[1_000], 2),
        "claim_ms_at_long": round(times[long], 2),
        "claim_ratio": round(times[long] / times[1_000], 3),
        "long": long,
    }


def idle_wakes(stack: Stack, client: Client, long: int) -> dict[str, float | int]:
    """With `long` jobs waiting, the share of wake-ups that found nothing."""
    voice = client.voice("sine")
    store = Store(redis.Redis.from_url(stack.settings.redis_url, decode_responses=True), stack.settings)
    before = store.slots.backlog()[SPEAK]
    template = store.jobs.get(client.submit("Which fingerprint is it?", voice=voice["name"], wait=30)["id"])
    done = threading.Event()

    def feed() -> None:
        for index in range(long):
            if done.is_set():
                return
            one = order(index)
            store.jobs.submit(Order(**{**one.__dict__, "fingerprint": template.fingerprint}), deadline=2**53)

    feeder = threading.Thread(target=feed)
    feeder.start()
    feeder.join()
    until = time.monotonic() + SPEAKING_SECONDS
    while time.monotonic() < until:
        client.workers()
        time.sleep(0.5)
    done.set()
    after = store.slots.backlog()[SPEAK]
    wakes, idle = after["wakes"] - before["wakes"], after["idle_wakes"] - before["idle_wakes"]
    return {"wakes": wakes, "idle_wakes": idle, "idle_share": round(idle / max(1, wakes), 4), "still_waiting": after["ready_segments"]}


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    long = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with service(engines="sine", task_seconds=2.0) as (stack, client):
        figures = through_http(client, jobs) | claim_times(stack, long) | idle_wakes(stack, client, long)
    report("queue", figures)


if __name__ == "__main__":
    main()
