"""From a recording to what the model needs to know of a voice."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from loa.errors import BrokenVoice
from loa.voice_activity import Stretch, speech_stretches
from tests.engines.viettts import tiny_frontend
from tests.spoken import RATE, spoken
from worker.engines.viettts.features import prompt_mel
from worker.engines.viettts.frontend import Frontend
from worker.engines.viettts.prompt import chosen, make_prompt, read_prompt
from worker.resample import torchaudio

SECOND = 16_000
VOICE = ("embedding", "prompt_tokens", "prompt_mel")


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Frontend:
    return Frontend(*tiny_frontend.write(tmp_path_factory.mktemp("frontend")))


def saved(path: Path, pcm: np.ndarray, rate: int = RATE, **how: str) -> Path:
    target = io.BytesIO()
    soundfile.write(target, pcm, rate, **{"format": "WAV", **how})
    path.write_bytes(target.getvalue())
    return path


# --- which seconds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stretches", "samples", "wanted"),
    [
        ([(1, 3), (4, 8), (9, 13)], 20, (4, 8)),  # the first that is neither too short nor too long
        ([(1, 4)], 20, (1, 4)),
        ([(1, 6)], 20, (1, 6)),
        ([(2, 15)], 20, (2, 7)),  # too long: its first five seconds
        ([(2, 3), (4, 6)], 20, (2, 7)),  # too short, all of them: five seconds from the first
        ([(7, 9)], 10, (5, 10)),  # too near to the end
        ([(1, 2)], 4, (0, 4)),
        ([], 20, (0, 5)),
        ([], 4, (0, 4)),
    ],
)
def test_which_seconds_are_taken(stretches: list[tuple[int, int]], samples: int, wanted: tuple[int, int]) -> None:
    found = [Stretch(start * SECOND, end * SECOND) for start, end in stretches]
    assert chosen(found, samples * SECOND) == (wanted[0] * SECOND, wanted[1] * SECOND)


def test_a_recording_becomes_three_to_five_seconds_of_speech(tmp_path: Path) -> None:
    hush = np.zeros(2 * RATE, dtype=np.float32)
    pcm = read_prompt(saved(tmp_path / "voice.wav", np.concatenate([hush, spoken()])))
    assert (pcm.dtype, pcm.dim()) == (torch.float32, 1)
    assert 3 * SECOND <= len(pcm) <= 5 * SECOND
    ((start, end), *_) = speech_stretches(pcm.numpy())
    assert start < SECOND // 10
    assert end - start > SECOND


def test_format_rate_and_channels_do_not_matter(tmp_path: Path) -> None:
    plain = read_prompt(saved(tmp_path / "plain.wav", spoken(), subtype="FLOAT"))
    stereo = np.stack([spoken(), spoken()], axis=1)
    flac = read_prompt(saved(tmp_path / "voice.flac", stereo, format="FLAC", subtype="PCM_24"))
    assert flac.numpy() == pytest.approx(plain.numpy(), abs=1e-5)
    mp3 = read_prompt(saved(tmp_path / "voice.mp3", stereo, format="MP3"))
    assert abs(len(mp3) - len(plain)) < SECOND / 4


def test_a_loud_recording_is_turned_down_and_a_quiet_one_left_alone(tmp_path: Path) -> None:
    loud = spoken() / np.abs(spoken()).max()
    assert read_prompt(saved(tmp_path / "loud.wav", loud, subtype="FLOAT")).abs().max() <= 0.9001
    quiet = read_prompt(saved(tmp_path / "quiet.wav", loud * 0.1, subtype="FLOAT"))
    assert 0.03 < quiet.abs().max() < 0.11


def test_what_cannot_be_read_is_a_broken_voice(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"nothing of the kind")
    with pytest.raises(BrokenVoice, match=r"^bad\.wav: this is no audio file") as caught:
        read_prompt(bad)
    assert caught.value.details == {"file": "bad.wav"}
    with pytest.raises(BrokenVoice, match=r"absent\.wav: .* cannot be read"):
        read_prompt(tmp_path / "absent.wav")
    with pytest.raises(BrokenVoice, match=r"lasts 0\.5 s"):
        read_prompt(saved(tmp_path / "short.wav", spoken()[: RATE // 2]))


# --- what the model gets -----------------------------------------------------------------------------------------------


def test_a_prompt_is_a_plain_dict_of_tensors_of_the_same_seconds(frontend: Frontend) -> None:
    pcm = torch.from_numpy(np.resize(spoken(), 4 * SECOND + 123))
    prompt = make_prompt(pcm, frontend)
    assert tuple(prompt) == VOICE
    assert {name: (tensor.dtype, tensor.dim()) for name, tensor in prompt.items()} == {
        "embedding": (torch.float32, 1),
        "prompt_tokens": (torch.int64, 1),
        "prompt_mel": (torch.float32, 2),
    }
    seconds = len(pcm) / SECOND
    assert len(prompt["prompt_tokens"]) == int(25 * seconds)
    assert len(prompt["prompt_mel"]) == int(22050 * seconds / 256)
    assert torch.equal(prompt["embedding"], frontend.speaker(pcm))


def test_the_mel_is_that_of_the_reference_for_the_same_sound(frontend: Frontend) -> None:
    pcm = torch.from_numpy(np.resize(spoken(), 3 * SECOND))
    wide = torchaudio().transforms.Resample(orig_freq=16000, new_freq=22050)(pcm)
    ours = make_prompt(pcm, frontend)["prompt_mel"]
    assert ours.shape == prompt_mel(wide).shape
    assert (ours - prompt_mel(wide)).abs().max() <= 1e-4


def test_of_a_long_prompt_all_parts_are_cut_alike(frontend: Frontend) -> None:
    prompt = make_prompt(torch.from_numpy(np.resize(spoken(), 31 * SECOND)), frontend)
    assert len(prompt["prompt_tokens"]) == 750
    assert len(prompt["prompt_mel"]) == int(22050 * 30 / 256)
