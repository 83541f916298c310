"""The two networks that listen to a recording: what they are given, and what is believed of what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from loa.errors import BrokenEngine
from tests.engines.viettts import tiny_frontend
from worker.engines.viettts.features import fbank, log_mel_128
from worker.engines.viettts.frontend import LONGEST, Frontend

RATE = 16_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tiny_frontend.write(tmp_path_factory.mktemp("frontend"))


def noise(samples: int, seed: int = 1) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def test_both_hear_their_features(files: tuple[Path, Path]) -> None:
    frontend = Frontend(*files)
    pcm = noise(RATE * 3 + 77)
    speaker, tokens = frontend.speaker(pcm), frontend.tokens(pcm)
    wanted = onnxruntime.InferenceSession(files[0]).run(None, {"feats": fbank(pcm).numpy()})[0]
    assert (speaker.dtype, speaker.shape) == (torch.float32, (192,))
    assert speaker.numpy() == pytest.approx(wanted[0])
    mel = log_mel_128(pcm).numpy()
    length = np.array([mel.shape[2]], dtype=np.int32)
    wanted = onnxruntime.InferenceSession(files[1]).run(None, {"feats": mel, "feats_length": length})[0]
    assert (tokens.dtype, tokens.shape) == (torch.int64, (75,))
    assert tokens.tolist() == wanted[0].tolist()
    assert len(tokens.unique()) > 5


def test_of_a_long_recording_the_first_half_minute_is_said(files: tuple[Path, Path]) -> None:
    pcm = noise(LONGEST + RATE)
    frontend = Frontend(*files)
    assert torch.equal(frontend.tokens(pcm), frontend.tokens(pcm[:LONGEST]))
    assert len(frontend.tokens(pcm)) == 750


def test_sessions_are_opened_late_once_and_closed(files: tuple[Path, Path]) -> None:
    with Frontend(*files) as frontend:
        assert frontend.sessions_made == 0
        first = frontend.speaker(noise(RATE))
        frontend.speaker(noise(RATE, seed=2))
        assert frontend.sessions_made == 1
        frontend.tokens(noise(RATE))
        assert frontend.sessions_made == 2
    assert frontend._sessions == {}
    assert torch.equal(frontend.speaker(noise(RATE)), first)
    assert frontend.sessions_made == 3


def test_other_sizes(tmp_path: Path) -> None:
    files = tiny_frontend.write(tmp_path, speaker_size=12, vocabulary=50)
    frontend = Frontend(*files, speaker_size=12, vocabulary=50)
    assert frontend.speaker(noise(RATE)).shape == (12,)
    assert frontend.tokens(noise(RATE)).max() < 50
    small = Frontend(*files, speaker_size=11, vocabulary=2)
    with pytest.raises(BrokenEngine, match=r"embedding float32 \[1, 12\]"):
        small.speaker(noise(RATE))
    with pytest.raises(BrokenEngine, match="tokens from"):
        small.tokens(noise(RATE))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    absent, damaged = tmp_path / "absent.onnx", tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no network" * 10)
    frontend = Frontend(absent, damaged)
    with pytest.raises(BrokenEngine, match=r"absent\.onnx cannot be read: No such file"):
        frontend.speaker(noise(RATE))
    with pytest.raises(BrokenEngine, match=r"damaged\.onnx is damaged or no ONNX file \(100 bytes\)") as caught:
        frontend.tokens(noise(RATE))
    assert caught.value.details == {"file": "damaged.onnx"}


def test_networks_that_were_exchanged_are_found_out(files: tuple[Path, Path]) -> None:
    frontend = Frontend(files[1], files[0])
    with pytest.raises(BrokenEngine, match=r"speech_tokenizer\.onnx is another network than it should be: it has the inputs"):
        frontend.speaker(noise(RATE))
    with pytest.raises(BrokenEngine, match=r"speech_embedding\.onnx is another network"):
        frontend.tokens(noise(RATE))
    assert frontend.sessions_made == 0


def embedding_of(operator: str, bins: int, tmp_path: Path) -> Frontend:
    feats = helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, "T", bins])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, "T", bins])
    made = tiny_frontend.model([helper.make_node(operator, ["feats"], ["output"])], [feats], [output])
    onnx.save(made, tmp_path / "one.onnx")
    return Frontend(tmp_path / "one.onnx", tmp_path / "none.onnx", speaker_size=98 * 80)


def test_what_is_no_embedding_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(BrokenEngine, match="an embedding"):
        embedding_of("Log", 80, tmp_path).speaker(noise(RATE))  # not numbers
    with pytest.raises(BrokenEngine, match="no answer to sound"):
        embedding_of("Exp", 40, tmp_path).speaker(noise(RATE))  # of other features


def test_what_are_no_tokens_is_not_believed(tmp_path: Path) -> None:
    feats = helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, 128, "T"])
    length = helper.make_tensor_value_info("feats_length", TensorProto.INT32, [1])
    output = helper.make_tensor_value_info("indices", TensorProto.INT64, [1, "N"])
    every_frame = [
        helper.make_node("ArgMax", ["feats"], ["all"], axis=1, keepdims=0),
        helper.make_node("Cast", ["feats_length"], ["count"], to=TensorProto.INT64),
        helper.make_node("Slice", ["all", "zero", "count"], ["indices"]),
    ]
    onnx.save(tiny_frontend.model(every_frame, [feats, length], [output], zero=np.array([0])), tmp_path / "one.onnx")
    with pytest.raises(BrokenEngine, match="100 tokens of int64 for 100 frames"):
        Frontend(tmp_path / "none.onnx", tmp_path / "one.onnx").tokens(noise(RATE))
