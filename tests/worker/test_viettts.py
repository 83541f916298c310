"""VietTTS from the pull to the sound, with a tiny random model: real files over HTTP, a real worker, real voices, and a restart."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from loa.broker import Broker
from loa.engine_files import bundles
from loa.recordings import STATES
from loa.states import State
from tests.engines.viettts import published, tiny_frontend
from tests.spoken import RATE, spoken
from tests.unit.file_server import FileServer, file_server
from tests.worker.fleet import ROOT, Fleet

VOICES = ("quynh", "cdteam", "nu-nhe-nhang")
START = 120.0  # seconds: three voices are heard for the first time
TEXTS = (
    "Xin chào các bạn.",
    "Hôm nay trời đẹp quá, chúng ta đi dạo một vòng quanh hồ nhé! Chiều về, tôi sẽ kể cho bạn nghe câu chuyện về con rùa ở hồ này.",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """What the hub has: the engine's files, and recordings of three voices as different as those of the original."""
    folder = tmp_path_factory.mktemp("published")
    published.write(folder)
    tiny_frontend.write(folder, vocabulary=published.TINY.flow.vocabulary)
    with file_server() as server:
        server.files |= {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
        speech = spoken()
        for name, pcm in zip(VOICES, (speech, np.stack([speech, 0.5 * speech], axis=1), 0.8 * speech[: 8 * RATE]), strict=True):
            recording = io.BytesIO()
            soundfile.write(recording, pcm, RATE, format="WAV")
            server.files[f"/{name}.wav"] = recording.getvalue()
        yield server


@pytest.fixture(scope="module")
def fleet(server: FileServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("viettts")
    data = folder / "data"
    for kind in ("engines", "voices"):
        (data / kind).mkdir(parents=True)
    (data / "engines" / "viettts.toml").write_text(
        manifest("viettts", {file.role: file.name for file in bundles()["viettts"].files}, server.url, 'title = "VietTTS, tiny"\n')
    )
    for name in VOICES:
        about = f'title = "{name}"\nengine = "viettts"\nlanguage = "vi-VN"\nsample_rate = 22050\ncommon = true\n'
        (data / "voices" / f"{name}.toml").write_text(manifest(name, {"prompt": f"{name}.wav"}, server.url, about))
    with Broker(folder / "redis") as broker:
        fleet = Fleet(folder, broker.url, engines="viettts", lease=10.0, beat=2.0)
        loa(fleet, "engines", "pull", "viettts", "--yes")
        for name in VOICES:
            loa(fleet, "voices", "pull", name, "--yes")
        yield fleet
        fleet.close()


def manifest(name: str, files: dict[str, str], url: str, about: str) -> str:
    rows = "".join(f'\n[[files]]\nrole = "{role}"\nname = "{file}"\nurl = "{url}/{file}"\n' for role, file in files.items())
    return f'{about}source = "{url}/{name}"\nlicence = "CC BY-NC"\ncommercial_use = false\nnotice = "Random."\n{rows}'


def loa(fleet: Fleet, *arguments: str) -> str:
    environment = {**os.environ, **fleet.settings.environment()}
    done = subprocess.run([sys.executable, "-m", "loa", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_pulled_is_shown_with_its_licence(fleet: Fleet) -> None:
    engine = json.loads(loa(fleet, "engines", "show", "viettts", "--json"))
    assert (engine["installed"], engine["words_timed"], engine["needs"]["commercial_use"]) == (True, False, False)
    record = json.loads((Path(fleet.settings.data_dir) / "engines" / "viettts" / "pulled.json").read_text())
    assert record["licence"] == "CC BY-NC"


def test_three_voices_speak_and_a_restart_hears_none_of_them_again(fleet: Fleet) -> None:
    first = fleet.worker("speak")
    fleet.worker("plan,assemble")
    (slot,) = first.hot()
    assert set(slot.voices) == set(VOICES)
    assert {"load viettts", "warm viettts", "preload", "speak"} <= slot.steps.keys()
    assert first.log.count("is open, to hear a voice") == 2 * len(VOICES)
    assert len(list(fleet.artifacts.walk(f"{STATES}/viettts"))) == len(VOICES)

    jobs = fleet.all_ended([fleet.submit(text, voice=voice) for voice in VOICES for text in TEXTS], START)
    for job in jobs:
        assert job.state is State.SUCCEEDED, job.error
        assert job.setup_seconds == 0
    audio, rate = soundfile.read(io.BytesIO(fleet.artifacts.read(jobs[1].result["path"])))
    assert rate == 22050
    assert np.isfinite(audio).all()
    assert len(audio) / rate == pytest.approx(jobs[1].result["duration_seconds"], abs=0.001)
    timings = json.loads(fleet.artifacts.read(jobs[1].result["timings"]))
    assert timings["words_timed"] is False
    words = [word for segment in timings["segments"] for word in segment["words"]]
    assert [word["text"] for word in words] == TEXTS[1].split()
    assert all(one["end"] <= two["start"] + 0.001 for one, two in pairwise(words))

    assert first.end() == 0
    second = fleet.worker("speak")
    (slot,) = second.hot()
    assert set(slot.voices) == set(VOICES)
    assert "is open, to hear a voice" not in second.log
    assert second.log.count("taken from the artifact store") == len(VOICES)
    job = fleet.ended(fleet.submit("Và bây giờ là một câu khác.", voice=VOICES[0]), START)
    assert job.state is State.SUCCEEDED, job.error
    assert job.setup_seconds == 0
