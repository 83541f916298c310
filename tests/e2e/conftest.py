"""One running service for all end-to-end tests, with the sine voice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loa.client import Client
from loa.settings import Settings
from loa.stack import Stack
from tests.conftest import VOICES
from tests.listening import Listener

ROOT = Path(__file__).parents[2]
START_SECONDS = 120

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Broker, workers and API, hot for the engine sine, which does what a text like [[raise]] asks for; output.log has what they print."""
    folder = tmp_path_factory.mktemp("stack")
    settings = Settings.load({}, data_dir=str(folder), port=0, engines="sine", voices=str(VOICES), threads=1)
    with (folder / "output.log").open("w") as log, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOA_SINE_FAULTS", "1")
        with Stack(settings, output=lambda part, line: print(f"{part} | {line}", file=log, flush=True)) as running:
            running.wait_until_ready(seconds=START_SECONDS)
            yield running


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.url)


@pytest.fixture
def loa(stack: Stack, tmp_path: Path) -> Run:
    """Run the command line as a person would, in a folder of the test's own."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "loa", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=surroundings(LOA_URL=stack.url, LOA_DATA_DIR=stack.settings.data_dir, LOA_VOICES=str(VOICES), **environment),
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Listener:
    """Hears what an audio file says."""
    return Listener(tmp_path_factory.mktemp("listener"))


def surroundings(**variables: str) -> dict[str, str]:
    """The environment of a process that finds this checkout from any folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables
