"""Deliveries as values: what the store knows of one, and the JSON that people read."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loa.instants import instant, iso
from loa.urls import shown
from loa.webhooks.states import DeliveryState, Reason

DELIVERY_ID = re.compile(r"dlv_[0-9a-f]{24}")


def new_delivery_id() -> str:
    """For a test; the id of any other delivery derives from its job, event and endpoint."""
    return f"dlv_{secrets.token_hex(12)}"


def new_message_id() -> str:
    """For a test; the webhook-id of any other delivery derives from its job and event."""
    return f"msg_{secrets.token_hex(12)}"


def is_delivery_id(text: str) -> bool:
    return DELIVERY_ID.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A receiver, as its deliveries know it. Instants are seconds since the epoch."""

    id: str
    url: str
    failing_since: float | None = None  # it took nothing since then
    disabled_at: float | None = None
    reason: Reason | None = None  # why it is disabled

    @classmethod
    def from_record(cls, endpoint_id: str, record: Mapping[str, str]) -> Endpoint:
        return cls(
            id=endpoint_id,
            url=record.get("url", ""),
            failing_since=instant(record, "failing"),
            disabled_at=instant(record, "disabled"),
            reason=Reason(record["reason"]) if record.get("reason") else None,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "url": shown(self.url),
            "disabled": self.disabled_at is not None,
            "disabled_at": iso(self.disabled_at),
            "reason": self.reason.value if self.reason else None,
            "failing_since": iso(self.failing_since),
        }


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: str
    owner: str
    message: str  # the webhook-id, the same for every attempt, every replay and every endpoint
    event: str
    job_id: str | None  # None: a test
    endpoint: Endpoint
    state: DeliveryState
    reason: Reason | None  # why it is dead
    created: float
    due: float | None  # the next attempt, where there is one to come
    attempts_total: int
    attempts: tuple[dict[str, Any], ...]  # the last of them, oldest first, as `attempt_record` made them

    @classmethod
    def from_record(cls, record: Mapping[str, str], endpoint: Mapping[str, str]) -> Delivery:
        total = int(record.get("attempts", 0))
        kept = (record.get(f"attempt:{number}") for number in range(1, total + 1))
        state = DeliveryState(record["state"])
        return cls(
            id=record["id"],
            owner=record["owner"],
            message=record["message"],
            event=record["event"],
            job_id=record.get("job") or None,
            endpoint=Endpoint.from_record(record["endpoint"], endpoint),
            state=state,
            reason=Reason(record["reason"]) if record.get("reason") else None,
            created=int(record["created"]) / 1000,
            due=instant(record, "due") if state is DeliveryState.PENDING else None,
            attempts_total=total,
            attempts=tuple(json.loads(attempt) for attempt in kept if attempt),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON that clients read; the fields are documented in the OpenAPI schema of the API."""
        return {
            "id": self.id,
            "webhook_id": self.message,
            "event": self.event,
            "job": self.job_id,
            "state": self.state.value,
            "reason": self.reason.value if self.reason else None,
            "endpoint": self.endpoint.to_json(),
            "created_at": iso(self.created),
            "next_attempt_at": iso(self.due),
            "attempts_total": self.attempts_total,
            "attempts": [{**attempt, "at": iso(attempt["at"])} for attempt in self.attempts],
        }
