"""How soon does a receiver hear of a job's end?

    python benchmarks/webhooks.py [JOBS [HOURS]]

JOBS (default 500) one-sentence jobs through the sine engine, submitted over HTTP by 8 clients at once, each with a webhook to a receiver in
a process of its own on loopback, which verifies every signature. Measured is finished → received: from the job's `finished_at` (the Redis
clock, this machine's) to the moment when the receiver has the body. Marks: p50 ≤ 50 ms, p95 ≤ 200 ms, every event once under one id.
With HOURS a book of that length is being assembled all the while: few sentences many times, so that speaking it takes no time, in an order
drawn by lot, so that no part of it is like another.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from stage import median, percentile, report, service

from loa.client import Client
from loa.webhooks.signature import new_secret, parse_secrets, verify

CLIENTS = 8
BOOK_SENTENCE = "A long freight train passed crossing number {} while the children waited for their fathers, and nobody said a word."
BOOK_SENTENCES = 200  # that differ
BOOK_FORMAT = "mp3"
PATIENCE = 60.0  # seconds for the last webhook


def receive(secret: str, told: Connection) -> None:
    """The receiver's process: sends its port, then every message as (webhook-id, job, when its body was there)."""
    secrets = parse_secrets(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            at = time.time()
            verify(secrets, dict(self.headers), body)
            self.send_response(204)
            self.end_headers()
            told.send((self.headers["webhook-id"], json.loads(body)["data"]["id"], at))

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        told.send(server.server_port)
        server.serve_forever()


def begin_assembly(client: Client, hours: float) -> str:
    """The id of a book of so many hours that is being assembled."""
    sentences = [BOOK_SENTENCE.format(number) for number in range(BOOK_SENTENCES)]
    length = client.wait(client.submit(sentences[0], voice="sine")["id"], timeout=60)["result"]["duration_seconds"]
    text = "\n\n".join(random.Random(0).choices(sentences, k=round(hours * 3600 / length)))
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        file = Path(folder, "book.txt")
        file.write_text(text)
        book = client.submit_file(file, voice="sine", format=BOOK_FORMAT)["id"]
    while (state := client.get(book)["state"]) != "assembling":
        assert state in ("queued", "planning", "speaking"), state
        time.sleep(0.5)
    return book


def submit_all(client: Client, url: str, jobs: int) -> dict[str, float]:
    """Job → when it was finished."""

    def run(index: int) -> tuple[str, float]:
        job = client.submit(f"Sentence number {index}.", voice="sine", webhook={"url": url})
        ended = client.wait(job["id"], timeout=300)
        assert ended["state"] == "succeeded", ended
        return job["id"], datetime.fromisoformat(ended["finished_at"]).timestamp()

    with ThreadPoolExecutor(CLIENTS) as pool:
        return dict(pool.map(run, range(jobs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("jobs", type=int, nargs="?", default=500)
    parser.add_argument("hours", type=float, nargs="?", default=0.0, help="of the book that is assembled all the while")
    wanted = parser.parse_args()
    secret = new_secret().text
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=receive, args=(secret, theirs), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{ours.recv()}/"
    received: list[tuple[str, str, float]] = []
    with service(engines="sine", webhook_allow="127.0.0.1", webhook_secrets=secret) as (_, client):
        book = begin_assembly(client, wanted.hours) if wanted.hours else None
        began = time.perf_counter()
        finished = submit_all(client, url, wanted.jobs)
        took = time.perf_counter() - began
        assembling = client.get(book)["state"] == "assembling" if book else None
        deadline = time.monotonic() + PATIENCE
        while {job for _, job, _ in received} != set(finished) and ours.poll(deadline - time.monotonic()):
            received.append(ours.recv())
    process.terminate()
    seconds = [at - finished[job] for _, job, at in received]
    report(
        "webhooks",
        {
            "jobs": wanted.jobs,
            "book_hours": wanted.hours,
            "book_assembled_all_the_while": assembling,
            "jobs_per_second": round(wanted.jobs / took, 1),
            "received": len(received),
            "events": len({message for message, _, _ in received}),
            "finished_to_received_p50_ms": round(median(seconds) * 1000, 1),
            "finished_to_received_p95_ms": round(percentile(seconds, 0.95) * 1000, 1),
            "finished_to_received_max_ms": round(max(seconds) * 1000, 1),
        },
    )


if __name__ == "__main__":
    main()
