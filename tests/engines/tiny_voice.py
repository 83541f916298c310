"""Voices of a few hundred kilobytes with random weights, in files that look like Piper's: tests of loading need no voice of 60 MB.

The .onnx holds Piper's names, written down here a second time on purpose, and the exporter's habits: the first parameter is called "sid"
when a voice has one speaker, the flow's kernels are anonymous, weights of equal value are stored once, and the scale of the last duration
flow is folded into a constant. Its graph cannot be run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from loa.voices import Voice

SYMBOLS = 180
CHANNELS, LATENT, FEEDFORWARD, SPEAKER_CHANNELS = 16, 16, 24, 8
PHONEMES = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθᵻ0123456789ɓɗ̪ɲʂʈχɣɯɤ̩ʲăɨ"


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Where Piper's qualities differ: the decoder."""

    rates: tuple[int, ...]
    kernels: tuple[int, ...]  # of the transposed convolutions
    channels: int
    block: str  # "1": paired convolutions
    block_kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]


MEDIUM = Quality(rates=(8, 8, 4), kernels=(16, 16, 8), channels=32, block="2", block_kernels=(3, 5, 7), dilations=((1, 2), (2, 6), (3, 12)))
HIGH = Quality(
    rates=(8, 8, 2, 2), kernels=(16, 16, 4, 4), channels=32, block="1", block_kernels=(3, 7, 11), dilations=((1, 3, 5),) * 3
)  # fmt: skip


def weights(quality: Quality = MEDIUM, *, speakers: int = 1, seed: int = 0) -> dict[str, np.ndarray]:
    """Every parameter that a Piper voice speaks with, by Piper's name."""
    draw = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}

    def put(name: str, *shape: int, scale: float = 0.1) -> None:
        made[name] = (draw.standard_normal(shape) * scale).astype(np.float32)

    def conv(name: str, outputs: int, inputs: int, kernel: int = 1, *, bias: bool = True) -> None:
        put(f"{name}.weight", outputs, inputs, kernel, scale=1 / np.sqrt(inputs * kernel))
        if bias:
            put(f"{name}.bias", outputs)

    def norm(name: str) -> None:
        made[f"{name}.gamma"] = np.ones(CHANNELS, dtype=np.float32)  # equal in every norm: stored once, shared
        put(f"{name}.beta", CHANNELS)

    def separable(name: str) -> None:
        for layer in range(3):
            conv(f"{name}.convs_sep.{layer}", CHANNELS, 1, 3)
            conv(f"{name}.convs_1x1.{layer}", CHANNELS, CHANNELS)
            norm(f"{name}.norms_1.{layer}")
            norm(f"{name}.norms_2.{layer}")

    put("enc_p.emb.weight", SYMBOLS, CHANNELS)
    for layer in range(2):
        attention = f"enc_p.encoder.attn_layers.{layer}"
        for part in "qkvo":
            conv(f"{attention}.conv_{part}", CHANNELS, CHANNELS)
        put(f"{attention}.emb_rel_k", 1, 9, CHANNELS // 2)
        put(f"{attention}.emb_rel_v", 1, 9, CHANNELS // 2)
        norm(f"enc_p.encoder.norm_layers_1.{layer}")
        norm(f"enc_p.encoder.norm_layers_2.{layer}")
        conv(f"enc_p.encoder.ffn_layers.{layer}.conv_1", FEEDFORWARD, CHANNELS, 3)
        conv(f"enc_p.encoder.ffn_layers.{layer}.conv_2", CHANNELS, FEEDFORWARD, 3)
    conv("enc_p.proj", 2 * LATENT, CHANNELS)
    conv("dp.pre", CHANNELS, CHANNELS)
    conv("dp.proj", CHANNELS, CHANNELS)
    separable("dp.convs")
    put("dp.flows.0.m", 2, 1)
    put("dp.flows.0.logs", 2, 1)
    for flow in (3, 5, 7):
        conv(f"dp.flows.{flow}.pre", CHANNELS, 1)
        separable(f"dp.flows.{flow}.convs")
        conv(f"dp.flows.{flow}.proj", 29, CHANNELS)
    for flow in (0, 2, 4, 6):
        conv(f"flow.flows.{flow}.pre", CHANNELS, LATENT // 2)
        conv(f"flow.flows.{flow}.post", LATENT // 2, CHANNELS)
        for layer in range(4):
            conv(f"flow.flows.{flow}.enc.in_layers.{layer}", 2 * CHANNELS, CHANNELS, 5)
            conv(f"flow.flows.{flow}.enc.res_skip_layers.{layer}", CHANNELS if layer == 3 else 2 * CHANNELS, CHANNELS)
    conv("dec.conv_pre", quality.channels, LATENT, 7)
    channels = quality.channels
    for stage, kernel in enumerate(quality.kernels):
        put(f"dec.ups.{stage}.weight", channels, channels // 2, kernel, scale=1 / np.sqrt(channels))
        channels //= 2
        put(f"dec.ups.{stage}.bias", channels)
        for number, (size, dilations) in enumerate(zip(quality.block_kernels, quality.dilations, strict=True)):
            block = f"dec.resblocks.{stage * len(quality.block_kernels) + number}"
            for layer in range(len(dilations)):
                for convs in ("convs",) if quality.block == "2" else ("convs1", "convs2"):
                    conv(f"{block}.{convs}.{layer}", channels, channels, size)
    conv("dec.conv_post", 1, channels, 7, bias=False)
    if speakers > 1:
        put("emb_g.weight", speakers, SPEAKER_CHANNELS, scale=1.0)
        conv("dp.cond", CHANNELS, SPEAKER_CHANNELS)
        conv("dec.cond", quality.channels, SPEAKER_CHANNELS)
        for flow in (0, 2, 4, 6):
            conv(f"flow.flows.{flow}.enc.cond_layer", 2 * CHANNELS * 4, SPEAKER_CHANNELS)
    return made


def spacing(name: str, quality: Quality) -> dict[str, list[int]]:
    """The attributes of a convolution's node that a voice is read from."""
    parts = name.split(".")
    if name.startswith("dec.ups."):
        return {"dilations": [1], "strides": [quality.rates[int(parts[2])]]}
    if name.startswith("dec.resblocks.") and parts[3] != "convs2":
        return {"dilations": [quality.dilations[int(parts[2]) % len(quality.dilations)][int(parts[4])]], "strides": [1]}
    return {"dilations": [1], "strides": [1]}


def graph(parameters: dict[str, np.ndarray], quality: Quality = MEDIUM) -> onnx.ModelProto:
    """The parameters as Piper's exporter leaves them."""
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    stored: dict[bytes, str] = {}  # value → name of the initializer that holds it

    def store(name: str, value: np.ndarray) -> None:
        key = value.tobytes() + str(value.shape).encode()
        if key in stored and value.size > 1:
            nodes.append(helper.make_node("Identity", [stored[key]], [name]))
        else:
            stored[key] = name
            initializers.append(numpy_helper.from_array(value, name))

    several = "emb_g.weight" in parameters
    anonymous = 8000
    for name, value in parameters.items():
        module, _, kind = name.rpartition(".")
        path = "/" + "/".join(_path(module))
        if name == "dp.flows.0.logs":
            initializers.append(numpy_helper.from_array(np.exp(-value), "/dp/flows.0/Exp_output_0"))
            nodes.append(helper.make_node("Mul", ["x", "/dp/flows.0/Exp_output_0"], ["y"], name="/dp/flows.0/Mul"))
        elif name in ("enc_p.emb.weight", "emb_g.weight"):
            held = "sid" if name == "enc_p.emb.weight" and not several else name
            store(held, value)
            nodes.append(helper.make_node("Gather", [held, "ids"], [f"{path}/out"], name=f"{path}/Gather"))
        elif kind == "weight":
            held = name
            if "in_layers" in name or "res_skip" in name or "cond_layer" in name:
                held, anonymous = f"onnx::Conv_{anonymous}", anonymous + 3
            store(held, value)
            bias = f"{module}.bias"
            operation = "ConvTranspose" if name.startswith("dec.ups.") else "Conv"
            inputs = ["x", held, *([bias] if bias in parameters else [])]
            nodes.append(helper.make_node(operation, inputs, [f"{path}/out"], name=f"{path}/{operation}", **spacing(module, quality)))
        else:
            store(name, value)
            if kind != "bias":
                nodes.append(helper.make_node("Add", ["x", name], ["y"], name=f"{path}/Add"))
    initializers.append(numpy_helper.from_array(np.array(1e-5, dtype=np.float32), "/enc_p/encoder/Constant_1_output_0"))
    initializers.append(numpy_helper.from_array(np.array([-1, 2], dtype=np.int64), "/enc_p/encoder/Constant_2_output_0"))
    inputs = [helper.make_tensor_value_info("input", TensorProto.INT64, ["batch_size", "phonemes"])]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)]
    return helper.make_model(helper.make_graph(nodes, "main_graph", inputs, outputs, initializers), producer_name="pytorch")


def config(*, speakers: int = 1, language: str = "en-us", **changes: Any) -> dict[str, Any]:
    return {
        "audio": {"sample_rate": 22050, "quality": "medium"},
        "espeak": {"voice": language},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {phoneme: [number] for number, phoneme in enumerate(dict.fromkeys(PHONEMES))},
        "num_symbols": SYMBOLS,
        "num_speakers": speakers,
        "speaker_id_map": {f"p{number}": number for number in range(speakers)} if speakers > 1 else {},
        **changes,
    }


def write(folder: Path, quality: Quality = MEDIUM, *, speakers: int = 1, **changes: Any) -> dict[str, Path]:
    """A voice's two files by role."""
    files = {"model": folder / "tiny.onnx", "config": folder / "tiny.onnx.json"}
    onnx.save(graph(weights(quality, speakers=speakers), quality), files["model"])
    files["config"].write_text(json.dumps(config(speakers=speakers, **changes)), encoding="utf-8")
    return files


def voice(name: str = "tiny", language: str = "en-US", **options: Any) -> Voice:
    return Voice(name=name, title="Tiny", engine="vits", language=language, licence="CC0-1.0", commercial_use=True, options=options)


def _path(module: str) -> list[str]:
    """ "dp.flows.3.convs.norms_1.0" → dp, flows.3, convs, norms_1.0: the exporter joins a list's name and its index."""
    parts: list[str] = []
    for part in module.split("."):
        if part.isdigit():
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    return parts
