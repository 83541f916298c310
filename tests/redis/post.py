"""What the tests of deliveries share: jobs that want webhooks, and the answers of receivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loa.store import Due, Outcome
from loa.webhooks.deliveries import Delivery
from loa.webhooks.endpoints import EVENTS, Webhook
from loa.webhooks.sender import Attempt
from loa.webhooks.states import Pace
from tests.redis.ledger import Bench

URL = "https://hooks.example/loa"
OTHER_URL = "https://other.example/"
COURIER = "here-1"


@dataclass(frozen=True, kw_only=True)
class Answer(Attempt):
    """An attempt that went well, but for what is told otherwise."""

    at: float = 1_700_000_000.0
    status: int | None = 200
    seconds: float = 0.01
    answer: str = "thanks"
    error: str | None = None
    retry_after: float | None = None


OK, REFUSED, GONE = Answer(), Answer(status=500, answer="no"), Answer(status=410, answer="never again")


def end_job(bench: Bench, url: str | None = URL, events: Sequence[str] = EVENTS, **changes: object) -> str:
    """A job that is canceled at once."""
    job_id = bench.submit(webhook=Webhook.of(url, events) if url else None, **changes)
    bench.store.jobs.cancel(job_id, str(changes.get("owner", "default")))
    return job_id


def room(most: int = 100) -> dict[Pace, int]:
    """So many of each pace."""
    return dict.fromkeys(Pace, most)


def claim(bench: Bench, most: int = 100) -> list[Due]:
    return bench.store.deliveries.claim(COURIER, room(most))[0]


def attempt(bench: Bench, answer: Answer = OK) -> Outcome:
    """Attempt the one delivery that is due."""
    (due,) = claim(bench)
    return bench.store.deliveries.attempted(due, answer)


def deliveries(bench: Bench, owner: str = "default", **query: object) -> list[Delivery]:
    return bench.store.deliveries.list(owner, **query)[0]  # type: ignore[arg-type]
