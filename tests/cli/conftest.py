from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from tests.cli.small_server import SmallServer, small_server


@pytest.fixture
def server() -> Iterator[SmallServer]:
    """A server that speaks the contract out of memory."""
    with small_server() as small:
        yield small


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
