"""GET /metrics: what the service does, in numbers that Prometheus reads."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from api.service import Service
from loa.errors import Unspeakable
from loa.house import Sweeper
from loa.store import Store, connect_api
from tests.api.stage import SPEAK, Player
from tests.api.test_submit import submit

Samples = dict[tuple[str, ...], float]


def scrape(client: FlaskClient) -> Samples:
    """Every sample by its name and its labels' values."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_jobs_are_counted_by_state(client: FlaskClient, player: Player) -> None:
    player.announce()
    submit(client)
    player.finish()
    submit(client)
    player.fail(Unspeakable("nothing to say"))
    client.post(f"/v1/jobs/{submit(client).json['id']}/cancel")
    submit(client)
    player.speak()
    submit(client)
    found = scrape(client)
    assert {state: found["loa_jobs", state] for state in ("queued", "planning", "speaking", "assembling")} == {
        "queued": 1,
        "planning": 0,
        "speaking": 0,
        "assembling": 1,
    }
    assert {state: found["loa_jobs_ended_total", state] for state in ("succeeded", "failed", "canceled")} == {
        "succeeded": 1,
        "failed": 1,
        "canceled": 1,
    }


def test_queues_tell_what_waits_who_serves_and_how_fast(client: FlaskClient, player: Player) -> None:
    player.announce()
    submit(client)
    player.speak()
    found = scrape(client)
    assert found["loa_backlog_items", SPEAK] == 0
    assert found["loa_backlog_items", "assemble"] == 1
    assert found["loa_hot_processes", SPEAK] == found["loa_claims_total", SPEAK] == 1
    assert found["loa_spoken_audio_seconds_total", SPEAK] > 0
    assert 0 < found["loa_spoken_compute_seconds_total", SPEAK] < found["loa_spoken_audio_seconds_total", SPEAK]
    assert found["loa_losses_total", SPEAK] == found["loa_bad_takes_total", SPEAK] == 0


def test_segments_that_came_out_as_no_speech_are_counted(client: FlaskClient, player: Player) -> None:
    player.announce()
    submit(client)
    player.spoil()
    assert scrape(client)["loa_bad_takes_total", SPEAK] == 1


def test_webhooks_are_counted_by_state(client: FlaskClient, player: Player) -> None:
    assert {state: scrape(client)["loa_deliveries", state] for state in ("pending", "delivered", "dead")} == {
        "pending": 0,
        "delivered": 0,
        "dead": 0,
    }
    player.announce()
    submit(client, webhook={"url": "https://example.org/hook"})
    player.finish()
    found = scrape(client)
    assert (found["loa_deliveries", "pending"], found["loa_deliveries", "delivered"], found["loa_couriers",]) == (1, 0, 0)


def test_requests_are_counted_by_route_and_not_by_address(client: FlaskClient) -> None:
    for job_id in ("job_1", "job_2"):
        client.get(f"/v1/jobs/{job_id}")
    client.get("/nowhere")
    client.open("/healthz", method="BREW")
    found = scrape(client)
    assert found["loa_requests_total", "GET", "/v1/jobs/<job_id>", "404"] == 2
    assert found["loa_requests_total", "GET", "none", "404"] == 1
    assert found["loa_requests_total", "other", "none", "405"] == 1
    assert found["loa_request_seconds_count", "/v1/jobs/<job_id>"] == 2


def test_redis_and_this_process(client: FlaskClient) -> None:
    found = scrape(client)
    assert found["loa_redis_up",] == 1
    assert found["loa_redis_memory_bytes",] > 100_000
    assert found["loa_redis_memory_limit_bytes",] == 0
    assert found["process_start_time_seconds",] > 1_700_000_000
    assert not any(name.startswith("loa_artifact") for name, *_ in found)  # nobody has swept yet


def test_the_artifact_store_as_the_last_sweep_found_it(client: FlaskClient, service: Service, player: Player) -> None:
    player.announce()
    submit(client)
    player.finish()
    assert Sweeper(service.store.house, service.artifacts, service.settings).sweep()
    found = scrape(client)
    assert found["loa_artifact_files", "audio"] == 2
    assert found["loa_artifact_bytes", "audio"] == sum(stored.size for stored in service.artifacts.walk("jobs"))
    assert found["loa_sweep_timestamp_seconds",] > 1_700_000_000
    assert found["loa_sweep_removed_files",] == 0


def test_without_redis_it_tells_what_it_knows(client: FlaskClient, service: Service, tmp_path: Path) -> None:
    scrape(client)  # while Redis is there: whether keys are wanted is remembered
    service._store = Store(connect_api(f"unix://{tmp_path}/nobody.sock"), service.settings)
    found = scrape(client)
    assert found["loa_redis_up",] == 0
    assert ("process_start_time_seconds",) in found
    assert not any(name == "loa_jobs" for name, *_ in found)
