"""`loa webhooks listen`: what is signed is shown and answered, what is not is refused."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from loa.cli.app import app
from loa.cli.webhooks import print_event
from loa.errors import InvalidSetting, PortInUse
from loa.webhooks.addresses import AllowList
from loa.webhooks.receiver import LARGEST_BODY, Received, Receiver
from loa.webhooks.sender import Attempt, Message, Sender
from loa.webhooks.signature import Secret, new_secret

SECRET = new_secret()
EVENT = {"type": "job.succeeded", "timestamp": "2025-01-01T00:00:00Z", "data": {"id": "job_1", "title": "Tiếng Việt"}}
MESSAGE = Message("evt_1", json.dumps(EVENT).encode())


def send(url: str, *messages: Message, secret: Secret = SECRET) -> list[Attempt]:
    async def run() -> list[Attempt]:
        sender = Sender([secret], AllowList.parse("127.0.0.1"))
        return [await sender.send(url, message) for message in messages]

    return asyncio.run(run())


class Listening:
    """A receiver that runs, and what it got."""

    def __init__(self, status: int = 204) -> None:
        self.got: list[Received] = []
        self.receiver = Receiver("127.0.0.1", 0, [SECRET], self.got.append, status=status)
        self.thread = threading.Thread(target=self.receiver.serve_forever, kwargs={"poll_interval": 0.01})

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.server_port, timeout=10)
        try:
            connection.putrequest("POST", "/")
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def listening() -> Iterator[Callable[..., Listening]]:
    made: list[Listening] = []

    def make(**options: int) -> Listening:
        made.append(Listening(**options))
        made[-1].thread.start()
        return made[-1]

    yield make
    for one in made:
        one.receiver.shutdown()
        one.thread.join()
        one.receiver.server_close()


def test_a_signed_message_is_shown_and_its_repetition_is_known(listening: Callable[..., Listening]) -> None:
    server = listening()
    attempts = send(server.receiver.url, MESSAGE, Message("evt_2", MESSAGE.body), MESSAGE)
    assert [attempt.status for attempt in attempts] == [204] * 3
    assert [(got.id, got.type, got.content, got.repeated) for got in server.got] == [
        ("evt_1", "job.succeeded", EVENT, False),
        ("evt_2", "job.succeeded", EVENT, False),
        ("evt_1", "job.succeeded", EVENT, True),
    ]


def test_it_answers_what_it_is_told_to(listening: Callable[..., Listening]) -> None:
    assert send(listening(status=503).receiver.url, MESSAGE)[0].status == 503


def test_what_is_not_signed_is_refused(listening: Callable[..., Listening]) -> None:
    server = listening()
    assert send(server.receiver.url, MESSAGE, secret=new_secret())[0].status == 401
    assert server.post(b"{}", {"Content-Length": "2"}) == 401
    assert send(server.receiver.url, Message("evt_3", b"no json"))[0].status == 400
    assert [got.refusal for got in server.got] == [
        "no signature of the message is by one of the secrets",
        "the headers webhook-id, webhook-timestamp and webhook-signature are not all there",
        "the body is not JSON",
    ]
    assert not any(got.id or got.content for got in server.got)


def test_a_body_has_a_length_and_it_is_small(listening: Callable[..., Listening]) -> None:
    server = listening()
    assert server.post(b"", {"Transfer-Encoding": "chunked"}) == 411
    assert server.post(b"", {"Content-Length": "-1"}) == 411
    assert server.post(b"", {"Content-Length": str(LARGEST_BODY + 1)}) == 413
    assert server.post(b"", {"Content-Length": "9" * 5000}) == 413
    assert server.got == []


def test_a_port_that_is_taken_and_a_host_that_is_not_here(listening: Callable[..., Listening]) -> None:
    with pytest.raises(PortInUse, match="is in use"):
        Receiver("127.0.0.1", listening().receiver.server_port, [SECRET], print)
    with pytest.raises(InvalidSetting, match=r"cannot listen on 192\.0\.2\.1"):
        Receiver("192.0.2.1", 0, [SECRET], print)


def test_it_needs_a_secret(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    done = CliRunner().invoke(app, ["webhooks", "listen"])
    assert done.exit_code == 2
    assert "Give --secret whsec_…, or set LOA_WEBHOOK_SECRETS" in done.stderr
    assert "no `loa up` runs on LOA_DATA_DIR" in done.stderr


def test_a_redis_that_does_not_answer_has_no_secret(monkeypatch: pytest.MonkeyPatch, dead_url: str) -> None:
    monkeypatch.setenv("LOA_REDIS_URL", dead_url.replace("http", "redis"))
    done = CliRunner().invoke(app, ["webhooks", "listen"])
    assert done.exit_code == 2
    assert "Give --secret whsec_…, or set LOA_WEBHOOK_SECRETS" in done.stderr


def test_a_secret_that_is_none_is_named(loa: Callable[..., Result]) -> None:
    done = loa("webhooks", "listen", "--secret", "hunter2")
    assert done.exit_code == 1
    assert "a webhook secret does not start with whsec_" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("by_option", [True, False])
def test_the_command(by_option: bool) -> None:
    option = ["--secret", SECRET.text] if by_option else []
    environment = os.environ | ({} if by_option else {"LOA_WEBHOOK_SECRETS": f"{new_secret().text} {SECRET.text}"})
    command = [sys.executable, "-m", "loa", "webhooks", "listen", "--port", "0", "--json", *option]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            told = re.search(r"http://\S+/", process.stderr.readline())
            assert told is not None
            assert [attempt.status for attempt in send(told[0], MESSAGE, MESSAGE)] == [204, 204]
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            assert lines == [{"id": "evt_1", "repeated": repeated, "message": EVENT} for repeated in (False, True)]
            assert send(told[0], MESSAGE, secret=new_secret())[0].status == 401
            assert process.stderr.readline() == "refused: no signature of the message is by one of the secrets\n"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_what_a_person_sees(capsys: pytest.CaptureFixture[str]) -> None:
    print_event(Received(status=204, id="evt_1", type="job.succeeded", content=EVENT, repeated=True))
    first, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  job\.succeeded  evt_1  again  answered 204", first)
    assert json.loads("\n".join(rest)) == EVENT
