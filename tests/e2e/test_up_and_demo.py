"""`loa up` and `loa demo` as a person runs them: processes of their own, which leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import soundfile

from loa.cli.demo import TEXT
from loa.client import Client
from tests.conftest import VOICES
from tests.e2e.conftest import surroundings
from tests.listening import Listener, word_error_rate

SINE = {"LOA_ENGINES": "sine", "LOA_VOICES": str(VOICES), "LOA_THREADS": "1"}


@contextmanager
def family(process: subprocess.Popen[str]) -> Iterator[set[psutil.Process]]:
    """Collects the descendants of a process while it lives, and insists at the end that none of them has survived it."""
    members: set[psutil.Process] = set()
    try:
        yield members
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    _, alive = psutil.wait_procs(list(members), timeout=5)
    assert alive == []


def descendants(process: subprocess.Popen[str]) -> set[psutil.Process]:
    return set(psutil.Process(process.pid).children(recursive=True))


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "loa", *arguments]
    environment = surroundings(**variables)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)


def lines_until(process: subprocess.Popen[str], pattern: str) -> str:
    """What the process prints on standard output, up to a line that matches."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if re.search(pattern, line):
            return seen
    raise AssertionError(f"it ended without a line like {pattern!r}; it said: {seen}{process.stderr.read() if process.stderr else ''}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_up_serves_until_it_is_told_to_stop(tmp_path: Path, number: int, code: int) -> None:
    process = start(tmp_path, "up", "--port", "0", "--data-dir", str(tmp_path / "data"), **SINE)
    with family(process) as members:
        welcome = lines_until(process, "Ctrl-C stops everything")
        url = re.search(r"Loa is ready at (\S+)", welcome)
        assert url is not None
        assert f"curl -s '{url[1]}/v1/jobs?wait=60'" in welcome
        members |= descendants(process)
        assert len(members) >= 4  # broker, two workers, API, and the workers' own processes
        client = Client(url[1])
        job = client.wait(client.submit("Good morning.", voice="sine")["id"], timeout=60)
        assert job["state"] == "succeeded"
        members |= descendants(process)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code
    for step in ("broker: answers at", f"api: answers at {url[1]}", "hot on cpu"):
        assert step in said
    assert "Traceback" not in said


def test_up_says_why_it_cannot_start(tmp_path: Path, client: Client) -> None:
    port = client.url.rpartition(":")[2]  # taken by the service of the other tests
    process = start(tmp_path, "up", "--port", port, "--data-dir", str(tmp_path / "data"), **SINE)
    with family(process):
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert said.splitlines() == [
        f"error: port {port} of 127.0.0.1 is in use",
        "Stop the program that listens there, or choose another port with --port or LOA_PORT (0: any free port).",
    ]


def test_demo_with_the_default_voice(tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "tmp").mkdir()
    process = start(tmp_path, "demo", TMPDIR=str(tmp_path / "tmp"), LOA_DATA_DIR=str(tmp_path / "usual"))
    with family(process):
        table, steps = process.communicate(timeout=240)
        assert process.returncode == 0, steps
    for step in (
        "broker: answers",
        "api: answers",
        "load vits:",
        "hot on",
        "voice: joe (the default)",
        "1/1 segments",
        "stopping",
    ):
        assert step in steps
    figures = dict(re.split(" {2,}", line.strip(), maxsplit=1) for line in table.splitlines() if line.strip())
    assert list(figures) == [
        "start of the service, paid once",
        "queue wait",
        "set-up paid by this job",
        "synthesis",
        "from submission to the end",
        "audio length",
        "real-time factor",
        "written",
    ]
    assert figures["set-up paid by this job"] == "0 ms"
    audio = soundfile.info(tmp_path / "demo.wav")
    assert audio.samplerate == 22050
    assert 8 < audio.duration < 25
    assert word_error_rate(TEXT, listener.hear(tmp_path / "demo.wav")) <= 0.20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.wav", "tmp"]
    assert list((tmp_path / "tmp").glob("loa-*")) == []  # torch leaves a cache of its own there


def test_word_error_rate() -> None:
    assert word_error_rate("One, two: three four.", "one two THREE four") == 0
    assert word_error_rate("one two three four", "one too three") == 0.5
    assert word_error_rate("don't", "don’t") == 0
    assert word_error_rate("one", "one two three") == 2


def test_demo_with_a_voice_of_this_machine(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", "--voice", "sine", "--text", "Good morning.", "-o", "tone.flac", "--json", **SINE)
    with family(process):
        out, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    figures = json.loads(out)
    assert figures["file"] == "tone.flac"
    assert figures["job"]["state"] == "succeeded"
    assert soundfile.info(tmp_path / "tone.flac").format == "FLAC"


@pytest.mark.parametrize(
    ("variables", "cause"),
    [
        ({"LOA_SINE_START_FAULT": "raise"}, "speak"),
        ({"LOA_ENGINES": "nonsense"}, "nonsense"),
    ],
)
def test_demo_shows_why_it_failed(tmp_path: Path, variables: dict[str, str], cause: str) -> None:
    process = start(tmp_path, "demo", "--voice", "sine", **{**SINE, **variables})
    with family(process):
        out, said = process.communicate(timeout=200)
    assert process.returncode == 1
    assert out == ""
    assert cause in said
    assert said.splitlines()[-1].startswith(("Read the lines above", "Correct the environment variable"))
    assert not (tmp_path / "demo.wav").exists()


def test_ctrl_c_during_the_start_of_a_demo(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", **SINE)
    with family(process) as members:
        assert process.stderr is not None
        for line in process.stderr:
            if "api: answers" in line:
                break
        members |= descendants(process)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped"
