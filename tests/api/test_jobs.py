"""Showing, listing, canceling and waiting for jobs."""

from __future__ import annotations

import threading

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.schemas import JobJson, JobPage
from api.service import Service
from loa.errors import Unspeakable
from loa.jobs import new_job_id
from tests.api.stage import Player
from tests.api.test_submit import refused, submit
from tests.waiting import wait_until

STRANGE_IDS = [
    "x",
    "job_",
    "job_" + "0" * 23,
    "job_" + "0" * 25,
    "job_" + "G" * 24,
    "JOB_" + "0" * 24,
    "job_" + "0" * 24 + "%0A",
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "job_%00" + "0" * 23,
    "*",
    "%F0%9F%92%A9",
    "%ff%fe",
    "a" * 5000,
    "{}",
    "job_" + "٣" * 24,
    "' OR 1=1",
    "job_000000000000000000000000:items",
]


def test_a_job_is_shown_as_documented_in_every_state(client: FlaskClient, player: Player) -> None:
    def shown() -> JobJson:
        return JobJson.model_validate(client.get(f"/v1/jobs/{job_id}").json)

    job_id = submit(client).json["id"]
    assert shown().state == "queued"
    player.announce()
    assert shown().waiting_reason is None
    player.speak()
    job = shown()
    assert (job.state, job.progress.segments_done, job.progress.audio_seconds, job.timings.synthesis_seconds) == (
        "assembling",
        1,
        0.5,
        0.01,
    )
    job_id = submit(client).json["id"]
    player.finish()
    job = shown()
    assert job.state == "succeeded"
    assert job.result is not None
    assert (job.result.audio_url, job.result.timings_url) == (f"/v1/jobs/{job_id}/audio", f"/v1/jobs/{job_id}/timings.json")
    job_id = submit(client).json["id"]
    player.fail(Unspeakable("nothing to say", text="…"))
    job = shown()
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.message, job.error.details) == ("unspeakable_text", "nothing to say", {"text": "…"})
    job_id = submit(client).json["id"]
    client.post(f"/v1/jobs/{job_id}/cancel")
    assert shown().state == "canceled"


def test_an_unknown_job(client: FlaskClient) -> None:
    refused(client.get(f"/v1/jobs/{new_job_id()}"), 404, "unknown_job")


@pytest.mark.parametrize("job_id", STRANGE_IDS)
@pytest.mark.parametrize("call", ["", "/cancel", "/audio", "/timings.json"])
def test_a_strange_id_is_not_found(client: FlaskClient, job_id: str, call: str) -> None:
    response = client.open(f"/v1/jobs/{job_id}{call}", method="POST" if call == "/cancel" else "GET")
    assert response.status_code == 404
    assert response.json["code"] in ("unknown_job", "not_found")


def test_a_canceled_job_stays_canceled(client: FlaskClient, player: Player) -> None:
    job_id = submit(client).json["id"]
    first = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (first.status_code, first.json["state"]) == (200, "canceled")
    assert first.json["finished_at"]
    assert client.post(f"/v1/jobs/{job_id}/cancel").json["finished_at"] == first.json["finished_at"]


def test_an_ended_job_cannot_be_canceled(client: FlaskClient, player: Player) -> None:
    player.announce()
    job_id = submit(client).json["id"]
    player.finish()
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json["state"]) == (200, "succeeded")


# --- lists ----------------------------------------------------------------------------------------------------------


def test_pages_hold_every_job_once_newest_first(client: FlaskClient) -> None:
    made = [submit(client).json["id"] for _ in range(7)]
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = client.get("/v1/jobs", query_string={"limit": 3, **({"cursor": cursor} if cursor else {})}).json
        assert JobPage.model_validate(page)
        found += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        pages += 1
    assert pages == 3
    assert sorted(found) == sorted(made)
    created = [client.get(f"/v1/jobs/{job_id}").json["created_at"] for job_id in found]
    assert created == sorted(created, reverse=True)


def test_a_list_of_one_state(client: FlaskClient, player: Player) -> None:
    player.announce()
    done = submit(client).json["id"]
    player.finish()
    waiting = submit(client).json["id"]
    assert [job["id"] for job in client.get("/v1/jobs?state=succeeded").json["jobs"]] == [done]
    assert [job["id"] for job in client.get("/v1/jobs?state=queued").json["jobs"]] == [waiting]
    assert client.get("/v1/jobs?state=canceled").json == {"jobs": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query", ["state=sleeping", "limit=0", "limit=101", "limit=x", "cursor=x", "cursor=1", "cursor=٣-٣", "cursor=1-" + "9" * 30, "page=2"]
)
def test_a_list_that_cannot_be(client: FlaskClient, query: str) -> None:
    refused(client.get(f"/v1/jobs?{query}"), 400, "invalid_request")


# --- waiting --------------------------------------------------------------------------------------------------------


def in_thread(app: Flask, path: str, answers: list[str]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(app.test_client().get(path).json["state"]), daemon=True)
    thread.start()
    return thread


def test_every_waiting_request_of_a_job_is_answered_at_its_end(app: Flask, client: FlaskClient, service: Service, player: Player) -> None:
    service.waiters.start()
    player.announce()
    job_id = submit(client).json["id"]
    answers: list[str] = []
    threads = [in_thread(app, f"/v1/jobs/{job_id}?wait=30", answers) for _ in range(20)]
    wait_until(lambda: service.waiters.taken == 20)
    assert answers == []
    player.finish()
    for thread in threads:
        thread.join(10)
    assert answers == ["succeeded"] * 20
    assert service.waiters.taken == 0


def test_an_ended_job_is_not_waited_for(client: FlaskClient) -> None:
    job_id = submit(client).json["id"]
    client.post(f"/v1/jobs/{job_id}/cancel")
    assert client.get(f"/v1/jobs/{job_id}?wait=60").json["state"] == "canceled"


def test_waiting_for_an_unknown_job_is_refused_at_once(client: FlaskClient) -> None:
    refused(client.get(f"/v1/jobs/{new_job_id()}?wait=60"), 404, "unknown_job")


def test_a_lost_subscription_is_renewed_and_every_waiter_looks_again(
    app: Flask, client: FlaskClient, service: Service, player: Player, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.waiters.start()
    wait_until(lambda: service.waiters.subscribed)
    job_id = submit(client).json["id"]
    answers: list[str] = []
    thread = in_thread(app, f"/v1/jobs/{job_id}?wait=30", answers)
    wait_until(lambda: service.waiters.taken == 1)
    with redis.Redis.from_url(redis_url) as admin:
        for _ in range(2):
            admin.client_kill_filter(_type="pubsub")
            wait_until(lambda: not service.waiters.subscribed)
            wait_until(lambda: service.waiters.subscribed)
    client.post(f"/v1/jobs/{job_id}/cancel")
    thread.join(10)
    assert answers == ["canceled"]
    assert "those who wait look by themselves" in caplog.text


def test_without_any_subscription_waiters_look_by_themselves(
    app: Flask, client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.waiters.RECHECK", 0.05)  # and its thread is never started
    job_id = submit(client).json["id"]
    answers: list[str] = []
    thread = in_thread(app, f"/v1/jobs/{job_id}?wait=30", answers)
    wait_until(lambda: service.waiters.taken == 1)
    client.post(f"/v1/jobs/{job_id}/cancel")
    thread.join(10)
    assert answers == ["canceled"]


def test_when_all_seats_are_taken_the_answer_comes_at_once(app: Flask, client: FlaskClient, service: Service) -> None:
    service.waiters._seats = 2
    job_id = submit(client).json["id"]
    answers: list[str] = []
    threads = [in_thread(app, f"/v1/jobs/{job_id}?wait=30", answers) for _ in range(2)]
    wait_until(lambda: service.waiters.taken == 2)
    response = client.post("/v1/jobs?wait=60", json={"input": "Hi.", "voice": "sine"})
    assert (response.status_code, response.json["state"]) == (202, "queued")
    service.close()
    for thread in threads:
        thread.join(10)
    assert answers == ["queued", "queued"]


def test_who_hung_up_gives_the_seat_back(app: Flask, client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.waiters.RECHECK", 0.05)
    job_id = submit(client).json["id"]
    gone = threading.Event()
    path = f"/v1/jobs/{job_id}?wait=60"
    waiting = threading.Thread(
        target=lambda: app.test_client().get(path, environ_base={"waitress.client_disconnected": gone.is_set}), daemon=True
    )
    waiting.start()
    wait_until(lambda: service.waiters.taken == 1)
    gone.set()
    waiting.join(10)
    assert service.waiters.taken == 0
