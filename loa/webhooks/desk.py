"""Deliveries for people, as JSON: what the API answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loa.errors import UnknownDelivery
from loa.jobs import is_job_id
from loa.store.deliveries import Deliveries
from loa.webhooks.deliveries import is_delivery_id


class WebhookDesk:
    """Shows deliveries to their owners and takes their wishes. Threads may share one."""

    def __init__(self, deliveries: Callable[[], Deliveries], check: Callable[[str], None]) -> None:
        """`deliveries` gives the store's side, or raises StoreUnavailable; `check` raises InvalidWebhook for a URL that may not be used."""
        self._deliveries, self._check = deliveries, check

    def list(self, owner: str, **query: Any) -> dict[str, Any]:
        """A page of an owner's deliveries. Raises InvalidRequest."""
        if (job := query.get("job")) is not None and not is_job_id(job):
            return {"deliveries": [], "next_cursor": None}
        found, cursor = self._deliveries().list(owner, **query)
        return {"deliveries": [delivery.to_json() for delivery in found], "next_cursor": cursor}

    def get(self, owner: str, delivery_id: str) -> dict[str, Any]:
        """A delivery of an owner. Raises UnknownDelivery, also for another's, and for what is no id at all."""
        return self._deliveries().get(_checked(delivery_id), owner).to_json()

    def replay(self, owner: str, delivery_id: str) -> dict[str, Any]:
        """Have a delivery sent again. Raises UnknownDelivery."""
        return self._deliveries().replay(_checked(delivery_id), owner).to_json()

    def test(self, owner: str, url: str) -> dict[str, Any]:
        """Have a test sent. Raises InvalidWebhook."""
        self._check(url)
        return self._deliveries().test(url, owner).to_json()


def _checked(delivery_id: str) -> str:
    if not is_delivery_id(delivery_id):
        raise UnknownDelivery(f"{delivery_id[:60]!r} is not a delivery's id")
    return delivery_id
