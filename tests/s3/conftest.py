"""A real S3-speaking server (moto's) in a process of its own, and a bucket for every test."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from loa.artifacts import Artifacts
from loa.broker import Broker
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

START = 60.0  # seconds that the server may take on a busy machine


@dataclass
class Moto:
    process: subprocess.Popen[bytes]
    url: str

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def use(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let this process and those that it starts find S3 there, as the AWS tools would."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        patch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()  # fsspec keeps one client for all that ask alike


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-p", str(port)]
    with (tmp_path_factory.mktemp("moto") / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def answers() -> bool:
        assert process.poll() is None, Path(log.name).read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            return False

    try:
        wait_until(answers, START, "moto")
        yield Moto(process, url)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket."""
    use(monkeypatch, moto.url)
    name = f"loa-{secrets.token_hex(6)}"
    fsspec.filesystem("s3").mkdir(name)
    yield f"s3://{name}/store"
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def artifacts(bucket: str) -> Artifacts:
    return Artifacts(bucket)


@pytest.fixture
def make_fleet(bucket: str, tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """Real workers whose artifacts are in the bucket."""
    fleets: list[Fleet] = []
    with Broker(tmp_path / "redis") as broker:

        def make(**settings: Any) -> Fleet:
            fleets.append(Fleet(tmp_path, broker.url, artifacts=bucket, **settings))
            return fleets[-1]

        yield make
        for fleet in fleets:
            fleet.close()


def environment() -> dict[str, str]:
    """Of a program that finds this checkout, and S3 where this process does."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
