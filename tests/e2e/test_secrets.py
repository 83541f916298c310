"""Nothing that the service prints holds a secret: not at DEBUG, not when Redis or the artifacts are away, not in `ps`, not in `loa doctor`.

The secrets are those of an installation with everything on: a Redis with a password, an S3 with credentials, clients with keys, addresses
with a token in them. Every process runs at DEBUG.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import redis

from loa.broker import Broker
from loa.client import Client
from loa.settings import Settings
from tests.api.stage import serve
from tests.conftest import VOICES
from tests.e2e.conftest import surroundings
from tests.unit.object_store import object_store
from tests.waiting import wait_until

PASSWORD, S3_KEY, S3_SECRET = "redis-hunter2", "AKIAHUNTER2HUNTER222", "s3secret-hunter2"
TOKEN, IDEMPOTENCY = "token-hunter2", "key-hunter2"
SIGNING = "whsec_" + base64.b64encode(b"signing-hunter2-signing-hunter2!").decode()
SECRETS = (SIGNING, PASSWORD, S3_SECRET, TOKEN, IDEMPOTENCY)


def nothing_secret(told: str, *more: str) -> None:
    lines = [line for line in told.splitlines() if any(secret in line for secret in (*SECRETS, *more))]
    assert not lines, "\n".join(lines)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis with a password."""
    with Broker(tmp_path / "redis", port=free_port()) as broker:
        with redis.Redis.from_url(broker.url) as client:
            client.config_set("requirepass", PASSWORD)
        yield broker.url.replace("redis://", f"redis://:{PASSWORD}@")


@pytest.fixture
def surrounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the processes of the service find in their environment."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": S3_KEY,
        "AWS_SECRET_ACCESS_KEY": S3_SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


@contextlib.contextmanager
def running(settings: Settings, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the service."""
    command = [sys.executable, "-m", "loa", *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=surroundings(**settings.environment()), stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    finally:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


def loa(settings: Settings, *arguments: str) -> str:
    """Everything that a command prints."""
    environment = surroundings(**settings.environment())
    command = [sys.executable, "-m", "loa", *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120).stdout


def settings_of(folder: Path, redis_url: str, **more: object) -> Settings:
    values = {"data_dir": str(folder), "voices": str(VOICES), "engines": "sine", "threads": 1, "log_level": "DEBUG", "drain_seconds": 2.0}
    return Settings.load({}, redis_url=redis_url, **{**values, **more})


@pytest.mark.usefixtures("surrounded")
def test_a_working_service_prints_no_secret(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_store() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket.url)
        settings = settings_of(
            tmp_path, guarded, artifacts="s3://bucket/loa", webhook_secrets=SIGNING, webhook_allow="127.0.0.1", webhook_schedule="0 0.1 0.1"
        )
        key = re.search(
            r"loa_\w{12}_[\w-]{43}", loa(settings, "keys", "create", "tester", "--scope", "submit", "--scope", "read", "--scope", "admin")
        )
        assert key is not None
        settings = dataclasses.replace(settings, api_key=key[0])
        logs = [tmp_path / "worker.log", tmp_path / "deliver.log"]
        with (
            serve(settings) as served,
            running(settings, logs[0], "worker", "--queues", "speak,plan,assemble") as worker,
            running(settings, logs[1], "deliver"),
        ):
            here = dataclasses.replace(settings, url=f"http://127.0.0.1:{served.port}")
            wait_until(lambda: Client(here.url).ready(), 60, "a hot worker")
            headers = {"Authorization": f"Bearer {key[0]}", "Idempotency-Key": IDEMPOTENCY, "Referer": f"https://a.example/?t={TOKEN}"}
            webhook = {"url": f"http://127.0.0.1:{free_port()}/hook?token={TOKEN}"}  # where nobody listens
            reply = served.call("POST", "/v1/jobs?wait=30", {"input": "A sentence.", "voice": "sine", "webhook": webhook}, headers)
            assert reply.json()["state"] == "succeeded"
            wait_until(lambda: served.call("GET", "/v1/deliveries?state=dead", headers=headers).json()["deliveries"], 30, "a dead webhook")
            for path in (f"/v1/jobs?token={TOKEN}", f"/v1/jobs/{TOKEN}", f"/nowhere?{TOKEN}", f"/v1/voices/{TOKEN}"):
                served.call("GET", path, headers=headers)
            served.call("POST", "/v1/jobs", b"{" + TOKEN.encode(), {**headers, "Content-Type": "application/json"})
            served.raw(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key[0].encode() + b"\r\nno colon\r\n\r\n")
            commands = (("doctor",), ("jobs",), ("workers",), ("deliveries",), ("keys", "list"))
            told = [loa(here, *command) for command in commands]
            command_lines = " ".join(" ".join(child.cmdline()) for child in psutil.Process(worker.pid).children(recursive=True))
    assert "answers at redis://***@127.0.0.1" in told[0]
    assert all(told)
    assert "listening on" in served.text()
    assert "1 processes on cpu" in logs[0].read_text()
    assert logs[1].read_text()
    nothing_secret("\n".join([*told, served.text(), *(log.read_text() for log in logs), command_lines]), key[0])
    assert bucket.objects  # the artifacts did go there


def beginning(settings: Settings, log: Path, *arguments: str) -> str:
    """What a command prints until it ends, or says that it goes on trying."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "loa", *arguments]
        process = subprocess.Popen(command, env=surroundings(**settings.environment()), stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or re.search("trying again|waiting for Redis", log.read_text()), 60, log.name)
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    return log.read_text()


@pytest.mark.usefixtures("surrounded")
@pytest.mark.parametrize(
    ("fault", "commands"),
    [
        ("Redis is away", ("api", "worker --queues speak,plan,assemble", "doctor", "jobs")),
        ("the password is wrong", ("api", "up --port 0")),
        ("the URL is none", ("api", "doctor")),
        ("the artifacts are away", ("api",)),
    ],
)
def test_a_service_that_cannot_work_prints_no_secret(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, commands: tuple[str, ...]
) -> None:
    away = f"127.0.0.1:{free_port()}"
    url, artifacts = {
        "Redis is away": (f"redis://:{PASSWORD}@{away}/0", ""),
        "the password is wrong": (guarded.replace(PASSWORD, f"not-{PASSWORD}"), ""),
        "the URL is none": (f"http://user:{PASSWORD}@{away}/?token={TOKEN}", ""),
        "the artifacts are away": (guarded, "s3://bucket/loa"),
    }[fault]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{away}")
    settings = settings_of(tmp_path, url, artifacts=artifacts or None, url=f"http://user:{TOKEN}@{away}/?token={TOKEN}")
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda command: beginning(settings, tmp_path / command, *command.split()), commands))
    assert all(told), told
    nothing_secret("\n".join(told))
