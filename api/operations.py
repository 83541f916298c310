"""For those who run Loa: is it alive, can it speak, what are the workers doing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from api.contract import Answer, operation
from api.schemas import Health, Workers
from api.service import service
from loa.api_keys import Scope
from loa.errors import NotReady

blueprint = Blueprint("operations", __name__)
TAG = "Operations"


@blueprint.get("/v1/workers")
@operation(
    "Show workers and queues",
    tag=TAG,
    scope=Scope.ADMIN,
    answers={200: Answer(what="Worker processes with a heartbeat, and what waits for them.", schema=Workers)},
)
def show_workers() -> dict[str, Any]:
    """`steps` are the seconds that each step of a worker's start took."""
    return service().workers()


@blueprint.get("/healthz")
@operation("Is the server alive?", tag=TAG, scope=None, answers={200: Answer(what="It is.", schema=Health)}, needs_redis=False)
def healthz() -> dict[str, Any]:
    """Needs neither Redis nor a worker."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@operation(
    "Can it speak?",
    tag=TAG,
    scope=None,
    answers={200: Answer(what="A worker is hot: a job would be spoken now.", schema=Health)},
    errors=(NotReady,),
)
def readyz() -> dict[str, Any]:
    """503 says what is missing."""
    service().check_ready()
    return {"status": "ok"}


@blueprint.get("/metrics")
@operation(
    "Metrics for Prometheus",
    tag=TAG,
    scope=Scope.ADMIN,
    answers={200: Answer(what="In Prometheus's text format; docs/operations.md names what to watch.", media_type="text/plain")},
    needs_redis=False,
)
def metrics() -> Response:
    """Of this process and, where Redis answers, of the whole service."""
    return Response(generate_latest(current_app.extensions["loa_metrics"].registry), content_type=CONTENT_TYPE_LATEST)
