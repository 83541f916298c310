"""Real `loa deliver` processes and a real receiver: every event arrives, under one id, whatever dies or hangs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

from loa import health
from loa.broker import Broker
from loa.settings import Settings
from loa.webhooks.endpoints import EVENTS
from loa.webhooks.states import DeliveryState, Reason
from tests.redis.post import room
from tests.waiting import wait_until
from tests.webhooks.office import QUICK, Courier, Office, opened


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_end_is_told_with_the_job_as_it_is_shown(office: Office) -> None:
    receiver = office.receiver()
    courier = office.courier()
    (job_id,) = office.end_jobs(1, receiver.url("/hooks?token=secret"))
    office.all_delivered()
    (letter,) = receiver.letters
    assert letter.path == "/hooks?token=secret"
    assert (letter.content["type"], letter.content["cut"]) == ("job.canceled", [])
    job = letter.content["data"]
    assert (job["id"], job["state"], job["webhook"]["events"]) == (job_id, "canceled", list(EVENTS))
    assert letter.content["timestamp"] == job["finished_at"]
    (delivery,) = office.deliveries()
    assert delivery.message == letter.id
    assert [one["status"] for one in delivery.attempts] == [204]
    assert "token" not in courier.log + json.dumps(delivery.to_json()) + json.dumps(letter.content)


def test_a_receiver_that_was_down_for_ten_minutes_gets_every_event_once_with_one_id(office: Office) -> None:
    port = free_port()
    office.courier()
    jobs = office.end_jobs(20, f"http://127.0.0.1:{port}/")
    # Ten minutes are 0.6 s here: the attempts after 0 s, 5 s and 5 min are over then, and the one after 30 min finds the receiver.
    office.wait_for(lambda: all(one.attempts_total >= 3 for one in office.deliveries()), what="three attempts at each")
    assert {one["status"] for delivery in office.deliveries() for one in delivery.attempts} == {None}
    assert office.deliveries()[0].endpoint.failing_since is not None
    receiver = office.receiver(port)
    office.all_delivered()
    assert sorted(letter.content["data"]["id"] for letter in receiver.letters) == sorted(jobs)
    assert {letter.id for letter in receiver.letters} == {delivery.message for delivery in office.deliveries()}
    assert len({letter.id for letter in receiver.letters}) == len(jobs)
    assert office.deliveries()[0].endpoint.failing_since is None


def test_a_process_that_is_killed_in_the_middle_loses_nothing(office: Office) -> None:
    receiver = office.receiver()
    first = office.courier()
    jobs = office.end_jobs(12, receiver.url("/gate"))
    office.wait_for(lambda: len(receiver.letters) >= 8, what="attempts under way")  # as many as an endpoint may have at once
    first.kill()
    receiver.gate.set()
    office.courier()
    office.all_delivered()
    told: dict[str, set[str]] = {}
    for letter in receiver.letters:
        told.setdefault(letter.content["data"]["id"], set()).add(letter.id)
    assert set(told) == set(jobs)
    assert all(len(ids) == 1 for ids in told.values()), "an event has one id, however often it was sent"


def test_two_processes_share_the_work_and_send_nothing_twice(office: Office) -> None:
    receiver = office.receiver()
    office.courier()
    office.courier()
    jobs = office.end_jobs(60, receiver.url())
    office.all_delivered()
    assert sorted(letter.content["data"]["id"] for letter in receiver.letters) == sorted(jobs)


def test_receivers_that_hang_delay_nobody_else(office: Office) -> None:
    hanging, healthy = office.receiver(), office.receiver()
    office.courier()
    began: dict[str, float] = {}
    for _ in range(20):
        office.end_jobs(2, hanging.url("/hang"))
        now = time.time()
        began[office.end_jobs(1, healthy.url())[0]] = now
    office.wait_for(lambda: len(healthy.letters) == 20, what="the healthy receiver to get all")
    late = sorted(letter.at - began[letter.content["data"]["id"]] for letter in healthy.letters)
    assert late[18] <= 2.0

    def timed_out() -> list[float]:
        return [one["latency_seconds"] for delivery in office.deliveries(state=DeliveryState.PENDING) for one in delivery.attempts]

    assert max(office.wait_for(timed_out, what="an attempt to time out")) <= 2.0


def test_410_is_attempted_once_and_disables_the_endpoint(office: Office) -> None:
    receiver = office.receiver()
    receiver.status["/gone"] = 410
    courier = office.courier()
    office.end_jobs(1, receiver.url("/gone"))
    office.wait_for(lambda: office.deliveries(state=DeliveryState.DEAD), what="it to be given up")
    office.end_jobs(3, receiver.url("/gone"))
    assert [one.reason for one in office.deliveries(state=DeliveryState.DEAD)] == [*[Reason.DISABLED] * 3, Reason.GONE]
    assert len(receiver.letters) == 1
    office.wait_for(lambda: "is disabled (gone" in courier.log, what="the log to say so")
    receiver.status.clear()
    tested = office.store.deliveries.test(receiver.url("/gone"))
    office.wait_for(lambda: office.store.deliveries.get(tested.id).state is DeliveryState.DELIVERED, what="the test to succeed")
    office.end_jobs(1, receiver.url("/gone"))
    office.wait_for(lambda: len(receiver.letters) == 3, what="the enabled endpoint to hear again")


def test_sigterm_gives_back_what_is_not_over(office: Office) -> None:
    receiver = office.receiver()
    office.settings = dataclasses.replace(office.settings, webhook_timeout=60.0)
    courier = office.courier()
    office.end_jobs(1, receiver.url("/hang"))
    office.wait_for(lambda: receiver.letters, what="an attempt under way")
    assert courier.end(10) == 0
    ((due,), _) = office.store.deliveries.claim("next-1", room(5))
    assert due.message == receiver.letters[0].id
    (delivery,) = office.deliveries()
    assert delivery.attempts_total == 0
    assert office.store.deliveries.couriers() == ["next-1"]


def test_a_restart_of_redis_is_survived(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="loa-test-") as folder, Broker(Path(folder)) as broker, opened(tmp_path, broker.url) as office:
        receiver = office.receiver()
        courier = office.courier()
        jobs = office.end_jobs(4, receiver.url("/gate"))
        office.wait_for(lambda: len(receiver.letters) == 4, what="attempts under way")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        receiver.gate.set()
        office.wait_for(lambda: "delivering pauses" in courier.log, what="the courier to notice")
        broker.restart()
        jobs += office.end_jobs(4, receiver.url("/"))
        office.all_delivered()
        told = {letter.content["data"]["id"]: letter.id for letter in receiver.letters}
        assert set(told) == set(jobs)
        assert set(told.values()) == {delivery.message for delivery in office.deliveries()}
        assert "Redis answers again" in courier.log
        assert courier.end() == 0


def test_it_waits_for_a_redis_that_is_not_there_yet_and_leaves_when_it_is_told(tmp_path: Path) -> None:
    settings = Settings.load({}, **QUICK, redis_url=f"redis://127.0.0.1:{free_port()}/0", data_dir=str(tmp_path))
    courier = Courier(settings, tmp_path / "log")
    try:
        wait_until(lambda: "it is tried again" in courier.log, 30)
        assert courier.end() == 0
    finally:
        courier.kill()


def test_the_health_check_sees_a_process_of_this_host(
    office: Office, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOA_REDIS_URL", office.settings.redis_url)
    assert health.main(["deliver"]) == 1
    assert "has asked for webhooks" in capfd.readouterr().err
    courier = office.courier()
    assert health.main(["deliver"]) == 0
    assert courier.end() == 0
    assert health.main(["deliver"]) == 1
    monkeypatch.delenv("LOA_REDIS_URL")
    assert health.main(["deliver"]) == 1
    assert "LOA_REDIS_URL is not set" in capfd.readouterr().err
