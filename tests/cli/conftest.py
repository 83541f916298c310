from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loa.settings import Settings
from tests.cli.small_server import SmallServer, small_server


@pytest.fixture
def server() -> Iterator[SmallServer]:
    """A server that speaks the contract out of memory."""
    with small_server() as small:
        yield small


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """This machine has a data folder of its own."""
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    return Settings.load()


@pytest.fixture
def dead_url() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def loa(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in this process against `server`; standard output and standard error are kept apart."""
    from loa.cli.app import app

    monkeypatch.setenv("LOA_URL", server.url)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, prog_name="loa")

    return run
