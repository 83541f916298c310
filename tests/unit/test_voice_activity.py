"""Where somebody speaks: as Silero's own code finds it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr

from loa import voice_activity
from loa.errors import PartMissing
from loa.voice_activity import FRAME, MARGIN, SAMPLE_RATE, Stretch, speech_probabilities, speech_stretches
from tests.spoken import RATE, spoken

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own: it loads torch, and sets the number of its threads for all.
THEIRS = """
import json, sys, numpy as np, torch
from silero_vad import get_speech_timestamps, load_silero_vad
found = get_speech_timestamps(torch.from_numpy(np.load(sys.argv[1])), load_silero_vad())
print(json.dumps([[one["start"], one["end"]] for one in found]))
"""


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """At 16 kHz, with silences of every length in between, so that stretches begin, end, merge and touch."""
    pcm = soxr.resample(spoken(), RATE, SAMPLE_RATE)
    words = np.array_split(pcm, 23)
    gaps = [np.zeros(number * 400, dtype=np.float32) for number in range(len(words))]
    return np.concatenate([part for word, gap in zip(words, gaps, strict=True) for part in (gap, word)]).astype(np.float32)


def test_stretches_are_those_of_silero(speech: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "speech.npy", speech)
    command = [sys.executable, "-c", THEIRS, str(tmp_path / "speech.npy")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    assert len(theirs) > 5
    assert [list(stretch) for stretch in speech_stretches(speech)] == theirs


def test_nobody_speaks_in_noise_and_silence() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(5 * SAMPLE_RATE).astype(np.float32)
    assert speech_stretches(noise) == []
    assert speech_stretches(np.zeros(5 * SAMPLE_RATE, dtype=np.float32)) == []
    assert speech_stretches(np.zeros(0, dtype=np.float32)) == []


def test_a_part_of_a_frame_is_judged_too(speech: np.ndarray) -> None:
    assert len(speech_probabilities(speech[: 10 * FRAME + 1])) == 11
    assert speech_probabilities(speech[: 10 * FRAME + 1])[:10] == pytest.approx(speech_probabilities(speech[: 10 * FRAME]))


@pytest.mark.parametrize(
    ("probabilities", "wanted"),
    [
        ([0.0] * 5 + [0.9] * 20 + [0.0] * 9, [(5 * FRAME - MARGIN, 25 * FRAME + MARGIN)]),
        ([0.9] * 20, [(0, 20 * FRAME)]),  # no margin beyond the recording
        ([0.0] * 5 + [0.9] * 6 + [0.0] * 9, []),  # too short to be speech
        ([0.9] * 10 + [0.1] * 3 + [0.9] * 10, [(0, 23 * FRAME)]),  # a pause too short to end it
        ([0.9] * 10 + [0.1] * 5 + [0.9] * 10, [(0, 10 * FRAME + MARGIN), (15 * FRAME - MARGIN, 25 * FRAME)]),
        ([0.9] * 10 + [0.4] * 9 + [0.9] * 10, [(0, 29 * FRAME)]),  # in doubt, it goes on
        ([0.4] * 20, []),  # in doubt, it does not begin
    ],
)
def test_how_probabilities_become_stretches(
    probabilities: list[float], wanted: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_activity, "speech_probabilities", lambda pcm: np.array(probabilities))
    assert speech_stretches(np.zeros(len(probabilities) * FRAME, dtype=np.float32)) == [Stretch(*stretch) for stretch in wanted]


def test_stretches_that_touch_share_what_is_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_activity, "MARGIN", 2000)
    monkeypatch.setattr(voice_activity, "speech_probabilities", lambda pcm: np.array([0.9] * 10 + [0.1] * 5 + [0.9] * 10))
    first, second = speech_stretches(np.zeros(25 * FRAME, dtype=np.float32))
    assert first.end == second.start == 12 * FRAME + FRAME // 2


def test_neither_torch_nor_silero_is_imported() -> None:
    script = """
import numpy as np, sys
from loa.voice_prompt import Recording, judge, read_recording
from loa.voice_activity import speech_probabilities
speech_probabilities(np.zeros(16000, dtype=np.float32))
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "torchaudio", "silero_vad"}


def test_a_part_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    second = np.zeros(SAMPLE_RATE, dtype=np.float32)
    found = importlib.util.find_spec("silero_vad")
    assert found is not None
    monkeypatch.setattr(voice_activity, "MODEL", Path("data", "absent.onnx"))
    with pytest.raises(PartMissing, match=r"silero-vad 6\.2\.3"):
        speech_probabilities(second)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PartMissing, match="silero-vad"):
        speech_probabilities(second)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PartMissing, match="onnxruntime"):
        speech_probabilities(second)
