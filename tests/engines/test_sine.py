"""The engine of queue tests keeps the protocol."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from loa.errors import Unspeakable
from loa.settings import Settings
from tests.engines import tiny_voice
from worker.engines.base import Passage, Speech, VoiceState
from worker.engines.sine import BREAK, DIE, RAISE, Engine
from worker.synthesis import DeviceLost, speak


@pytest.fixture
def engine() -> Engine:
    sine = Engine()
    sine.load(torch.device("cpu"), Settings.load({}))
    return sine


@pytest.fixture
def voice(engine: Engine) -> VoiceState:
    return engine.make_voice(tiny_voice.voice("sine"), {})


def test_a_tone(engine: Engine, voice: VoiceState) -> None:
    (speech,) = engine.synthesize([Passage(text="Hello, good world!", voice=voice)])
    assert isinstance(speech, Speech)
    assert speech.pcm.dtype == np.float32
    assert 0.2 < np.abs(speech.pcm).max() <= 0.3
    assert [(word.text, word.offset) for word in speech.words] == [("Hello,", 0), ("good", 7), ("world!", 12)]
    assert speech.words[0].start == 0
    assert speech.words[-1].end == pytest.approx(speech.seconds)
    assert voice.nbytes == 8


def test_text_seed_and_speed_decide(engine: Engine, voice: VoiceState) -> None:
    one, again, seed, text, fast = engine.synthesize(
        [
            Passage(text="one two", voice=voice, seed=1),
            Passage(text="one two", voice=voice, seed=1),
            Passage(text="one two", voice=voice, seed=2),
            Passage(text="two one", voice=voice, seed=1),
            Passage(text="one two", voice=voice, seed=1, speed=2.0),
        ]
    )
    assert np.array_equal(one.pcm, again.pcm)
    assert not np.allclose(one.pcm, seed.pcm)
    assert not np.allclose(one.pcm, text.pcm)
    assert fast.seconds == pytest.approx(one.seconds / 2, abs=1e-3)


def test_nothing_to_say(engine: Engine, voice: VoiceState) -> None:
    bad, good = engine.synthesize([Passage(text="?!", voice=voice), Passage(text="a", voice=voice)])
    assert isinstance(bad, Unspeakable)
    assert isinstance(good, Speech)


def test_faults_need_to_be_allowed(engine: Engine, voice: VoiceState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOA_SINE_FAULTS", raising=False)  # the end-to-end service of this session is allowed to fail
    passage = Passage(text=f"ask {RAISE}", voice=voice)
    assert isinstance(engine.synthesize([passage])[0], Speech)
    monkeypatch.setenv("LOA_SINE_FAULTS", "1")
    with pytest.raises(RuntimeError, match="asked for"):
        engine.synthesize([passage])


def test_faults_may_end(engine: Engine, voice: VoiceState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "faults"
    monkeypatch.setenv("LOA_SINE_FAULTS", str(wanted))
    passage = Passage(text=f"ask {RAISE}", voice=voice)
    wanted.touch()
    with pytest.raises(RuntimeError, match="asked for"):
        engine.synthesize([passage])
    wanted.unlink()
    assert isinstance(engine.synthesize([passage])[0], Speech)


def test_a_broken_device_stays_broken(engine: Engine, voice: VoiceState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_SINE_FAULTS", "1")
    monkeypatch.setattr(torch.cuda, "synchronize", torch.cuda.synchronize)  # put back afterwards
    with pytest.raises(DeviceLost):
        speak(engine, [Passage(text="fine", voice=voice), Passage(text=f"ask {BREAK}", voice=voice)])


def test_memory_for_some_passages_is_used_for_all(
    engine: Engine, voice: VoiceState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOA_SINE_MEMORY", "2")
    monkeypatch.setenv("LOA_SINE_JOURNAL", str(tmp_path / "journal"))
    outcomes = speak(engine, [Passage(text=f"number {index}", voice=voice) for index in range(5)])
    assert all(isinstance(outcome, Speech) for outcome in outcomes)
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [len(line["texts"]) for line in lines] == [5, 3, 2, 1, 2]
    assert {line["pid"] for line in lines} == {os.getpid()}


def _die() -> None:
    engine = Engine()
    engine.synthesize([Passage(text=DIE, voice=engine.make_voice(tiny_voice.voice("sine"), {}))])


def test_a_process_can_be_made_to_die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_SINE_FAULTS", "1")
    process = multiprocessing.get_context("spawn").Process(target=_die)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
