"""The OpenAPI document is valid and true, and the pages need nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from loa.errors import error_kinds
from loa.formats import FORMATS
from tests.api.stage import Player
from tests.api.test_submit import submit


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json
    return found


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()  # type: ignore[arg-type]


def test_every_route_is_documented(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method) for rule in app.url_map.iter_rules() for method in rule.methods or ()
    }
    documented = {(path, method.upper()) for path, calls in document["paths"].items() for method in calls}
    pages = {(path, "GET") for path in ("/", "/docs", "/openapi.json", "/loa.css")}
    assert {route for route in routes if route[1] not in ("HEAD", "OPTIONS")} == documented | pages


def test_a_request_is_described_with_its_limits(document: dict[str, Any]) -> None:
    request = document["components"]["schemas"]["JobRequest"]
    assert request["required"] == ["input"]
    assert request["additionalProperties"] is False
    assert request["properties"]["format"]["enum"] == list(FORMATS)
    assert (request["properties"]["speed"]["minimum"], request["properties"]["speed"]["maximum"]) == (0.5, 2.0)
    bodies = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    assert set(bodies) == {"application/json", "multipart/form-data"}


def test_answers_are_what_the_document_says(client: FlaskClient, player: Player, document: dict[str, Any]) -> None:
    player.announce()
    submit(client)
    player.finish()
    submit(client)

    def check(response: Any, path: str, method: str = "get") -> None:
        answers = document["paths"][path][method]["responses"]
        content = answers[str(response.status_code)]["content"]
        schema = content[response.mimetype]["schema"] | {"components": document["components"]}
        jsonschema.validate(response.json, schema)

    check(submit(client), "/v1/jobs", "post")
    check(submit(client, speed=9), "/v1/jobs", "post")
    check(submit(client, voice="x"), "/v1/jobs", "post")
    check(client.get("/v1/jobs"), "/v1/jobs")
    check(client.get("/v1/jobs/x"), "/v1/jobs/{job_id}")
    check(client.get("/v1/voices"), "/v1/voices")
    check(client.get("/v1/voices/joe"), "/v1/voices/{name}")
    check(client.get("/v1/voices/nobody"), "/v1/voices/{name}")
    check(client.get("/v1/workers"), "/v1/workers")
    check(client.get("/healthz"), "/healthz")
    check(client.get("/readyz"), "/readyz")


class _Page(HTMLParser):
    """What a browser would load, and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        if tag == "a":
            self.links.add(found["href"] or "")
        elif found.get("src") or found.get("href"):
            self.loads.add(found.get("src") or found["href"] or "")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_nothing_from_elsewhere_and_its_links_lead_somewhere(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    page = _Page(response.text)
    assert page.loads == {"/loa.css"}
    assert client.get("/loa.css").mimetype == "text/css"
    assert not page.tags & {"script", "iframe", "img", "form"}
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else client.get(link).status_code == 200, link


def test_the_reference_explains_every_call_and_every_error(client: FlaskClient, document: dict[str, Any]) -> None:
    page = _Page(client.get("/docs").text)
    assert {call["operationId"] for calls in document["paths"].values() for call in calls.values()} <= set(page.ids)
    assert set(error_kinds()) <= set(page.ids)  # where a problem's `type` points to


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/v1/voices", "/nowhere", "/loa.css"])
def test_security_headers_are_everywhere(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
