"""What a container's health check answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from loa import health
from loa.broker import Broker
from loa.settings import Settings
from loa.store import Slot, Store
from loa.store.slots import SlotState


def announce(broker: Broker, host: str, state: SlotState) -> Settings:
    settings = Settings.load({}, redis_url=broker.url)
    slot = Slot(id=f"{host}-1/0", state=state, queues=("speak.sine",), pid=1, host=host, device="cpu", device_uuid="cpu")
    Store.for_thread(settings).slots.announce(slot)
    return settings


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("health")) as broker:
        yield broker


@pytest.mark.parametrize(("state", "well"), [("loading", 1), ("hot", 0), ("draining", 0), ("failed", 1)])
def test_a_worker_is_well_when_a_process_of_this_host_is_useful(
    own_broker: Broker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], state: SlotState, well: int
) -> None:
    announce(own_broker, socket.gethostname(), state)
    monkeypatch.setenv("LOA_REDIS_URL", own_broker.url)
    assert health.main(["worker"]) == well
    assert f"{socket.gethostname()}-1/0 is {state}" in "".join(capfd.readouterr())


def test_the_processes_of_other_hosts_do_not_count(
    own_broker: Broker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    announce(own_broker, "elsewhere", "hot")
    monkeypatch.setenv("LOA_REDIS_URL", own_broker.url)
    assert health.main(["worker"]) == 1
    assert "no worker process of" in capfd.readouterr().err


def test_a_worker_without_redis_is_not_well(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOA_REDIS_URL", "redis://127.0.0.1:1/0")
    assert health.main(["worker"]) == 1
    monkeypatch.delenv("LOA_REDIS_URL")
    assert health.main(["worker"]) == 1
    assert "LOA_REDIS_URL is not set" in capfd.readouterr().err


@pytest.mark.parametrize(("status", "well"), [(200, 0), (503, 1)])
def test_the_api_is_well_when_healthz_answers(monkeypatch: pytest.MonkeyPatch, status: int, well: int) -> None:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("LOA_PORT", str(server.server_port))
        assert health.main(["api"]) == well
        thread.join()
    assert health.main(["api"]) == 1  # nobody listens any more


def test_another_word_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert health.main([]) == health.main(["broker"]) == 2
    assert "usage" in capfd.readouterr().err
