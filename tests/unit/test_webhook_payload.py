"""What a webhook says, and that it never says more than 20 kB."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loa.jobs import Job, job_json
from loa.standing import Standing
from loa.states import State
from loa.urls import shown
from loa.webhooks.endpoints import EVENTS, TEST_EVENT, Webhook, endpoint_id
from loa.webhooks.payload import MOST_BYTES, job_payload, trial_payload
from tests.redis.ledger import an_order

LONG_URL = "https://hooks.example/" + "x" * 2000


def ended(
    state: State = State.SUCCEEDED, error: dict[str, Any] | None = None, extras: dict[str, Any] | None = None, **changes: object
) -> Job:
    fields = an_order(**changes).fields()
    audio = {"duration_seconds": 1.0, "sample_rate": 22050, "bytes": 3, "sha256": "0" * 64}
    result = audio | (extras or {}) if state is State.SUCCEEDED else None
    times = {"created": "1700000000000", "finished": "1700000001500"}
    return Job.from_record({**fields, **times, "state": state.value, "result": json.dumps(result), "error": json.dumps(error)})


def read(job: Job) -> dict[str, Any]:
    body = job_payload(job, f"job.{job.state}")
    assert len(body) <= MOST_BYTES
    payload: dict[str, Any] = json.loads(body)
    return payload


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELED])
def test_it_is_the_job_as_it_is_shown(state: State) -> None:
    job = ended(state, metadata={"order": 7}, title="Một câu")
    payload = read(job)
    assert payload == {
        "type": f"job.{state}",
        "timestamp": "2023-11-14T22:13:21.500Z",
        "data": job_json(job, Standing(now=1700000001.5)),
        "cut": [],
    }
    assert job_payload(job, "x") == job_payload(job, "x")


def test_metadata_that_make_it_too_large_are_left_out_and_that_is_said() -> None:
    webhook = Webhook.of(LONG_URL)
    job = ended(metadata={"text": "ữ" * 5450}, title="ữ" * 300, webhook=webhook)
    payload = read(job)
    assert payload["cut"] == ["metadata"]
    assert payload["data"]["metadata"] == {}
    assert payload["data"]["title"] == "ữ" * 300
    assert read(ended(metadata={"text": "x" * 16_000}))["cut"] == []


def test_a_book_of_many_chapters_keeps_its_metadata() -> None:
    chapters = [{"title": f"Chương {number}: " + "ữ" * 60, "start": number, "end": number + 1} for number in range(200)]
    payload = read(ended(extras={"chapters": chapters}, metadata={"order": 7}))
    assert (payload["cut"], payload["data"]["metadata"]) == (["result.chapters"], {"order": 7})
    assert payload["data"]["result"]["chapters"] == []
    missing = [{"index": index, "text": "ữ" * 120, "reason": "silence"} for index in range(100)]
    payload = read(ended(extras={"chapters": chapters[:3], "missing": missing, "missing_count": 400}, metadata={"order": 7}))
    assert (payload["cut"], payload["data"]["metadata"]) == (["result.chapters", "result.missing"], {"order": 7})
    result = payload["data"]["result"]
    assert (result["missing"], result["missing_count"], result["partial"]) == ([], 400, True)


def test_an_error_that_tells_too_much_is_shortened_and_that_is_said() -> None:
    error = {"code": "worker_lost", "message": "m" * 30_000, "remedy": "r" * 9000, "details": {"x": "y" * 9000}}
    payload = read(ended(State.FAILED, error, title="ữ" * 300))
    assert payload["cut"] == ["error"]
    assert payload["data"]["error"] == {"code": "worker_lost", "message": "m" * 200}


def test_a_test_says_that_it_is_one() -> None:
    payload = json.loads(trial_payload(1700000000.0))
    assert (payload["type"], payload["timestamp"], payload["cut"]) == (TEST_EVENT, "2023-11-14T22:13:20.000Z", [])


def test_a_wish_survives_its_record() -> None:
    wish = Webhook.of("https://hooks.example/ü", ["job.failed", "job.failed"])
    assert Webhook.from_record(wish.record("ann")) == wish
    assert wish.events == ("job.failed",)
    assert Webhook.of("u").events == EVENTS
    assert json.loads(wish.record("ann"))["endpoint"] == endpoint_id("ann", wish.url) != endpoint_id("bob", wish.url)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://hooks.example:8443/a/b", "https://hooks.example:8443/a/b"),
        ("https://hooks.example/a?token=1", "https://hooks.example/a?***"),
        ("https://hooks.example/a#token", "https://hooks.example/a?***"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, seen: str) -> None:
    assert shown(url) == seen
