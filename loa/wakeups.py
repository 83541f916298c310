"""Wake-ups: the messages that make a worker look into the store. All work is in the store, none in a message; the names are shared here."""

from __future__ import annotations

from loa.settings import Settings

LEAST_EXPIRY = 60.0  # seconds; the clocks of API and worker machines may differ by that much


def task_name(queue: str) -> str:
    """The Celery task that a message in `queue` calls, its one argument the token: `speak.vits` → `loa.speak`, `plan` → `loa.plan`."""
    return f"loa.{queue.partition('.')[0]}"


def expiry(settings: Settings) -> float:
    """Seconds after which nobody needs a message any more: by then its token was replaced many times over."""
    return max(LEAST_EXPIRY, 10 * settings.token)
