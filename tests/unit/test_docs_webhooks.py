"""The receiver in docs/webhooks.md runs as it stands there, and verifies what Loa sends with the public package."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.store.scripts import ENDPOINT_CONCURRENCY
from loa.webhooks.addresses import METADATA_NAMES, AllowList
from loa.webhooks.sender import Attempt, Message, Sender
from loa.webhooks.signature import Secret, new_secret
from loa.webhooks.states import PROMPT_SECONDS
from tests.waiting import wait_until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET = new_secret()
BODY = json.dumps({"type": "job.succeeded", "data": {"id": "job_1", "title": "Tiếng Việt"}}, ensure_ascii=False).encode()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Its URL, and the file that it prints to."""
    program = re.search(r"<!-- receiver\.py -->\n\n```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert program is not None
    (tmp_path / "receiver.py").write_text(program[1], encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"WEBHOOK_SECRET": SECRET.text, "PORT": str(port)}
    printed = tmp_path / "printed"
    with (
        printed.open("w") as out,
        subprocess.Popen([sys.executable, tmp_path / "receiver.py"], stdout=out, stderr=out, env=environment) as process,
    ):
        wait_until(lambda: listens(port) or process.poll() is not None)
        yield f"http://127.0.0.1:{port}/", printed
        process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def send(url: str, secret: Secret, *ids: str) -> list[Attempt]:
    async def run() -> list[Attempt]:
        sender = Sender([secret], AllowList.parse("127.0.0.1"))
        return [await sender.send(url, Message(id, BODY)) for id in ids]  # noqa: A001

    return asyncio.run(run())


def test_the_receiver_in_python(receiver: tuple[str, Path]) -> None:
    url, printed = receiver
    assert [attempt.status for attempt in send(url, SECRET, "evt_1", "evt_2", "evt_1")] == [204] * 3
    assert [attempt.status for attempt in send(url, new_secret(), "evt_3")] == [401]
    events = [line for line in printed.read_text().splitlines() if not line.startswith("127.0.0.1")]  # the others are its log
    assert events == ["job.succeeded job_1"] * 2


def test_the_figures_are_those_of_the_code() -> None:
    assert f"at most {ENDPOINT_CONCURRENCY} attempts under way" in DOCUMENT
    assert PROMPT_SECONDS == 1.0
    assert "within a second the last time" in DOCUMENT
    assert "metadata.google.internal" in METADATA_NAMES
