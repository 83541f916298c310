"""Our model beside two others: onnxruntime on the very same voice, and Piper's own PyTorch model exported as Piper exports it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from piper import PiperVoice
from torch import nn

from tests.engines import tiny_voice
from worker.engines.base import Passage, VoiceState
from worker.engines.vits import Engine
from worker.engines.vits.synthesis import Batching, Line, Manner, speak
from worker.engines.vits.weights import load_vits

TEXTS = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through.",
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
    "Hello!",
    "Yes.",
    "Why not?",
    "Who goes there, friend or foe?",
    "In 1984, the price was 3.14 dollars.",
    "Call me at 555-0199 before noon; I'll be at home.",
    "She said: never again!",
    "One, two, three, four, five, six, seven.",
    "The U.S. and the U.K. signed it.",
    "Naïve café owners love déjà vu.",
    "An hour later the honest heir was at the harbour.",
    "Wait... what was that?",
    "It costs 25% more than last year.",
    "The e-mail went to nobody in particular.",
    "“Curiouser and curiouser,” cried Alice.",
    "Rhythm and blues (and soul) fill the night.",
    "Through the rough cough and hiccough he ploughed on.",
    "To be, or not to be, that is the question: whether it is nobler in the mind to suffer the slings and arrows of outrageous fortune.",
    "Zebras zigzag.",
    "The quick brown fox jumps over the lazy dog, and the dog, being lazy, does not mind in the least.",
)


@pytest.fixture(scope="module")
def piper(joe_files: dict[str, Path]) -> PiperVoice:
    return PiperVoice.load(joe_files["model"], joe_files["config"])


def test_there_are_forty_different_texts() -> None:
    assert len(set(TEXTS)) == 40


@pytest.mark.parametrize("text", TEXTS)
def test_joe_sounds_as_in_onnxruntime(text: str, plain_vits: Engine, joe: VoiceState, piper: PiperVoice) -> None:
    (phonemes,) = piper.phonemize(text)
    ids = np.array([piper.phonemes_to_ids(phonemes)])
    scales = np.array([0.0, piper.config.length_scale, 0.0], dtype=np.float32)  # no noise
    inputs = {"input": ids, "input_lengths": np.array([ids.shape[1]]), "scales": scales}
    theirs = piper.session.run(None, inputs)[0].ravel()
    (speech,) = plain_vits.synthesize([Passage(text=text, voice=joe)])
    assert speech.pcm.shape == theirs.shape
    assert np.corrcoef(speech.pcm, theirs)[0, 1] >= 0.999
    assert np.abs(speech.pcm - theirs).max() <= 1e-3


@pytest.fixture(scope="module", params=[("medium", 1), ("medium", 3), ("high", 1), ("high", 3)], ids=lambda param: f"{param[0]}-{param[1]}")
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A random voice of each kind as Piper's training code makes and exports it: its .onnx, and how many speakers it has."""
    quality, speakers = request.param
    path = tmp_path_factory.mktemp("exported") / "voice.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Piper's code and torch's exporter use what torch calls deprecated
        _export(_piper_model(quality, speakers), path, speakers)
    return path, speakers


def test_an_exported_voice_sounds_as_in_onnxruntime(exported: tuple[Path, int]) -> None:
    path, speakers = exported
    session = onnxruntime.InferenceSession(str(path))
    model = load_vits(path, torch.device("cpu"))
    ids = np.random.default_rng(1).integers(1, tiny_voice.SYMBOLS, 60)
    speaker = speakers - 1
    inputs = {"input": ids[None], "input_lengths": np.array([60]), "scales": np.array([0, 1.3, 0], dtype=np.float32)}
    if speakers > 1:
        inputs["sid"] = np.array([speaker])
    theirs = session.run(None, inputs)[0].ravel()
    manner = Manner(noise_scale=0.0, duration_noise_scale=0.0, speaker=speaker)
    whole = Batching(id_grain=1, frame_grain=1, window_grain=1, rows=1, windows=1, window=64, warm_rows=1)
    (ours,) = speak(model, [Line(ids=ids.tolist(), pace=1.3, seed=0)], manner, whole)
    assert theirs.std() > 0.01  # there is something to compare
    assert ours.samples.shape == theirs.shape
    assert np.abs(ours.samples.numpy() - theirs).max() <= 1e-4
    assert int(ours.frames.sum()) * model.arch.hop == len(theirs)


def test_a_speaker_changes_the_sound(plain_vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path, tiny_voice.MEDIUM, speakers=3)
    voices = [plain_vits.make_voice(tiny_voice.voice(speaker=speaker), files) for speaker in (0, "p0", 2)]
    first, named, other = (plain_vits.synthesize([Passage(text="Good morning.", voice=voice)])[0] for voice in voices)
    assert np.array_equal(first.pcm, named.pcm)
    assert len(first.pcm) != len(other.pcm) or np.abs(first.pcm - other.pcm).max() > 0.01
    json.dumps(voices[0].facts)


def _piper_model(quality: str, speakers: int) -> nn.Module:
    from piper.train.vits.models import SynthesizerTrn

    decoder = tiny_voice.HIGH if quality == "high" else tiny_voice.MEDIUM
    model = SynthesizerTrn(
        n_vocab=tiny_voice.SYMBOLS,
        spec_channels=9,
        segment_size=8,
        inter_channels=tiny_voice.LATENT,
        hidden_channels=tiny_voice.CHANNELS,
        filter_channels=tiny_voice.FEEDFORWARD,
        n_heads=2,
        n_layers=2,
        kernel_size=3,
        p_dropout=0.1,
        resblock=decoder.block,
        resblock_kernel_sizes=decoder.block_kernels,
        resblock_dilation_sizes=decoder.dilations,
        upsample_rates=decoder.rates,
        upsample_initial_channel=decoder.channels,
        upsample_kernel_sizes=decoder.kernels,
        n_speakers=speakers,
        gin_channels=tiny_voice.SPEAKER_CHANNELS if speakers > 1 else 0,
    ).eval()
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():  # many begin as zeros, which would hide what they do
            fan = parameter[0].numel() if parameter.dim() > 1 else 25
            parameter.copy_(torch.randn(parameter.shape, generator=draw) / max(fan, 4) ** 0.5)
        model.dec.remove_weight_norm()
    return model


def _export(model: nn.Module, path: Path, speakers: int) -> None:
    def infer(ids: torch.Tensor, lengths: torch.Tensor, scales: torch.Tensor, sid: torch.Tensor | None = None) -> torch.Tensor:
        said = model.infer(ids, lengths, noise_scale=scales[0], length_scale=scales[1], noise_scale_w=scales[2], sid=sid)
        return said[0].unsqueeze(1)

    model.forward = infer
    sid = torch.tensor([0]) if speakers > 1 else None
    torch.onnx.export(
        model,
        (torch.ones(1, 50, dtype=torch.long), torch.tensor([50]), torch.tensor([0.667, 1.0, 0.8]), sid),
        str(path),
        opset_version=15,
        input_names=["input", "input_lengths", "scales", "sid"],
        output_names=["output"],
        dynamic_axes={
            "input": {0: "batch_size", 1: "phonemes"},
            "input_lengths": {0: "batch_size"},
            "output": {0: "batch_size", 2: "time"},
        },
        dynamo=False,
    )
