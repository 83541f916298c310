"""Webhooks on their way: list, show, replay, and send a test."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from api.access import caller
from api.contract import JSON, Answer, operation
from api.delivery_schemas import DeliveryJson, DeliveryListing, DeliveryPage, EndpointRequest
from api.requests import read_json, read_query
from api.service import service
from loa.api_keys import Scope
from loa.errors import InvalidRequest, InvalidWebhook, MalformedJson, UnknownDelivery, UnsupportedMediaType

blueprint = Blueprint("deliveries", __name__)
TAG = "Webhooks"

_HEADERS = {"Location": "the delivery's address"}


@blueprint.get("/v1/deliveries")
@operation(
    "List deliveries",
    tag=TAG,
    scope=Scope.READ,
    query=DeliveryListing,
    answers={200: Answer(what="A page of deliveries, newest first.", schema=DeliveryPage)},
    errors=(InvalidRequest,),
)
def list_deliveries() -> dict[str, Any]:
    """With `state=dead` it is the dead-letter list. Deliveries are forgotten LOA_JOB_RETENTION_DAYS after they were written."""
    return service().webhooks.list(caller().owner, **dict(read_query(request, DeliveryListing)))


@blueprint.get("/v1/deliveries/<delivery_id>")
@operation(
    "Show a delivery",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="The delivery with its attempts.", schema=DeliveryJson)},
    errors=(UnknownDelivery,),
)
def show_delivery(delivery_id: str) -> dict[str, Any]:
    """What each of the last ten attempts led to: status, latency, the beginning of the answer."""
    return service().webhooks.get(caller().owner, delivery_id)


@blueprint.post("/v1/deliveries/<delivery_id>/replay")
@operation(
    "Replay a delivery",
    tag=TAG,
    scope=Scope.SUBMIT,
    answers={202: Answer(what="The delivery, which is due now.", schema=DeliveryJson, headers=_HEADERS)},
    errors=(UnknownDelivery,),
)
def replay_delivery(delivery_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """It is sent again whatever became of it, with the same webhook-id, from the beginning of the schedule. An endpoint that was disabled
    is enabled."""
    return _accepted(service().webhooks.replay(caller().owner, delivery_id))


@blueprint.post("/v1/webhooks/test")
@operation(
    "Send a test webhook",
    tag=TAG,
    scope=Scope.SUBMIT,
    bodies={JSON: EndpointRequest},
    answers={202: Answer(what="The delivery, which is due now; GET shows what became of it.", schema=DeliveryJson, headers=_HEADERS)},
    errors=(InvalidRequest, MalformedJson, UnsupportedMediaType, InvalidWebhook),
)
def send_test_webhook() -> tuple[dict[str, Any], int, dict[str, str]]:
    """A signed event of the type `webhook.test`, sent once by the same process as all others. An endpoint that takes it is enabled."""
    return _accepted(service().webhooks.test(caller().owner, read_json(request, EndpointRequest).url))


def _accepted(delivery: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    return delivery, 202, {"Location": f"/v1/deliveries/{delivery['id']}"}
