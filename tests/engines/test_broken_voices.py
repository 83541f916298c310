"""Files that are no voice, or not a whole one: the error names the file and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from loa.errors import BrokenManifest, BrokenVoice
from tests.engines import tiny_voice
from worker.engines.vits import Engine


def refused(vits: Engine, files: dict[str, Path], *parts: str) -> None:
    """Loading fails, and the message holds all `parts`."""
    with pytest.raises(BrokenVoice) as caught:
        vits.make_voice(tiny_voice.voice(), files)
    for part in parts:
        assert part in caught.value.message


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_model(vits: Engine, tmp_path: Path, share: float) -> None:
    files = tiny_voice.write(tmp_path)
    whole = files["model"].read_bytes()
    files["model"].write_bytes(whole[: int(len(whole) * share)])
    refused(vits, files, str(files["model"]))


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:58afce\nsize 63201294\n",
        b"\x00" * 1000,
        b"PK\x03\x04" + b"x" * 500,
    ],
    ids=["page", "pointer", "zeros", "zip"],
)
def test_a_model_file_that_is_something_else(vits: Engine, tmp_path: Path, content: bytes) -> None:
    files = tiny_voice.write(tmp_path)
    files["model"].write_bytes(content)
    refused(vits, files, str(files["model"]))


def test_a_model_file_that_is_away(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    files["model"].unlink()
    refused(vits, files, str(files["model"]), "No such file")


def test_a_flipped_bit_in_a_size(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    model = onnx.load(files["model"])
    model.graph.initializer[3].dims[0] += 1
    onnx.save(model, files["model"])
    refused(vits, files, str(files["model"]), "damaged")


def test_another_network(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    weight = numpy_helper.from_array(np.ones((4, 4), dtype=np.float32), "fc.weight")
    node = helper.make_node("MatMul", ["x", "fc.weight"], ["y"], name="/fc/MatMul")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    onnx.save(helper.make_model(helper.make_graph([node], "g", values[:1], values[1:], [weight])), files["model"])
    refused(vits, files, str(files["model"]), "not a Piper voice")


def changed(files: dict[str, Path], change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    weights = tiny_voice.weights()
    change(weights)
    onnx.save(tiny_voice.graph(weights), files["model"])


@pytest.mark.parametrize(
    "name",
    [
        "enc_p.proj.bias",
        "flow.flows.2.enc.in_layers.1.weight",
        "dp.flows.0.logs",
        "dec.conv_post.weight",
        "dp.flows.5.convs.norms_1.1.beta",
    ],
)
def test_a_missing_weight(vits: Engine, tmp_path: Path, name: str) -> None:
    files = tiny_voice.write(tmp_path)
    changed(files, lambda weights: weights.pop(name))
    refused(vits, files, str(files["model"]), "Piper voice")


def test_a_weight_too_many(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    changed(files, lambda weights: weights.update({"dec.extra.weight": np.ones((3, 3, 1), dtype=np.float32)}))
    refused(vits, files, "not known: dec.extra.weight")


def test_a_weight_that_nothing_names(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    model = onnx.load(files["model"])
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3, 3), dtype=np.float32), "onnx::MatMul_1"))
    onnx.save(model, files["model"])
    refused(vits, files, "onnx::MatMul_1")


def test_a_weight_of_another_shape(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    changed(files, lambda weights: weights.update({"dp.pre.bias": np.ones(7, dtype=np.float32)}))
    refused(vits, files, "durations.entry.bias", "(7,) instead of (16,)")


def test_a_weight_that_is_not_a_number(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    changed(files, lambda weights: weights["enc_p.proj.weight"].__setitem__((0, 0, 0), np.nan))
    refused(vits, files, "encoder.prior.weight", "not numbers")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "no JSON"),
        (b'{"audio": ', "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[1, 2]", "object"),
        (b"{}", "'audio'"),
        (b'{"audio": {"sample_rate": "fast"}}', "fast"),
    ],
)
def test_a_broken_configuration(vits: Engine, tmp_path: Path, content: bytes, part: str) -> None:
    files = tiny_voice.write(tmp_path)
    files["config"].write_bytes(content)
    refused(vits, files, str(files["config"]), part)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"phoneme_type": "pinyin"}, "pinyin"),
        ({"phoneme_id_map": {"a": [1]}}, "'_'"),
        ({"phoneme_id_map": ["a"]}, "items"),
        ({"audio": {"sample_rate": 0}}, "sample_rate is 0"),
        ({"inference": {"length_scale": -1}}, "length_scale"),
        ({"inference": {"noise_scale": "much"}}, "much"),
        ({"espeak": {"voice": "klingon-opera"}}, "klingon-opera"),
        ({"num_speakers": 4}, "4 speakers"),
        ({"phoneme_id_map": {**tiny_voice.config()["phoneme_id_map"], "x": [5000]}}, "5000"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_configuration_of_another_voice(vits: Engine, tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    files = tiny_voice.write(tmp_path)
    files["config"].write_text(json.dumps({**tiny_voice.config(), **changes}), encoding="utf-8")
    refused(vits, files, str(files["config"]), part)


def test_a_manifest_without_a_file(vits: Engine, tmp_path: Path) -> None:
    files = tiny_voice.write(tmp_path)
    with pytest.raises(BrokenManifest, match="config"):
        vits.make_voice(tiny_voice.voice(), {"model": files["model"]})
