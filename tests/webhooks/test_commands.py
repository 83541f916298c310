"""`loa submit --webhook`, `loa deliveries` and `loa webhooks` against a real server, a real courier and a real receiver."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loa.cli.app import app
from loa.client import Client
from loa.errors import UnknownDelivery, WaitTimedOut
from loa.webhooks.endpoints import EVENTS
from loa.webhooks.signature import Secret
from tests.api.stage import Served, serve
from tests.conftest import VOICES
from tests.webhooks.office import SECRET, Office, opened

Loa = Callable[..., Result]


@pytest.fixture
def server(office: Office) -> Iterator[Served]:
    office.settings = type(office.settings)(**{**office.settings.__dict__, "voices": str(VOICES)})
    with serve(office.settings) as served:
        yield served


@pytest.fixture
def loa(server: Served, monkeypatch: pytest.MonkeyPatch) -> Loa:
    monkeypatch.setenv("LOA_URL", f"http://{server.host}:{server.port}")
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), prog_name="loa")

    return run


def test_from_submitting_with_a_webhook_to_replaying_its_delivery(loa: Loa, office: Office) -> None:
    receiver = office.receiver()
    receiver.status["/hooks"] = 410
    office.courier()
    url = receiver.url("/hooks")
    done = loa("submit", "Good morning.", "--voice", "sine", "--webhook", url, "--event", "job.canceled", "--event", "job.failed", "--json")
    assert done.exit_code == 0, done.output
    job = json.loads(done.stdout)
    assert job["webhook"] == {"url": url, "events": ["job.failed", "job.canceled"]}
    assert url in loa("status", job["id"]).stdout
    assert loa("deliveries").stderr == "no deliveries\n"
    assert loa("cancel", job["id"]).exit_code == 0
    office.wait_for(lambda: [one for one in office.deliveries() if one.state.value == "dead"], what="410")

    listed = loa("deliveries", "--job", job["id"], "--state", "dead")
    assert "dead (gone)" in listed.stdout
    assert f"{url} is disabled (gone)" in listed.stderr
    (delivery,) = json.loads(loa("deliveries", "--json").stdout)
    assert delivery["attempts"][0]["status"] == 410
    told = loa("deliveries", "show", delivery["id"]).stdout
    assert all(part in told for part in (delivery["id"], "job.canceled", "410", "gone"))

    receiver.status.clear()
    replayed = loa("deliveries", "replay", delivery["id"])
    assert (replayed.exit_code, replayed.stdout) == (0, f"{delivery['id']} is pending\n")
    office.all_delivered()
    assert [letter.id for letter in receiver.letters] == [delivery["webhook_id"]] * 2
    assert loa("deliveries", "--state", "dead").stderr == "no deliveries that are dead\n"
    assert loa("deliveries", "replay", "dlv_none").exit_code == 1


def test_a_test_shows_what_the_receiver_answered(loa: Loa, office: Office) -> None:
    receiver = office.receiver()
    office.courier()
    done = loa("webhooks", "test", receiver.url("/hooks"))
    assert done.exit_code == 0, done.output
    assert "delivered" in done.stdout
    assert receiver.letters[0].content["type"] == "webhook.test"
    receiver.status["/hooks"] = 500
    done = loa("webhooks", "test", receiver.url("/hooks"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["reason"] == "test_failed"
    assert "did not take the test: answered 500" in done.stderr
    assert loa("webhooks", "test", "http://10.0.0.1/").exit_code == 1


def test_a_test_that_nobody_sends_says_so(server: Served, office: Office) -> None:
    client = Client(f"http://{server.host}:{server.port}")
    with pytest.raises(WaitTimedOut, match="loa deliver"):
        client.test_webhook(office.receiver().url(), timeout=0.1)
    with pytest.raises(UnknownDelivery):
        client.delivery("../jobs")


def test_a_submission_takes_events_only_with_a_webhook(loa: Loa) -> None:
    done = loa("submit", "Good morning.", "--event", EVENTS[0])
    assert done.exit_code == 2
    assert "--event goes with --webhook" in done.stderr


def test_a_file_can_have_a_webhook_too(loa: Loa, office: Office, tmp_path_factory: pytest.TempPathFactory) -> None:
    book = tmp_path_factory.mktemp("book") / "book.txt"
    book.write_text("One sentence.")
    url = office.receiver().url()
    done = loa("submit", "--file", str(book), "--voice", "sine", "--webhook", url, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["webhook"] == {"url": url, "events": list(EVENTS)}


def test_the_secret_is_that_of_the_settings_or_the_one_in_redis(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def secret() -> str:
        done = CliRunner().invoke(app, ["webhooks", "secret"])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    monkeypatch.setenv("LOA_REDIS_URL", office.settings.redis_url)
    made = secret()
    assert Secret.parse(made)
    assert made == secret() != SECRET
    monkeypatch.setenv("LOA_WEBHOOK_SECRETS", f"{SECRET} {made}")
    assert secret() == SECRET


def test_a_receiver_for_development_takes_the_secret_of_the_service(redis_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loa", "webhooks", "listen", "--port", "0", "--json"]
    environment = {**os.environ, "LOA_REDIS_URL": redis_url}
    with (
        opened(tmp_path, redis_url, webhook_secrets="") as office,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == "messages are verified with the secret that the service keeps in Redis\n"
            told = re.search(r"http://\S+/", process.stderr.readline())
            assert told is not None
            office.courier()
            (job_id,) = office.end_jobs(1, told[0])
            office.all_delivered()
            assert json.loads(process.stdout.readline())["message"]["data"]["id"] == job_id
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
