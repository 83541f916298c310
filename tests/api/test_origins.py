"""Web pages in somebody's browser: which may change something here, which may read, and under which names."""

from __future__ import annotations

import dataclasses

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.service import Service
from loa.errors import InvalidSetting
from tests.api.stage import Player
from tests.api.test_submit import refused, submit

APP = "https://app.example.com"
JOB = {"input": "Hello.", "voice": "sine"}


@pytest.fixture
def friendly(service: Service) -> FlaskClient:
    """A server that lets one origin in."""
    settings = dataclasses.replace(service.settings, cors_origins=f"{APP} http://localhost:3000", names="speech.example.com")
    return create_app(settings, service).test_client()


# --- who may change something -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_can_change_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    """Also with what a browser sends without asking: a form."""
    refused(client.post("/v1/jobs", json=JOB, headers=headers), 403, "foreign_origin")
    refused(client.post("/v1/jobs", data={"file": "x"}, headers=headers), 403, "foreign_origin")
    refused(client.post("/v1/voices", data={}, headers=headers), 403, "foreign_origin")
    refused(client.delete("/v1/voices/sine", headers=headers), 403, "foreign_origin")
    assert client.get("/v1/jobs").json["jobs"] == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost"}, {"Origin": "https://LOCALHOST"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_its_own_pages_and_other_programs_can(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/jobs", json=JOB, headers=headers).status_code == 202


# --- who may read -----------------------------------------------------------------------------------------------------


def test_no_page_may_read_anything_by_default(client: FlaskClient) -> None:
    refused(client.get("/v1/jobs", headers={"Origin": APP}), 403, "foreign_origin")
    for response in (
        client.get("/v1/jobs"),
        client.get("/healthz", headers={"Origin": APP}),
        client.options("/v1/jobs", headers=preflight("POST")),
    ):
        assert response.status_code in (200, 204)
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_link_on_another_page_may_lead_here(client: FlaskClient) -> None:
    assert client.get("/v1/voices", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status_code == 200


def preflight(method: str, origin: str = APP) -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}


def test_a_page_of_an_allowed_origin_may_submit_follow_and_fetch(friendly: FlaskClient, player: Player) -> None:
    asked = friendly.options("/v1/jobs", headers=preflight("POST"))
    assert (asked.status_code, asked.data) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == APP
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(asked.headers["Access-Control-Allow-Headers"].split(", "))
    assert "DELETE" in friendly.options("/v1/voices/sine", headers=preflight("DELETE")).headers["Access-Control-Allow-Methods"]
    player.announce()
    made = friendly.post("/v1/jobs", json=JOB, headers={"Origin": APP, "Sec-Fetch-Site": "cross-site"})
    assert made.status_code == 202
    assert made.headers["Access-Control-Allow-Origin"] == APP
    assert "Location" in made.headers["Access-Control-Expose-Headers"]
    player.finish()
    audio = friendly.get(f"{made.headers['Location']}/audio", headers={"Origin": APP, "Range": "bytes=0-9"})
    assert (audio.status_code, audio.headers["Access-Control-Allow-Origin"]) == (206, APP)


def test_errors_can_be_read_too(friendly: FlaskClient) -> None:
    response = friendly.get("/v1/jobs/nothing", headers={"Origin": APP})
    refused(response, 404, "unknown_job")
    assert response.headers["Access-Control-Allow-Origin"] == APP


def test_cookies_are_never_part_of_it_and_caches_are_told(friendly: FlaskClient) -> None:
    for origin in (APP, "https://evil.example"):
        response = friendly.get("/healthz", headers={"Origin": origin})
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Set-Cookie" not in response.headers
        assert "Origin" in response.headers["Vary"]
        assert ("Access-Control-Allow-Origin" in response.headers) == (origin == APP)


@pytest.mark.parametrize(
    "origin", ["https://app.example.com.evil.example", "http://app.example.com", "https://app.example.com:8443", "null"]
)
def test_an_origin_is_allowed_as_a_whole_or_not_at_all(friendly: FlaskClient, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in friendly.options("/v1/jobs", headers=preflight("POST", origin)).headers
    refused(friendly.post("/v1/jobs", json=JOB, headers={"Origin": origin}), 403, "foreign_origin")


def test_options_says_what_an_address_takes(client: FlaskClient) -> None:
    response = client.options("/v1/jobs")
    assert (response.status_code, set(response.headers["Allow"].split(", "))) == (204, {"GET", "HEAD", "OPTIONS", "POST"})
    refused(client.options("/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    "value", ["*", "https://a.example/", "a.example", "https://a.example/path", "https://*.example", "null", "ftp://a.example"]
)
def test_a_setting_that_is_no_origin_is_refused_at_the_start(service: Service, value: str) -> None:
    with pytest.raises(InvalidSetting, match="LOA_CORS_ORIGINS"):
        create_app(dataclasses.replace(service.settings, cors_origins=value), service)


# --- under which names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8298",
        "127.0.0.1:8298",
        "[::1]:8298",
        "192.168.1.7",
        "api",
        "api:8298",
        "loa.localhost",
        "speech.example.com",
        "Speech.Example.com.:443",
    ],
)
def test_names_that_no_stranger_can_own(friendly: FlaskClient, host: str) -> None:
    assert friendly.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8298", "127.0.0.1.evil.example", "localhost.evil.example", "speech.example.com.evil.example"]
)
def test_a_rebound_name_gets_nothing(friendly: FlaskClient, host: str) -> None:
    """A page of evil.example whose name points at this machine by now: for the browser it is our own page."""
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    for path in ("/v1/jobs", "/v1/voices", "/v1/workers"):
        refused(friendly.get(path, headers=headers), 421, "unknown_host")
    refused(friendly.post("/v1/jobs", json=JOB, headers=headers), 421, "unknown_host")
    assert friendly.get("/healthz", headers=headers).status_code == 200  # what load balancers ask, by any name


def test_nothing_sets_a_cookie(client: FlaskClient, player: Player) -> None:
    player.announce()
    for response in (submit(client), client.get("/"), client.get("/docs"), client.get("/v1/jobs"), client.get("/nowhere")):
        assert "Set-Cookie" not in response.headers
