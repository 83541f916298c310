"""The OpenAPI document, made from the promises of the views (contract.py) and the schemas that validate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import loa
from api import problems
from api.contract import Answer, Operation
from api.origins import SAFE
from api.schemas import IDEMPOTENCY_KEY, Problem
from loa.bundles import BUNDLE_NAME
from loa.errors import BodyTooLarge, LoaError, TooManyUploads, UnsupportedMediaType
from loa.jobs import JOB_ID
from loa.webhooks.deliveries import DELIVERY_ID

DESCRIPTION = (
    "Loa is a self-hosted asynchronous speech service: submit a sentence or a whole book, get finished audio. "
    "Submit with `POST /v1/jobs`, follow with `GET /v1/jobs/{id}?wait=60`, fetch `/v1/jobs/{id}/audio`. "
    "Every error is a problem document (RFC 9457) with a stable `code`."
)
KEY = "key"  # the one security scheme
KEYS = (
    "A key of `loa keys create NAME`. A server without keys takes every call, from its own machine only; its health and this reference "
    "are open to anybody in any case."
)
REFERENCES = "#/components/schemas/{model}"

# What parameters look like whose views take them as they come; those in the query have their model.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "job_id": {"type": "string", "pattern": f"^{JOB_ID.pattern}$"},
    "delivery_id": {"type": "string", "pattern": f"^{DELIVERY_ID.pattern}$"},
    "name": {"type": "string", "pattern": f"^{BUNDLE_NAME.pattern}$"},
    "Idempotency-Key": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
}
_BODIES = (BodyTooLarge, UnsupportedMediaType, TooManyUploads)  # what bodies.py and httpd.py refuse before a view is asked

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def operations(app: Flask) -> Iterator[tuple[str, str, Operation]]:
    """Method, path (`/v1/jobs/{job_id}`) and promise of every call."""
    for rule in app.url_map.iter_rules():
        promise = getattr(app.view_functions[rule.endpoint], "operation", None)
        if promise is not None:
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield method, _PARAMETER.sub(r"{\1}", rule.rule), promise


def document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1 as a JSON-serialisable dict."""
    calls = list(operations(app))
    models = {model for _, _, promise in calls for model in _models(promise)} | {Problem}
    ordered = sorted(models, key=lambda model: model.__name__)
    references, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=REFERENCES)
    refer = {model: reference for (model, _), reference in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, promise in calls:
        paths.setdefault(path, {})[method.lower()] = _call(method, path, promise, refer, schemas["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Loa",
            "version": loa.__version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name} for name in dict.fromkeys(promise.tag for _, _, promise in calls)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {KEY: {"type": "http", "scheme": "bearer", "description": KEYS}},
        },
    }


def _models(promise: Operation) -> Iterator[type[BaseModel]]:
    yield from promise.bodies.values()
    yield from (answer.schema for answer in promise.answers.values() if answer.schema is not None)
    if promise.query is not None:
        yield promise.query


def _call(method: str, path: str, promise: Operation, refer: dict[type[BaseModel], Any], schemas: dict[str, Any]) -> dict[str, Any]:
    parameters = [{"name": name, "in": "path", "required": True, "schema": _looks(name)} for name in re.findall(r"{(\w+)}", path)]
    parameters += [{"name": name, "in": "header", "description": text, "schema": _looks(name)} for name, text in promise.headers.items()]
    if promise.query is not None:
        fields = schemas[refer[promise.query]["$ref"].rpartition("/")[2]]["properties"]
        parameters += [
            {
                "name": name,
                "in": "query",
                "description": schema.get("description", ""),
                "schema": {key: value for key, value in schema.items() if key != "description"},
            }
            for name, schema in fields.items()
        ]
    call: dict[str, Any] = {
        "operationId": promise.name,
        "tags": [promise.tag],
        "summary": promise.summary,
        "description": promise.description,
    }
    if promise.scope is not None:
        call["security"] = [{KEY: [promise.scope.value]}, {}]
    if parameters:
        call["parameters"] = parameters
    if promise.bodies:
        call["requestBody"] = {
            "required": True,
            "content": {media_type: {"schema": refer[model]} for media_type, model in promise.bodies.items()},
        }
    answers = {str(status): _answer(answer, refer) for status, answer in sorted(promise.answers.items())}
    call["responses"] = answers | _refusals((*promise.errors, *(() if method in SAFE else _BODIES)), refer[Problem])
    return call


def _looks(name: str) -> dict[str, Any]:
    return _PARAMETERS.get(name, {"type": "string"})


def _answer(answer: Answer, refer: dict[type[BaseModel], Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.what}
    if answer.headers:
        described["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
    if answer.schema is not None:
        described["content"] = {answer.media_type: {"schema": refer[answer.schema]}}
    elif answer.media_type != "application/json":
        described["content"] = {answer.media_type: {}}
    return described


def _refusals(errors: tuple[type[LoaError], ...], reference: Any) -> dict[str, Any]:
    """One response a status: its codes, each with what to do."""
    by_status: dict[int, list[type[LoaError]]] = {}
    for kind in dict.fromkeys(errors):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        str(status): {
            "description": "\n\n".join(f"`{kind.code}`: {kind.remedy()}" for kind in kinds),
            "content": {problems.MEDIA_TYPE: {"schema": reference}},
        }
        for status, kinds in sorted(by_status.items())
    }
