"""Webhooks over HTTP: what a job takes, and what is shown of its deliveries."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.service import Service
from loa.errors import InvalidSetting
from loa.settings import Settings
from loa.webhooks.endpoints import EVENTS
from tests.api.test_submit import submit
from tests.redis.post import room

URL = "https://hooks.example/loa?token=secret"
SHOWN = "https://hooks.example/loa?***"


@dataclass(frozen=True)
class Accepted:
    succeeded: bool = True
    gone: bool = False
    at: float = 1_700_000_000.0
    status: int = 200
    seconds: float = 0.012
    answer: str = "thanks"
    error: str | None = None
    retry_after: float | None = None


def ended_with(client: FlaskClient, **webhook: Any) -> str:
    """A canceled job that wanted a webhook."""
    job_id: str = submit(client, webhook={"url": URL, **webhook}).json["id"]
    assert client.post(f"/v1/jobs/{job_id}/cancel").status_code == 200
    return job_id


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.json["code"]


# --- the wish -------------------------------------------------------------------------------------------------------


def test_a_job_shows_its_webhook_without_the_query_of_the_url(client: FlaskClient) -> None:
    response = submit(client, webhook={"url": URL})
    assert response.status_code == 202
    assert response.json["webhook"] == {"url": SHOWN, "events": list(EVENTS)}
    assert client.get(f"/v1/jobs/{response.json['id']}").json["webhook"] == response.json["webhook"]
    assert submit(client).json["webhook"] is None
    assert submit(client, webhook=None).json["webhook"] is None


def test_events_are_kept_in_one_order_and_each_once(client: FlaskClient) -> None:
    response = submit(client, webhook={"url": URL, "events": ["job.failed", "job.succeeded"]})
    assert response.json["webhook"]["events"] == ["job.succeeded", "job.failed"]


def test_a_form_takes_it_as_json_text(client: FlaskClient) -> None:
    def send(webhook: str) -> TestResponse:
        form = {"file": (io.BytesIO(b"One sentence."), "text.txt"), "voice": "sine", "webhook": webhook}
        return client.post("/v1/jobs", data=form, content_type="multipart/form-data")

    assert send(json.dumps({"url": URL})).json["webhook"]["url"] == SHOWN
    assert code(send("https://hooks.example")) == (400, "malformed_json")
    assert code(send('{"url": 1}')) == (400, "invalid_request")


@pytest.mark.parametrize(
    "webhook",
    [
        {},
        {"url": URL, "events": []},
        {"url": URL, "events": ["job.started"]},
        {"url": URL, "events": "job.failed"},
        {"url": URL, "secret": "x"},
        {"url": "https://hooks.example/" + "x" * 2048},
        "https://hooks.example",
        [],
    ],
)
def test_a_wish_of_another_form_is_refused_by_the_field(client: FlaskClient, webhook: Any) -> None:
    response = submit(client, webhook=webhook)
    assert code(response) == (400, "invalid_request")
    assert response.json["details"]["fields"][0]["field"].startswith("webhook")


@pytest.mark.parametrize(
    "url",
    ["ftp://hooks.example/", "https://me:secret@hooks.example/", "http://127.0.0.1/", "http://[::1]:80/", "http://169.254.169.254/", "x"],
)
def test_a_url_that_may_not_be_used_is_refused_at_once(client: FlaskClient, url: str) -> None:
    assert code(submit(client, webhook={"url": url})) == (400, "invalid_webhook")
    assert code(client.post("/v1/webhooks/test", json={"url": url})) == (400, "invalid_webhook")
    assert client.get("/v1/jobs").json["jobs"] == []
    assert client.get("/v1/deliveries").json["deliveries"] == []


def test_a_private_address_may_be_allowed(settings: Settings) -> None:
    service = Service(Settings.load({}, **{**settings.__dict__, "webhook_allow": "127.0.0.1:9000"}))
    service.open()
    client = create_app(service.settings, service).test_client()
    assert submit(client, webhook={"url": "http://127.0.0.1:9000/"}).status_code == 202
    assert code(submit(client, webhook={"url": "http://127.0.0.1:9001/"})) == (400, "invalid_webhook")
    service.stop()


def test_the_webhook_is_part_of_what_an_idempotency_key_stands_for(client: FlaskClient) -> None:
    def send(**fields: Any) -> TestResponse:
        return client.post("/v1/jobs", json={"input": "Good morning.", "voice": "sine", **fields}, headers={"Idempotency-Key": "k"})

    first = send(webhook={"url": URL})
    assert send(webhook={"url": URL, "events": list(reversed(EVENTS))}).json["id"] == first.json["id"]
    assert send().status_code == send(webhook={"url": URL, "events": ["job.failed"]}).status_code == 422


# --- deliveries -----------------------------------------------------------------------------------------------------


def test_a_delivery_is_listed_and_shown_with_its_attempts(client: FlaskClient, service: Service) -> None:
    job_id = ended_with(client)
    (listed,) = client.get("/v1/deliveries").json["deliveries"]
    assert (listed["job"], listed["event"], listed["state"], listed["attempts"]) == (job_id, "job.canceled", "pending", [])
    assert listed["next_attempt_at"] is not None
    ((due,), _) = service.store.deliveries.claim("here-1", room(5))
    service.store.deliveries.attempted(due, Accepted())  # type: ignore[arg-type]
    shown = client.get(f"/v1/deliveries/{listed['id']}").json
    assert (shown["state"], shown["attempts_total"], shown["next_attempt_at"]) == ("delivered", 1, None)
    (attempt,) = shown["attempts"]
    assert attempt == {"at": "2023-11-14T22:13:20.000Z", "status": 200, "latency_seconds": 0.012, "answer": "thanks", "error": None}
    assert shown["endpoint"]["url"] == SHOWN
    assert "secret" not in json.dumps(shown)


def test_the_list_is_filtered_and_comes_in_pages(client: FlaskClient) -> None:
    jobs = [ended_with(client) for _ in range(3)]
    page = client.get("/v1/deliveries?limit=2").json
    rest = client.get(f"/v1/deliveries?limit=2&cursor={page['next_cursor']}").json
    assert sorted(one["job"] for one in (*page["deliveries"], *rest["deliveries"])) == sorted(jobs)
    assert rest["next_cursor"] is None
    assert [one["job"] for one in client.get(f"/v1/deliveries?job={jobs[1]}").json["deliveries"]] == [jobs[1]]
    assert client.get("/v1/deliveries?state=dead").json["deliveries"] == []
    for other in ("job_" + "0" * 24, "../x", f"{submit(client).json['id']}:ready:speak.sine:0"):  # the last is another kind of key
        assert client.get(f"/v1/deliveries?job={other}").json == {"deliveries": [], "next_cursor": None}
    assert code(client.get("/v1/deliveries?state=lost")) == (400, "invalid_request")
    assert code(client.get("/v1/deliveries?cursor=x")) == (400, "invalid_request")


def test_a_replay_makes_a_delivery_due(client: FlaskClient, service: Service) -> None:
    ended_with(client)
    ((due,), _) = service.store.deliveries.claim("here-1", room(5))
    service.store.deliveries.attempted(due, Accepted(succeeded=False, gone=True, status=410))  # type: ignore[arg-type]
    (dead,) = client.get("/v1/deliveries?state=dead").json["deliveries"]
    assert (dead["reason"], dead["endpoint"]["disabled"], dead["endpoint"]["reason"]) == ("gone", True, "gone")
    response = client.post(f"/v1/deliveries/{dead['id']}/replay")
    assert (response.status_code, response.headers["Location"]) == (202, f"/v1/deliveries/{dead['id']}")
    assert (response.json["state"], response.json["endpoint"]["disabled"]) == ("pending", False)
    assert len(service.store.deliveries.claim("here-1", room(5))[0]) == 1


def test_a_test_is_queued_and_returned(client: FlaskClient, service: Service) -> None:
    response = client.post("/v1/webhooks/test", json={"url": URL})
    assert response.status_code == 202
    assert (response.json["event"], response.json["job"], response.json["state"]) == ("webhook.test", None, "pending")
    assert client.get(response.headers["Location"]).json["id"] == response.json["id"]
    ((due,), _) = service.store.deliveries.claim("here-1", room(5))
    assert (due.id, due.url) == (response.json["id"], URL)
    assert code(client.post("/v1/webhooks/test", data="url=x")) == (415, "unsupported_media_type")
    assert code(client.post("/v1/webhooks/test", json={})) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["dlv_0", "dlv_" + "0" * 24, "..", "%2e%2e", "x y", "dlv_" + "0" * 24 + "%00"])
def test_what_is_no_delivery_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/v1/deliveries/{name}").status_code == 404
    assert client.post(f"/v1/deliveries/{name}/replay").status_code == 404


def test_a_delivery_of_somebody_else_is_not_found(client: FlaskClient, service: Service) -> None:
    delivery = service.store.deliveries.test(URL, "ann")
    assert code(client.get(f"/v1/deliveries/{delivery.id}")) == (404, "unknown_delivery")
    assert code(client.post(f"/v1/deliveries/{delivery.id}/replay")) == (404, "unknown_delivery")
    assert client.get("/v1/deliveries").json["deliveries"] == []


def test_answers_are_what_the_document_says(client: FlaskClient, app: Flask) -> None:
    ended_with(client)
    document = client.get("/openapi.json").json

    def check(response: TestResponse, path: str, method: str) -> None:
        content = document["paths"][path][method]["responses"][str(response.status_code)]["content"]
        jsonschema.validate(response.json, content[response.mimetype]["schema"] | {"components": document["components"]})

    delivery_id = client.get("/v1/deliveries").json["deliveries"][0]["id"]
    check(client.get("/v1/deliveries"), "/v1/deliveries", "get")
    check(client.get("/v1/deliveries?limit=0"), "/v1/deliveries", "get")
    check(client.get(f"/v1/deliveries/{delivery_id}"), "/v1/deliveries/{delivery_id}", "get")
    check(client.get("/v1/deliveries/x"), "/v1/deliveries/{delivery_id}", "get")
    check(client.post(f"/v1/deliveries/{delivery_id}/replay"), "/v1/deliveries/{delivery_id}/replay", "post")
    check(client.post("/v1/webhooks/test", json={"url": URL}), "/v1/webhooks/test", "post")
    check(client.post("/v1/webhooks/test", json={"url": "x"}), "/v1/webhooks/test", "post")


# --- settings -------------------------------------------------------------------------------------------------------


def test_standing_endpoints_of_the_settings_are_in_the_store(settings: Settings) -> None:
    service = Service(Settings.load({}, **{**settings.__dict__, "webhooks": "https://one.example https://two.example https://one.example"}))
    service.open()
    keys, redis = service.store.database.keys, service.store.database.client
    assert sorted(redis.hvals(keys.standing())) == ["https://one.example", "https://two.example"]
    service.stop()


@pytest.mark.parametrize(
    "values",
    [
        {"webhooks": "http://10.0.0.1/"},
        {"webhooks": "x"},
        {"webhook_schedule": "soon"},
        {"webhook_schedule": "0 -1"},
        {"webhook_schedule": "90000"},
    ],
)
def test_settings_that_cannot_work_stop_the_start(values: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match="LOA_WEBHOOK"):
        Settings.load({}, **values)
