"""The outbox: deliveries that wait, claiming those that are due, and what became of each attempt.

A job's deliveries are written by the script that ends it (`tell` in scripts/outbox.lua), so no ended job lacks one and none has two. What
is here is for `loa deliver`, which attempts them, and for people, who look at them, have them sent again, or send a test.
"""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loa.errors import UnknownDelivery
from loa.jobs import DEFAULT_OWNER, Job
from loa.store.database import Database
from loa.store.pages import page
from loa.store.scripts import milliseconds, pairs
from loa.webhooks.deliveries import Delivery, new_delivery_id, new_message_id
from loa.webhooks.endpoints import TEST_EVENT, endpoint_id
from loa.webhooks.payload import job_payload, trial_payload
from loa.webhooks.signature import Secret, new_secret, parse_secrets
from loa.webhooks.states import PROMPT_SECONDS, DeliveryState, Pace, Reason

if TYPE_CHECKING:
    from loa.webhooks.sender import Attempt  # it needs an HTTP library that only `loa deliver` has

JITTER = (1.0, 1.2)  # times a step of the schedule: never sooner, and not all at once after a receiver was away
LONGEST_WISH = 86400.0  # seconds; a receiver's Retry-After counts up to this
COURIER_SECONDS = 15.0  # a `loa deliver` process that asked for nothing for so long is not well


@dataclass(frozen=True, kw_only=True)
class Due:
    """A delivery that is to be attempted now, by whoever holds the claim."""

    id: str
    claim: str
    message: str  # the webhook-id
    event: str
    url: str
    pace: Pace
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attempt led to."""

    state: DeliveryState | None  # None: the claim was superseded, and the attempt is not recorded
    reason: Reason | None = None  # why the delivery is dead
    disabled: bool = False  # this very attempt disabled the endpoint


class Deliveries:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lease = database.settings.webhook_timeout + database.settings.lease

    def claim(self, courier: str, room: Mapping[Pace, int]) -> tuple[list[Due], float | None]:
        """Deliveries that are due, at most so many to endpoints of each pace, and the seconds until there may be another.

        None instead of the seconds: nothing waits, but for what there was no room for. Endpoints of one pace have their turns in the order
        in which they came to want one. A claim whose process dies ends with its lease. `courier` is the process (`HOST-PID`); to ask is its
        sign of life.
        """
        lanes = [part for pace, most in room.items() for part in (pace.value, most)]
        following, count, *rest = self._database.run(
            "claim_deliveries", courier, milliseconds(COURIER_SECONDS), secrets.token_hex(8), milliseconds(self._lease), *lanes
        )
        due = [self._due(*rest[index : index + 4]) for index in range(0, 4 * count, 4)]
        return due, following / 1000 if following >= 0 else None

    def attempted(self, due: Due, attempt: Attempt) -> Outcome:
        """Record an attempt; the next one is set by the schedule, or later where the receiver asked for that. Sets the endpoint's pace."""
        outcome = "accepted" if attempt.succeeded else "gone" if attempt.gone else "refused"
        record = {
            "at": attempt.at,
            "status": attempt.status,
            "latency_seconds": round(attempt.seconds, 4),
            "answer": attempt.answer,
            "error": attempt.error,
        }
        wish = milliseconds(min(max(attempt.retry_after or 0.0, 0.0), LONGEST_WISH))
        raw = json.dumps(record, ensure_ascii=False)
        pace = Pace.PROMPT if attempt.seconds < PROMPT_SECONDS else Pace.SLOW
        state, *rest = self._database.run("attempted", due.id, due.claim, raw, outcome, wish, random.uniform(*JITTER), pace.value)
        if state == "superseded":
            return Outcome(state=None)
        reason, disabled = rest
        return Outcome(state=DeliveryState(state), reason=Reason(reason) if reason else None, disabled=bool(disabled))

    def put_back(self, held: Sequence[Due]) -> int:
        """Give claims back that were not attempted to their end; returns how many were still held."""
        return int(self._database.run("put_back", *[part for due in held for part in (due.id, due.claim)]))

    def leave(self, courier: str) -> None:
        """A process has ended in order."""
        self._database.command("zrem", self._database.keys.couriers(), courier)

    def couriers(self) -> list[str]:
        """The processes that deliver (`HOST-PID`)."""
        seconds, micros = self._database.command("time")
        found: list[str] = self._database.command("zrangebyscore", self._database.keys.couriers(), seconds * 1000 + micros // 1000, "+inf")
        return found

    def set_standing(self, urls: Sequence[str]) -> None:
        """Make these the endpoints that hear of every job; their deliveries belong to the default owner."""
        self._database.run("set_standing", *[part for url in urls for part in (endpoint_id(DEFAULT_OWNER, url), url)])

    def signing_secrets(self) -> tuple[Secret, ...]:
        """The secrets of the settings, newest first; where there are none, the one that is made once and kept here."""
        configured = parse_secrets(self._database.settings.webhook_secrets)
        if configured:
            return configured
        key = self._database.keys.signing()
        self._database.command("set", key, new_secret().text, nx=True)
        return (Secret.parse(self._database.command("get", key)),)

    # --- for people

    def get(self, delivery_id: str, owner: str | None = DEFAULT_OWNER) -> Delivery:
        """A delivery of this owner (None: of anyone). Raises UnknownDelivery."""
        found = self._read([delivery_id])
        if not found or (owner is not None and found[0].owner != owner):
            raise UnknownDelivery(f"there is no delivery {delivery_id}")
        return found[0]

    def counts(self) -> dict[DeliveryState, int]:
        """How many deliveries are in each state, of all owners."""
        counts = self._database.command("hgetall", self._database.keys.delivery_counts())
        return {state: int(counts.get(state, 0)) for state in DeliveryState}

    def list(
        self,
        owner: str = DEFAULT_OWNER,
        *,
        job: str | None = None,
        state: DeliveryState | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> tuple[list[Delivery], str | None]:
        """Deliveries of an owner, newest first, and the cursor of the next page (None: this was the last). A job's are one page."""
        if job is not None:
            written = self._database.command("hget", self._database.keys.job(job), "deliveries") or ""
            mine = [delivery for delivery in self._read(written.split()) if delivery.owner == owner]
            return [delivery for delivery in mine if state in (None, delivery.state)], None
        names, following = page(self._database, self._database.keys.deliveries(owner, state.value if state else "all"), limit, cursor)
        return self._read(names), following

    def replay(self, delivery_id: str, owner: str = DEFAULT_OWNER) -> Delivery:
        """Send a delivery again now, whatever became of it, and enable its endpoint. Raises UnknownDelivery."""
        if self._database.run("replay", delivery_id, owner) is None:
            raise UnknownDelivery(f"there is no delivery {delivery_id}")
        return self.get(delivery_id, owner)

    def test(self, url: str, owner: str = DEFAULT_OWNER) -> Delivery:
        """Send a test event now, once. Where the receiver takes it, its endpoint is enabled."""
        delivery_id = new_delivery_id()
        self._database.run("test_webhook", delivery_id, owner, endpoint_id(owner, url), url, TEST_EVENT, new_message_id())
        return self.get(delivery_id, owner)

    def _read(self, names: Sequence[str]) -> list[Delivery]:
        keys = self._database.keys
        with self._database.pipeline() as pipeline:
            for name in names:
                pipeline.hgetall(keys.delivery(name))
            records = [record for record in pipeline.execute() if record]
        with self._database.pipeline() as pipeline:
            for record in records:
                pipeline.hgetall(keys.endpoint(record["endpoint"]))
            endpoints = pipeline.execute()
        return [Delivery.from_record(record, endpoint) for record, endpoint in zip(records, endpoints, strict=True)]

    def _due(self, claim: str, delivery: list[str], endpoint: list[str], job: list[str]) -> Due:
        record: Mapping[str, str] = pairs(delivery)
        event, receiver = record["event"], pairs(endpoint)
        body = job_payload(Job.from_record(pairs(job)), event) if job else trial_payload(int(record["created"]) / 1000)
        pace = Pace(receiver.get("pace", Pace.NEW))
        return Due(id=record["id"], claim=claim, message=record["message"], event=event, url=receiver["url"], pace=pace, body=body)
