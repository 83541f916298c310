"""Health, readiness, workers, voices, and errors that no view raised."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.schemas import VoiceJson, Workers
from api.service import Service
from loa.errors import ArtifactsNotShared, SchemaMismatch
from loa.settings import Settings
from tests.api.stage import PLAN, SPEAK, Player
from tests.api.test_submit import refused, submit


def test_ready_means_hot_for_speech(client: FlaskClient, player: Player) -> None:
    assert "none has announced itself" in refused(client.get("/readyz"), 503, "not_ready")["detail"]
    player.announce("loading")
    assert "stage/0 is loading" in refused(client.get("/readyz"), 503, "not_ready")["detail"]
    player.announce("hot", queues=(PLAN,))
    refused(client.get("/readyz"), 503, "not_ready")
    player.announce("hot")
    assert client.get("/readyz").status_code == 200
    player.announce("draining")
    assert refused(client.get("/readyz"), 503, "not_ready")
    player.announce("failed")
    response = client.get("/readyz")
    refused(response, 503, "not_ready")
    assert response.headers["Retry-After"] == "1"


def test_workers_are_shown_with_what_waits_for_them(client: FlaskClient, player: Player) -> None:
    assert client.get("/v1/workers").json == {"workers": [], "queues": {}}
    player.announce()
    submit(client)
    shown = Workers.model_validate(client.get("/v1/workers").json)
    (worker,) = shown.workers
    assert (worker.id, worker.state, worker.engines, worker.voices, worker.steps) == ("stage/0", "hot", ["sine"], ["sine"], {"load": 0.5})
    assert (shown.queues[SPEAK].ready_segments, shown.queues[SPEAK].hot_slots) == (1, 1)
    assert shown.queues[SPEAK].ready_seconds > 0


def test_every_voice_is_listed_with_its_licence(client: FlaskClient) -> None:
    voices = {voice["name"]: VoiceJson.model_validate(voice) for voice in client.get("/v1/voices").json["voices"]}
    assert {"joe", "vi_VN-vais1000-medium", "quynh", "cdteam", "nu-nhe-nhang", "sine"} <= set(voices)
    assert all(voice.licence for voice in voices.values())
    assert voices["sine"].installed
    assert not voices["vi_VN-vais1000-medium"].installed
    assert voices["quynh"].engine_available


def test_a_voice_is_shown(client: FlaskClient) -> None:
    assert client.get("/v1/voices/sine").json["engine"] == "sine"


@pytest.mark.parametrize("name", ["son", "..", "%2e%2e", "sine.toml", "%00", "x" * 5000, "SINE"])
def test_an_unknown_voice(client: FlaskClient, name: str) -> None:
    refused(client.get(f"/v1/voices/{name}"), 404, "unknown_voice")


# --- errors that no view raised -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/v2/jobs", "/v1/jobs/", "//v1/jobs", "/v1/jobs/a/b/c", "/static/", "/static/../app.py", "/static/%2e%2e/app.py"]
)
def test_an_unknown_address(client: FlaskClient, path: str) -> None:
    refused(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("DELETE", "/v1/jobs", "GET, HEAD, OPTIONS, POST"), ("POST", "/healthz", "GET, HEAD, OPTIONS")]
)
def test_a_method_that_an_address_does_not_take(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    response = client.open(path, method=method)
    refused(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == allowed


def test_an_unexpected_exception_is_logged_and_not_shown(
    app: Flask, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fall() -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(service, "check_ready", fall)
    response = app.test_client().get("/readyz")
    refused(response, 500, "internal_error")
    assert b"secret" not in response.data
    assert "the secret cause" in caplog.text


# --- the right Redis and the right artifacts ------------------------------------------------------------------------


def test_nothing_is_stored_before_the_store_was_found_to_be_the_right_one(settings: Settings) -> None:
    client = create_app(settings, Service(settings)).test_client()
    response = submit(client)
    refused(response, 503, "store_unavailable")
    assert response.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200


def test_another_artifact_store_is_refused(settings: Settings, service: Service) -> None:
    stranger = Service(dataclasses.replace(settings, artifacts=settings.artifacts + "-elsewhere"))
    with pytest.raises(ArtifactsNotShared, match="-elsewhere"):
        stranger.open()
    refused(submit(create_app(settings, stranger).test_client()), 503, "store_unavailable")


def test_the_data_of_another_version_is_refused(settings: Settings, service: Service) -> None:
    service.store.database.client.set(service.store.database.keys.schema(), "999")
    with pytest.raises(SchemaMismatch):
        Service(settings).open()
