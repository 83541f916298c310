"""Two tiny random networks that take and give what CAM++ and the S3 tokenizer do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EMBEDDING, TOKENIZER = "speech_embedding.onnx", "speech_tokenizer.onnx"
OPSET, IR = 17, 9


def write(folder: Path, *, speaker_size: int = 192, vocabulary: int = 4096, seed: int = 1) -> tuple[Path, Path]:
    """Both files, under the names that the public model has."""
    onnx.save(embedding(speaker_size, seed), folder / EMBEDDING)
    onnx.save(tokenizer(vocabulary, seed), folder / TOKENIZER)
    return folder / EMBEDDING, folder / TOKENIZER


def embedding(speaker_size: int = 192, seed: int = 1) -> onnx.ModelProto:
    """[1, T, 80] → [1, speaker_size]: a projection of the mean power of every bin."""
    projection = np.random.default_rng(seed).standard_normal((80, speaker_size)).astype(np.float32)
    nodes = [
        helper.make_node("Mul", ["feats", "feats"], ["powers"]),
        helper.make_node("ReduceMean", ["powers"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["embedding"]),
    ]
    feats = helper.make_tensor_value_info("feats", TensorProto.FLOAT, ["B", "T", 80])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", speaker_size])
    return model(nodes, [feats], [output], projection=projection)


def tokenizer(vocabulary: int = 4096, seed: int = 1) -> onnx.ModelProto:
    """[1, 128, T] and the number of frames int32 [1] → ids int64 [1, that number / 4]: the loudest of random directions, every 4 frames."""
    directions = np.random.default_rng(seed).standard_normal((vocabulary, 128, 4)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["feats", "directions"], ["scores"], strides=[4]),
        helper.make_node("ArgMax", ["scores"], ["all"], axis=1, keepdims=0),
        helper.make_node("Cast", ["feats_length"], ["frames"], to=TensorProto.INT64),
        helper.make_node("Div", ["frames", "four"], ["count"]),
        helper.make_node("Slice", ["all", "zero", "count", "one"], ["indices"]),
    ]
    feats = helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, 128, "T"])
    length = helper.make_tensor_value_info("feats_length", TensorProto.INT32, [1])
    output = helper.make_tensor_value_info("indices", TensorProto.INT64, [1, "N"])
    constants = {name: np.array([value]) for name, value in (("zero", 0), ("one", 1), ("four", 4))}
    return model(nodes, [feats, length], [output], directions=directions, **constants)


def model(
    nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], **weights: np.ndarray
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(made)
    return made
