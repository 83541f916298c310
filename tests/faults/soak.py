"""Half an hour of random faults on a whole service under constant submission; then its history is checked.

    make soak MINUTES=30                                 # or: python -m tests.faults.soak --minutes 30 --seed 1

`loa up`'s supervisor runs Redis, API, workers and the deliverer of webhooks. Clients submit sentences and long texts and cancel some.
Meanwhile processes are killed and frozen, Redis too, the disk is full, the receiver of the webhooks fails: which, when and for how long is
drawn by the seed (what it meets is not, so two runs differ). At the end everything is left in peace, must come to its end, and no promise
may be broken. The exit code says whether; the last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loa.artifacts import Artifacts
from loa.client import Client
from loa.errors import LoaError
from loa.settings import Settings
from loa.stack import Stack
from loa.store import Store
from tests.faults.chaos import Chaos, wake_everything
from tests.faults.history import SERVED, History
from tests.faults.receiver import Receiver
from tests.faults.rows import table
from tests.faults.traffic import Traffic, percentile
from tests.faults.witness import endings, jobs, records
from tests.waiting import wait_until

VOICES = Path(__file__).parents[1] / "voices"
SENTENCES, BOOKS, CANCELS = 4.0, 0.2, 0.5  # a second
BOOK = 60  # sentences of a long text
PAUSE = (0.5, 4.0)  # seconds between two faults
RECEIVER_FAILS = 0.1  # of all attempts
PEACE = 300.0  # seconds that everything may take to end once the faults are over
# Seconds between attempts of a delivery: the real ones take days. Long enough for a receiver that is down three times in a row.
SCHEDULE = "0 1 2 4" + 16 * " 8"
EXPECTED = {"synthesis_failed", "storage_full", "worker_lost"}  # why jobs may fail: they ask for it, the disk is full, too many kills
EVERY = 10.0  # seconds between reports of how it goes
ENVIRONMENT = {"LOA_SINE_FAULTS": "1", "LOA_SINE_SECONDS": "0.05"}
NAMES = {field.name for field in dataclasses.fields(Settings)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="file for everything that the service says")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="loa-soak-") as folder:
        soak = Soak(Path(folder), options.seed, options.log)
        soak.run(60 * options.minutes)
        return soak.report(options.minutes)


class Soak:
    def __init__(self, folder: Path, seed: int, log: Path | None) -> None:
        self.seed, self.history = seed, History()
        self.receiver = Receiver(seed, fails=RECEIVER_FAILS)
        self._folder, self._log = folder, log
        self._random = random.Random(seed)
        self.tells = "webhook_allow" in NAMES
        self.chaos: Chaos
        self.peace = 0.0  # seconds that everything took to end after the faults
        self.canceled = 0
        self.failures: Counter[str] = Counter()  # jobs by the code of their error

    def run(self, seconds: float) -> None:
        with ExitStack() as scene:
            stack = scene.enter_context(self._service())
            heard = scene.enter_context(endings(stack.settings))
            store = Store.for_worker(stack.settings, lambda *_: None)
            self.chaos = Chaos(self._folder, self.receiver, lambda: len(heard.events), self.seed)
            clients = [
                Traffic(stack.url, self.history.answers, a_second=SENTENCES / 2, body=self._sentence, name="once"),
                Traffic(stack.url, self.history.answers, a_second=SENTENCES / 2, body=self._sentence, name="again", again=True),
                Traffic(stack.url, self.history.answers, a_second=BOOKS, body=self._book, name="book", again=True),
            ]
            stopped = threading.Event()
            helpers = [
                threading.Thread(target=self._cancel, args=(stack.url, stopped), daemon=True),
                threading.Thread(target=self._tell, args=(seconds, stopped), daemon=True),
            ]
            for thread in (*clients, *helpers):
                thread.start()
            try:
                self.chaos.run(seconds, PAUSE)
            finally:
                stopped.set()
                wake_everything()
                for client in clients:
                    client.stop()
            self._await_peace(store)
            self.chaos.stopped.set()
            self.failures = Counter(job.error["code"] for job in jobs(store) if job.error)
            self.history.records = records(store, Artifacts(stack.settings.artifacts))
            self.history.events = self.receiver.events if self.tells else heard.events

    def _await_peace(self, store: Store) -> None:
        """Wait until every job has ended and every end was told; what is not by then, the check will find."""
        began = time.monotonic()
        with suppress(AssertionError):
            wait_until(lambda: all(job.ended for job in jobs(store)), PEACE)
            self.peace = time.monotonic() - began
            if self.tells:
                wait_until(lambda: {job.id for job in jobs(store)} <= {event.job_id for event in self.receiver.events}, PEACE)

    @contextmanager
    def _service(self) -> Iterator[Stack]:
        values: dict[str, Any] = {
            "data_dir": str(self._folder),
            "port": 0,
            "voices": str(VOICES),
            "engines": "sine",
            "processes": 2,
            "threads": 1,
        }
        if self.tells:
            self.receiver.start()
            values |= {"webhook_allow": self.receiver.address, "webhook_schedule": SCHEDULE}
        output = self._log.open("w") if self._log else None
        settings = Settings.load({}, **{name: value for name, value in values.items() if name in NAMES})
        say = (
            (lambda part, line: print(f"{time.strftime('%H:%M:%S')} {part:>7} | {line}", file=output, flush=True))
            if output
            else (lambda *_: None)
        )
        try:
            with Stack(settings, output=say) as stack:
                stack.wait_until_ready(seconds=120.0)
                yield stack
        finally:
            if output:
                output.close()
            if self.tells:
                self.receiver.stop()

    # --- clients

    def _sentence(self, number: int) -> dict[str, Any]:
        fault = " [[raise]]" if self._random.random() < 0.02 else ""
        return self._asked(f"This is sentence number {number}, spoken once{fault} for client {self._random.randrange(10**6)}.")

    def _book(self, number: int) -> dict[str, Any]:
        return self._asked(
            " ".join(f"This is sentence {index} of the long text number {number}, and it has its own words." for index in range(BOOK))
        )

    def _asked(self, text: str) -> dict[str, Any]:
        return {"input": text, "voice": "sine", **({"webhook": {"url": self.receiver.url}} if self.tells else {})}

    def _cancel(self, url: str, stopped: threading.Event) -> None:
        client, draw = Client(url, patience=0), random.Random(self.seed + 1)
        while not stopped.wait(1 / CANCELS):
            accepted = [answer.job_id for answer in self.history.answers[-20:] if answer.status in SERVED]
            try:
                if accepted:
                    client.cancel(draw.choice(accepted))
                    self.canceled += 1
            except LoaError:
                continue  # it is away just now

    def _tell(self, seconds: float, stopped: threading.Event) -> None:
        began = time.monotonic()
        while not stopped.wait(EVERY):
            counts = Counter(answer.status for answer in list(self.history.answers))
            faults = sum(tally.injected for tally in self.chaos.tallies.values())
            print(
                f"{time.monotonic() - began:6.0f} of {seconds:.0f} s: {faults} faults; answers {dict(counts)}", file=sys.stderr, flush=True
            )

    # --- what came of it

    def report(self, minutes: float) -> int:
        """Print the tables; returns the exit code."""
        counts, violations = self.history.counts(), self.history.check(events_complete=self.tells)
        by_kind = Counter(violation.kind.name for violation in violations)
        seconds = [answer.seconds for answer in self.history.answers]
        unexpected = set(self.failures) - EXPECTED
        whole = counts["accepted"] == counts["succeeded"] + counts["failed"] + counts["canceled"]
        met = whole and not violations and not unexpected
        tallies = sorted(self.chaos.tallies.items())
        print(
            table(
                [(name, str(tally.injected), f"{max(tally.recoveries, default=0.0):.1f} s") for name, tally in tallies],
                headings=("fault", "injected", "worst recovery"),
            )
        )
        print()
        print(table([(name, str(count)) for name, count in counts.items()], headings=("history", "")))
        for violation in violations[:20]:
            print(f"{violation.kind.name}: {violation.kind}: {violation.what}")
        print("failed: " + (", ".join(f"{count} {code}" for code, count in self.failures.most_common()) or "none"))
        print(f"accepted = succeeded + failed + canceled: {'yes' if whole else 'NO'}; broken promises: {len(violations)}")
        figures = {
            "soak": "met" if met else "MISSED",
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "minutes": minutes,
            "seed": self.seed,
            "faults": {
                name: {"injected": tally.injected, "worst_recovery_s": round(max(tally.recoveries, default=0.0), 2)}
                for name, tally in tallies
            },
            "history": counts,
            "failures": dict(self.failures),
            "violations": dict(by_kind),
            "answer_p99_s": round(percentile(seconds, 0.99), 3),
            "answer_longest_s": round(max(seconds), 3),
            "cancels": self.canceled,
            "webhook_attempts": self.receiver.attempts,
            "peace_s": round(self.peace, 1),
        }
        print(json.dumps(figures))
        return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
