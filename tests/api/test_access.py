"""Keys over HTTP: who is let in, with what scope, and that nobody sees what another owner has."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import access
from api.app import create_app
from api.openapi import operations
from api.service import Service
from loa.api_keys import Scope, new_key
from loa.errors import StoreUnavailable
from loa.settings import Settings
from tests.api.stage import Player
from tests.api.test_submit import refused, submit
from tests.api.test_voices import add as add_voice
from tests.babble import recording
from tests.waiting import wait_until

JOB = "job_" + "0" * 24
OPEN = ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/loa.css"]

Holder = Callable[..., FlaskClient]


@pytest.fixture
def holder(app: Flask, service: Service) -> Holder:
    """A client with a key of its own; the first one closes the server."""

    def make(*scopes: str, owner: str | None = None, application: Flask = app) -> FlaskClient:
        key, secret = new_key("test", scopes=scopes or list(Scope), owner=owner)
        service.store.credentials.add(key)
        client = application.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
        return client

    return make


def calls(app: Flask) -> Iterator[tuple[str, str, Scope]]:
    """Every call that needs a scope, with an id or a name that does not exist."""
    for method, path, promise in operations(app):
        if promise.scope is not None:
            yield method, path.replace("{job_id}", JOB).replace("{name}", "nobody"), promise.scope


# --- without keys -----------------------------------------------------------------------------------------------------


def test_without_keys_everybody_is_the_default_owner(client: FlaskClient, service: Service) -> None:
    job = submit(client).json
    assert service.store.jobs.get(job["id"], None).owner == "default"
    assert client.get("/v1/workers").status_code == 200
    other = client.get("/v1/jobs", headers={"Authorization": "Bearer sk-of-another-service"})
    assert other.status_code == 200, "programs that cannot but send something are welcome"


def test_without_keys_requests_do_not_ask_redis_for_any(client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []
    configured = service.store.credentials.configured
    monkeypatch.setattr(service.store.credentials, "configured", lambda: looks.append(True) or configured())
    monkeypatch.setattr(access, "PERIOD", 3600)
    for _ in range(50):
        client.get("/v1/jobs")
    assert len(looks) == 1


def test_a_key_of_loa_that_nobody_knows_is_refused_even_without_keys(client: FlaskClient) -> None:
    """Who shows one means to be somebody, and must not become `default` because Redis has lost it."""
    refused(client.get("/v1/jobs", headers={"Authorization": f"Bearer {new_key('x')[1]}"}), 401, "invalid_key")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8298", "127.0.0.1:8298", "[::1]:8298", "192.168.1.7", "loa.localhost", "api:8298"]
)
def test_without_keys_the_server_is_called_by_names_that_no_page_can_have(client: FlaskClient, host: str) -> None:
    assert client.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound.example:8298", "127.0.0.1.nip.io", "localhost.evil.com", "a.b.", "[", "x.y@z.w"]
)
def test_without_keys_a_page_that_made_its_name_lead_here_gets_nothing(client: FlaskClient, host: str) -> None:
    refused(client.get("/v1/jobs", headers={"Host": host}), 421, "unknown_host")
    refused(submit(client, headers={"Host": host}), 421, "unknown_host")


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 403), ("http://localhost:3000", 403), ("http://localhost", 200)]
)
def test_without_keys_a_page_from_elsewhere_cannot_send(client: FlaskClient, origin: str, status: int) -> None:
    """Not even what browsers send without asking first, such as a form."""
    response = client.get("/v1/jobs", headers={"Origin": origin})
    assert response.status_code == status
    if status != 200:
        refused(response, 403, "foreign_origin")


def test_names_may_be_allowed(service: Service) -> None:
    settings = dataclasses.replace(service.settings, names="speech.example Loa.Example")
    client = create_app(settings, service).test_client()
    assert client.get("/v1/jobs", headers={"Host": "speech.example:8298"}).status_code == 200
    assert client.get("/v1/jobs", headers={"Host": "LOA.example"}).status_code == 200
    refused(client.get("/v1/jobs", headers={"Host": "evil.example"}), 421, "unknown_host")


# --- with keys --------------------------------------------------------------------------------------------------------


def test_with_keys_every_call_needs_one(app: Flask, client: FlaskClient, holder: Holder) -> None:
    holder()
    for method, path, _ in calls(app):
        answer = client.open(path, method=method)
        refused(answer, 401, "missing_key")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="loa"'
        refused(client.open(path, method=method, headers={"Authorization": "Bearer " + new_key("x")[1]}), 401, "invalid_key")


def test_what_is_open_stays_open(client: FlaskClient, holder: Holder, player: Player) -> None:
    holder()
    player.announce()
    for path in OPEN:
        assert client.get(path, buffered=True).status_code == 200, path
        assert client.get(path, headers={"Host": "any.example"}, buffered=True).status_code == 200, path


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic bG9hOmxvYQ==", "Bearer sk-123", "Bearer loa_0123456789ab_short", "loa", "Bearer \xff" + "x" * 8000],
)
def test_what_is_no_key_is_none(client: FlaskClient, holder: Holder, header: str) -> None:
    holder()
    answer = client.get("/v1/jobs", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["code"] in ("missing_key", "invalid_key")


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}", "  Bearer {} "])
def test_a_key_may_be_written_as_http_allows(app: Flask, service: Service, form: str) -> None:
    key, secret = new_key("test")
    service.store.credentials.add(key)
    assert app.test_client().get("/v1/jobs", headers={"Authorization": form.format(secret)}).status_code == 200


def test_each_call_needs_the_scope_that_it_names(app: Flask, holder: Holder) -> None:
    clients = {scope: holder(scope) for scope in Scope}
    seen: set[Scope] = set()
    for method, path, wanted in calls(app):
        seen.add(wanted)
        for scope, client in clients.items():
            answer = client.open(path, method=method)
            if scope is wanted:
                assert answer.status_code not in (401, 403), (method, path)
            else:
                document = refused(answer, 403, "forbidden")
                assert wanted.value in document["detail"]
                assert document["details"] == {"scope": wanted.value}
    assert seen == set(Scope)


def test_keys_work_by_any_name_and_from_any_page(holder: Holder) -> None:
    """A page that has a key was given it."""
    client = holder()
    assert client.get("/v1/jobs", headers={"Host": "speech.example", "Origin": "https://app.example"}).status_code == 200


def test_the_first_key_closes_and_a_revoked_one_opens_nothing_in_every_process(
    client: FlaskClient, service: Service, settings: Settings
) -> None:
    other = Service(settings)
    other.open()
    there = create_app(settings, other).test_client()
    assert (client.get("/v1/jobs").status_code, there.get("/v1/jobs").status_code) == (200, 200)
    key, secret = new_key("test")
    service.store.credentials.add(key)
    header = {"Authorization": f"Bearer {secret}"}
    for process in (client, there):
        assert process.get("/v1/jobs", headers=header).status_code == 200, "at once"
        wait_until(lambda: process.get("/v1/jobs").status_code == 401, 1.5)  # noqa: B023 - called in this round
    service.store.credentials.revoke(key.id)
    for process in (client, there):
        refused(process.get("/v1/jobs", headers=header), 401, "invalid_key")
        refused(process.get("/v1/jobs"), 401, "missing_key")


def test_while_redis_is_away_nobody_is_let_in_with_a_key(holder: Holder, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = holder()
    assert client.get("/v1/voices").status_code == 200

    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer: asked for by the test")

    monkeypatch.setattr(service.store.credentials, "find", away)
    refused(client.get("/v1/voices"), 503, "store_unavailable")


def test_a_server_that_others_reach_lets_nobody_in_without_keys(service: Service) -> None:
    """As when its last key was forgotten while it runs."""
    settings = dataclasses.replace(service.settings, host="0.0.0.0")
    refused(create_app(settings, service).test_client().get("/v1/jobs"), 401, "missing_key")
    opened = dataclasses.replace(settings, open=True)
    assert create_app(opened, service).test_client().get("/v1/jobs").status_code == 200


def test_a_key_may_call_so_often_and_no_more(app: Flask, service: Service, holder: Holder) -> None:
    settings = dataclasses.replace(service.settings, requests_per_minute=5)
    limited = create_app(settings, service)
    client, other = holder(application=limited), holder(application=limited)
    assert [client.get("/v1/jobs").status_code for _ in range(6)] == [200] * 5 + [429]
    answer = client.get("/v1/jobs")
    refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 13
    assert other.get("/v1/jobs").status_code == 200
    assert client.get("/healthz").status_code == 200


# --- whose is what ----------------------------------------------------------------------------------------------------


def test_another_key_gets_404_for_everything_of_a_job(app: Flask, holder: Holder, player: Player) -> None:
    ann, bob = holder(owner="ann"), holder(owner="bob")
    player.announce()
    job = submit(ann).json
    assert player.finish() == job["id"]
    paths = {path for _, path, _ in calls(app) if JOB in path}
    assert len(paths) >= 4
    for method, path, _ in calls(app):
        if JOB in path:
            theirs = path.replace(JOB, job["id"])
            foreign, unknown = bob.open(theirs, method=method), bob.open(path, method=method)
            assert refused(foreign, 404, "unknown_job")["title"] == refused(unknown, 404, "unknown_job")["title"]
            assert foreign.get_data(as_text=True).replace(job["id"], JOB) == unknown.get_data(as_text=True), "nothing tells them apart"
            assert ann.open(theirs, method=method).status_code == 200, path
    assert [one["id"] for one in ann.get("/v1/jobs").json["jobs"]] == [job["id"]]  # type: ignore[index]
    assert bob.get("/v1/jobs").json["jobs"] == []  # type: ignore[index]


def test_another_key_cannot_cancel(holder: Holder, service: Service) -> None:
    ann, bob = holder(owner="ann"), holder(owner="bob")
    job_id = submit(ann).json["id"]
    refused(bob.post(f"/v1/jobs/{job_id}/cancel"), 404, "unknown_job")
    assert not service.store.jobs.get(job_id, "ann").ended
    assert ann.post(f"/v1/jobs/{job_id}/cancel").json["state"] == "canceled"  # type: ignore[index]


def test_a_delivery_is_its_owners_alone(holder: Holder) -> None:
    ann, bob, reader = holder(owner="ann"), holder(owner="bob"), holder("read", owner="ann")
    job_id = submit(ann, webhook={"url": "https://hooks.example/"}).json["id"]
    ann.post(f"/v1/jobs/{job_id}/cancel")
    (delivery,) = ann.get("/v1/deliveries").json["deliveries"]  # type: ignore[index]
    path = f"/v1/deliveries/{delivery['id']}"
    refused(bob.get(path), 404, "unknown_delivery")
    refused(bob.post(f"{path}/replay"), 404, "unknown_delivery")
    for query in ("", f"?job={job_id}"):
        assert bob.get(f"/v1/deliveries{query}").json["deliveries"] == []  # type: ignore[index]
    assert reader.get(path).json["id"] == delivery["id"]  # type: ignore[index]
    refused(reader.post(f"{path}/replay"), 403, "forbidden")
    refused(reader.post("/v1/webhooks/test", json={"url": "https://hooks.example/"}), 403, "forbidden")
    assert ann.post(f"{path}/replay").status_code == 202


def test_idempotency_keys_of_two_owners_never_meet(holder: Holder) -> None:
    ann, bob, ann_again = holder(owner="ann"), holder(owner="bob"), holder(owner="ann")
    header = {"Idempotency-Key": "monday"}
    first = submit(ann, headers=header)
    other = submit(bob, input="Something else.", headers=header)
    assert (first.status_code, other.status_code) == (202, 202)
    assert first.json["id"] != other.json["id"]
    again = submit(ann_again, headers=header)
    assert again.json["id"] == first.json["id"], "another key of the same owner: as after a rotation"
    refused(submit(ann, input="Something else.", headers=header), 422, "idempotency_conflict")


def test_a_voice_is_its_owners_alone(holder: Holder, service: Service) -> None:
    ann, bob = holder(owner="ann"), holder(owner="bob")
    assert add_voice(ann).status_code == 201
    refused(bob.get("/v1/voices/anna"), 404, "unknown_voice")
    refused(bob.delete("/v1/voices/anna"), 404, "unknown_voice")
    refused(submit(bob, voice="anna"), 404, "unknown_voice")
    assert "anna" not in {voice["name"] for voice in bob.get("/v1/voices").json["voices"]}  # type: ignore[index]
    assert "anna" not in str(refused(bob.get("/v1/voices/ana"), 404, "unknown_voice")), "close names are one's own"
    assert {voice["name"] for voice in ann.get("/v1/voices").json["voices"]} >= {"anna", "sine", "joe"}  # type: ignore[index]
    hers = add_voice(bob, recording(seed=2), title="Another Anna")
    assert hers.status_code == 201
    assert ann.get("/v1/voices/anna").json["title"] == "anna"  # type: ignore[index]
    assert bob.get("/v1/voices/anna").json["title"] == "Another Anna"  # type: ignore[index]
    jobs = {owner: service.store.jobs.get(submit(client, voice="anna").json["id"], None) for owner, client in (("ann", ann), ("bob", bob))}
    assert {owner: job.owner for owner, job in jobs.items()} == {"ann": "ann", "bob": "bob"}
    assert len({job.fingerprint for job in jobs.values()}) == 2
    assert bob.delete("/v1/voices/anna").status_code == 204
    assert ann.get("/v1/voices/anna").status_code == 200


def test_another_owners_voice_is_none_for_a_language_either(holder: Holder) -> None:
    ann, bob = holder(owner="ann"), holder(owner="bob")
    assert add_voice(ann).status_code == 201
    assert submit(ann, voices={"vi": "anna"}).status_code == 202
    refused(submit(bob, voices={"vi": "anna"}), 404, "unknown_voice")
    refused(bob.post("/v1/preview", json={"input": "Xin chào.", "voices": {"vi": "anna"}}), 404, "unknown_voice")
    job_id = submit(ann).json["id"]
    refused(bob.get(f"/v1/jobs/{job_id}/chapters"), 404, "unknown_job")


def test_a_recording_that_two_owners_added_stays_until_both_have_removed_it(holder: Holder, service: Service) -> None:
    ann, bob = holder(owner="ann"), holder(owner="bob")
    for client in (ann, bob):
        assert add_voice(client).status_code == 201
    kept = [stored.path for stored in service.artifacts.walk("voices")]
    assert len(kept) == 1, "it is kept once"
    assert ann.delete("/v1/voices/anna").status_code == 204
    assert [stored.path for stored in service.artifacts.walk("voices")] == kept
    assert bob.delete("/v1/voices/anna").status_code == 204
    assert list(service.artifacts.walk("voices")) == []


def test_what_was_there_before_keys_belongs_to_the_owner_default(client: FlaskClient, holder: Holder) -> None:
    job = submit(client).json
    add_voice(client)
    stranger, heir = holder(), holder(owner="default")
    refused(stranger.get(f"/v1/jobs/{job['id']}"), 404, "unknown_job")
    refused(stranger.get("/v1/voices/anna"), 404, "unknown_voice")
    assert heir.get(f"/v1/jobs/{job['id']}").status_code == 200
    assert heir.get("/v1/voices/anna").status_code == 200


# --- limits over HTTP -------------------------------------------------------------------------------------------------


def limited(settings: Settings, **limits: float) -> FlaskClient:
    service = Service(dataclasses.replace(settings, **limits))  # type: ignore[arg-type]
    service.open()
    return create_app(service.settings, service).test_client()


def check_wait(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    document = refused(answer, status, code)
    assert answer.headers["Retry-After"] == str(document["details"]["retry_after"])
    assert int(answer.headers["Retry-After"]) >= 1
    return document


def test_a_submission_beyond_a_limit_is_told_when_to_come_again(service: Service, settings: Settings) -> None:
    client = limited(settings, backlog=1.0)
    header = {"Idempotency-Key": "first"}
    first = submit(client, headers=header)
    assert first.status_code == 202
    assert check_wait(submit(client), 503, "overloaded")["details"]["limit"] == "LOA_BACKLOG"
    assert submit(client, headers=header).json["id"] == first.json["id"], "a repetition is no submission"
    assert check_wait(submit(limited(settings, backlog_key=1.0)), 429, "limit_exceeded")["details"]["limit"] == "LOA_BACKLOG_KEY"
    client = limited(settings, audio_per_hour=1.0)
    assert submit(client).status_code == 202
    assert check_wait(submit(client), 429, "limit_exceeded")["details"]["limit"] == "LOA_AUDIO_PER_HOUR"


# --- the promise ------------------------------------------------------------------------------------------------------


def test_the_document_names_the_scope_of_each_call(app: Flask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for method, path, promise in operations(app):
        call = document["paths"][path][method.lower()]
        assert call.get("security") == ([{"key": [promise.scope.value]}, {}] if promise.scope else None)
        assert ({"401", "403", "421", "429"} <= set(call["responses"])) == (promise.scope is not None)
    page = client.get("/docs").text
    assert page.count("Scope of the key") == len(list(calls(app)))
    assert {method for method, path, scope in calls(app) if scope is Scope.SUBMIT} == {"POST", "DELETE"}


def test_reading_needs_no_scope_that_changes_anything(app: Flask) -> None:
    for method, path, scope in calls(app):
        assert (scope is Scope.SUBMIT) == (method != "GET"), path
