"""Who wants to hear of a job's end: the webhook that came with the job, and the standing endpoints of the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loa.urls import shown

EVENTS = ("job.succeeded", "job.failed", "job.canceled")
TEST_EVENT = "webhook.test"  # what POST /v1/webhooks/test sends; no job wants it


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """The wish of one job."""

    url: str
    events: tuple[str, ...] = EVENTS

    @classmethod
    def of(cls, url: str, events: Iterable[str] | None = None) -> Webhook:
        """With its events in one order and each once, so that two equal wishes are equal; None: all events."""
        wanted = set(EVENTS if events is None else events)
        return cls(url=url, events=tuple(event for event in EVENTS if event in wanted))

    def record(self, owner: str) -> str:
        """As it is kept with a job of this owner; the script that ends the job reads it."""
        return json.dumps({"url": self.url, "events": self.events, "endpoint": endpoint_id(owner, self.url)}, ensure_ascii=False)

    @classmethod
    def from_record(cls, record: str) -> Webhook:
        kept = json.loads(record)
        return cls(url=kept["url"], events=tuple(kept["events"]))

    def to_json(self) -> dict[str, Any]:
        """For everybody who may see the job."""
        return {"url": shown(self.url), "events": list(self.events)}


def endpoint_id(owner: str, url: str) -> str:
    """One URL of one owner: what it answers to one owner never disables it for another."""
    return f"ep_{hashlib.sha256(f'{owner} {url}'.encode()).hexdigest()[:24]}"
