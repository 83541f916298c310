"""The JSON objects of webhooks and deliveries, as pydantic models like those of schemas.py."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.contract import Schema, without_null
from loa.store.pages import CURSOR, PAGE
from loa.webhooks.addresses import LONGEST_URL
from loa.webhooks.endpoints import EVENTS, TEST_EVENT
from loa.webhooks.states import DeliveryState, Reason

_EVENTS: dict[str, Any] = {"items": {"type": "string", "enum": list(EVENTS)}}
_URL = Field(max_length=LONGEST_URL, description="http or https, of a public host or one that LOA_WEBHOOK_ALLOW lists")


class WebhookRequest(Schema):
    """Where to tell that the job has ended."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Webhook")
    url: str = _URL
    events: list[Literal["job.succeeded", "job.failed", "job.canceled"]] | None = Field(
        None, min_length=1, max_length=len(EVENTS), description="default: all of them"
    )


class WebhookJson(Schema):
    model_config = ConfigDict(extra="forbid", title="JobWebhook")
    url: str = Field(description="without its query, which may hold a secret")
    events: list[str]


class EndpointRequest(Schema):
    """Which endpoint to test."""

    model_config = ConfigDict(extra="forbid", strict=True)
    url: str = _URL


class DeliveryListing(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra=without_null)

    job: str | None = Field(None, description="only those of this job, all on one page")
    state: DeliveryState | None = Field(None, description="only those in this state; `dead` is the dead-letter list")
    limit: int = Field(20, ge=1, le=PAGE, description="deliveries a page")
    cursor: str | None = Field(None, pattern=f"^{CURSOR.pattern}$", description="`next_cursor` of the page before")


class EndpointJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Endpoint")
    id: str
    url: str = Field(description="without its query, which may hold a secret")
    disabled: bool = Field(description="true: nothing is sent to it until a delivery is replayed or a test succeeds")
    disabled_at: str | None
    reason: Reason | None = Field(description="why it is disabled: `gone` (it answered 410) or `failing` (nothing succeeded for five days)")
    failing_since: str | None = Field(description="the first failure after its last success")


class AttemptJson(Schema):
    model_config = ConfigDict(extra="forbid", title="Attempt")
    at: str
    status: int | None = Field(description="of the answer; null: there was none")
    latency_seconds: float
    answer: str = Field(description="the first 1,024 bytes")
    error: str | None = Field(description="why it failed; null: it did not")


class DeliveryJson(Schema):
    """One event on its way to one endpoint."""

    model_config = ConfigDict(extra="forbid", title="Delivery")
    id: str
    webhook_id: str = Field(description="the header webhook-id: the same in every attempt and replay, and for every endpoint")
    event: str = Field(json_schema_extra={"enum": [*EVENTS, TEST_EVENT]})
    job: str | None = Field(description="null: a test")
    state: DeliveryState
    reason: Reason | None = Field(description="why it is dead")
    endpoint: EndpointJson
    created_at: str
    next_attempt_at: str | None
    attempts_total: int
    attempts: list[AttemptJson] = Field(description="the last ten, oldest first")


class DeliveryPage(Schema):
    deliveries: list[DeliveryJson] = Field(description="newest first")
    next_cursor: str | None = Field(description="for the next page; null on the last")
