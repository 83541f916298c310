"""A Piper voice's .onnx → the sizes and the weights of our model. All knowledge of Piper's names is here.

Piper exports PyTorch's VITS to ONNX. Most weights keep the name of their PyTorch parameter (`enc_p.proj.weight`). Others are anonymous,
because the exporter folded, renamed or shared them; the node that uses one is named after its module
(`/flow/flows.6/enc/in_layers.0/Conv`), and that tells which it is. Whatever is left over must be a constant of the computation, not a
weight: a file with a weight that we do not use, or without one that we need, is not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from loa.errors import BrokenVoice
from worker.engines.vits.architecture import Architecture, Residual, Upsampling
from worker.engines.vits.model import Vits

# Which inputs of a module's node are its parameters, by the kind of node.
OPERANDS = {"Conv": ("", "weight", "bias"), "ConvTranspose": ("", "weight", "bias"), "Gather": ("weight",), "Exp": ("exponent",)}
FOLDED_SCALE = "/dp/flows.0/Exp_output_0"
FOLDED_EXPONENT = "dp.flows.0.exponent"

# Piper's names → ours, first match wins. Flows are stored in the order of training and run in the opposite one; every second one only swaps
# channels and has no weights.
RENAMES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"emb_g\.", "speakers."),
        (r"enc_p\.emb\.", "encoder.embedding."),
        (r"enc_p\.proj\.", "encoder.prior."),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.conv_q\.", r"encoder.blocks.\1.attention.query."),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.conv_k\.", r"encoder.blocks.\1.attention.key."),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.conv_v\.", r"encoder.blocks.\1.attention.value."),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.conv_o\.", r"encoder.blocks.\1.attention.output."),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.emb_rel_k$", r"encoder.blocks.\1.attention.near_keys"),
        (r"enc_p\.encoder\.attn_layers\.(\d+)\.emb_rel_v$", r"encoder.blocks.\1.attention.near_values"),
        (r"enc_p\.encoder\.norm_layers_1\.(\d+)\.", r"encoder.blocks.\1.attention_norm."),
        (r"enc_p\.encoder\.norm_layers_2\.(\d+)\.", r"encoder.blocks.\1.feedforward_norm."),
        (r"enc_p\.encoder\.ffn_layers\.(\d+)\.conv_1\.", r"encoder.blocks.\1.expand."),
        (r"enc_p\.encoder\.ffn_layers\.(\d+)\.conv_2\.", r"encoder.blocks.\1.contract."),
        (r"dp\.flows\.0\.m$", "durations.shift"),
        (r"dp\.flows\.0\.logs$", "durations.log_scale"),
        (r"dp\.flows\.(\d+)\.", "durations.flows.{spline}."),
        (r"dp\.", "durations."),
        (r"flow\.flows\.(\d+)\.enc\.in_layers\.", "flow.couplings.{coupling}.gates."),
        (r"flow\.flows\.(\d+)\.enc\.res_skip_layers\.", "flow.couplings.{coupling}.exits."),
        (r"flow\.flows\.(\d+)\.enc\.cond_layer\.", "flow.couplings.{coupling}.speaker."),
        (r"flow\.flows\.(\d+)\.", "flow.couplings.{coupling}."),
        (r"dec\.conv_pre\.", "decoder.entry."),
        (r"dec\.conv_post\.", "decoder.exit."),
        (r"dec\.cond\.", "decoder.speaker."),
        (r"dec\.ups\.(\d+)\.", r"decoder.stages.\1.upsample."),
        (r"dec\.resblocks\.(\d+)\.convs1?\.", "decoder.stages.{stage}.blocks.{block}.dilated."),
        (r"dec\.resblocks\.(\d+)\.convs2\.", "decoder.stages.{stage}.blocks.{block}.plain."),
    )
)
PARTS = (
    (re.compile(r"(durations\.(?:flows\.\d+\.)?|flow\.couplings\.\d+\.)pre\."), r"\1entry."),
    (re.compile(r"(flow\.couplings\.\d+\.)post\."), r"\1exit."),
    (re.compile(r"(durations\.(?:flows\.\d+\.)?)proj\."), r"\1exit."),
    (re.compile(r"durations\.cond\."), "durations.speaker."),
    (re.compile(r"\.convs\.convs_sep\."), ".convolutions.depthwise."),
    (re.compile(r"\.convs\.convs_1x1\."), ".convolutions.pointwise."),
    (re.compile(r"\.convs\.norms_1\."), ".convolutions.depthwise_norms."),
    (re.compile(r"\.convs\.norms_2\."), ".convolutions.pointwise_norms."),
    (re.compile(r"\.gamma$"), ".weight"),
    (re.compile(r"\.beta$"), ".bias"),
)


@dataclass(frozen=True, kw_only=True)
class PiperGraph:
    """What matters of a voice's .onnx."""

    weights: dict[str, np.ndarray]  # by Piper's parameter name, float32
    spacing: dict[str, tuple[int, int]]  # of every convolution: dilation and stride, by Piper's module name


def load_vits(path: Path, device: torch.device) -> Vits:
    """The voice in `path`, on `device`, ready to speak. Raises BrokenVoice, which names the file and the defect."""
    graph = read_graph(path)
    try:
        arch = read_architecture(graph)
    except (KeyError, IndexError, ValueError) as error:
        raise BrokenVoice(f"{path} is not a Piper voice that Loa can speak: {_reason(error)}", file=path.name) from error
    named = {rename(name, arch): array for name, array in graph.weights.items()}
    model = build(arch)
    wanted = model.state_dict()
    missing, unknown = sorted(wanted.keys() - named.keys()), sorted(named.keys() - wanted.keys())
    if missing or unknown:
        parts = [f"{what}: {_some(names)}" for what, names in (("missing", missing), ("not known", unknown)) if names]
        raise BrokenVoice(f"{path} has not the weights of a Piper voice: {'; '.join(parts)}", file=path.name)
    tensors = {}
    for name, parameter in wanted.items():
        if _sizes(named[name].shape) != _sizes(parameter.shape):
            shapes = f"{tuple(named[name].shape)} instead of {tuple(parameter.shape)}"
            raise BrokenVoice(f"{path}: weight {name} has the shape {shapes}", file=path.name)
        if not np.isfinite(named[name]).all():
            raise BrokenVoice(f"{path}: weight {name} holds values that are not numbers", file=path.name)
        tensors[name] = torch.tensor(named[name].reshape(parameter.shape))
    return build(arch, {name: prepared(tensor).to(device) for name, tensor in tensors.items()})


def build(arch: Architecture, tensors: dict[str, torch.Tensor] | None = None) -> Vits:
    """The model of these sizes over these very tensors (their memory is shared); without tensors, a model of shapes alone."""
    with torch.device("meta"):
        model = Vits(arch)
    if tensors is not None:
        model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def prepared(tensor: torch.Tensor) -> torch.Tensor:
    """In the memory layout that the model computes in."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor.contiguous()


def rename(name: str, arch: Architecture) -> str:
    """Piper's name of a parameter → ours; a name that is in no table stays as it is."""
    for pattern, target in RENAMES:
        if (match := pattern.match(name)) is None:
            continue
        number = int(match[1]) if pattern.groups else 0
        blocks = len(arch.residuals)
        target = match.expand(target).format(
            spline=arch.duration_flows - (number - 1) // 2,  # flows 3, 5, 7 → 2, 1, 0; flow 1 is not used for speaking
            coupling=arch.couplings - 1 - number // 2,  # flows 0, 2, 4, 6 → 3, 2, 1, 0
            stage=number // blocks,
            block=number % blocks,
        )
        name = target + name[match.end() :]
        break
    for pattern, target in PARTS:
        name = pattern.sub(target, name)
    return name


def read_graph(path: Path) -> PiperGraph:
    """Raises BrokenVoice when the file is missing, damaged, or holds a weight that nothing names."""
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except OSError as error:
        raise BrokenVoice(f"{path} cannot be read: {error.strerror or error}", file=path.name) from error
    except (DecodeError, ValueError) as error:
        raise BrokenVoice(f"{path} is damaged or no ONNX file ({path.stat().st_size} bytes): {error}", file=path.name) from error
    try:
        values = dict(_values(graph))
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenVoice(f"{path} is damaged: {error}", file=path.name) from error
    named = dict(_uses(graph, values))
    weights: dict[str, np.ndarray] = {}
    for use, source in named.items():
        weights[use] = np.asarray(values[source], dtype=np.float32)
    # The exporter folds exp(-logs) of the last duration flow: to a constant or, where a weight of equal value exists, to exp of that.
    if (scale := values.get(FOLDED_SCALE)) is not None:
        weights["dp.flows.0.logs"] = -np.log(scale.astype(np.float32))
    elif (negative := weights.pop(FOLDED_EXPONENT, None)) is not None:
        weights["dp.flows.0.logs"] = -negative
    used = {*named.values(), FOLDED_SCALE}
    if loose := sorted(name for name, value in values.items() if name not in used and value.dtype.kind == "f" and value.size > 1):
        raise BrokenVoice(f"{path} is not a Piper voice that Loa can speak: nothing tells what {_some(loose)} is for", file=path.name)
    return PiperGraph(weights=weights, spacing=dict(_spacing(graph)))


def read_architecture(graph: PiperGraph) -> Architecture:
    """The sizes of a voice, off the shapes of its weights. Raises KeyError, IndexError or ValueError when it is not a Piper voice."""
    shapes = {name: array.shape for name, array in graph.weights.items()}

    def count(pattern: str) -> int:
        return len({match[1] for name in shapes if (match := re.match(pattern, name))})

    symbols, channels = shapes["enc_p.emb.weight"]
    near, head = _sizes(shapes["enc_p.encoder.attn_layers.0.emb_rel_k"])
    feedforward, _, feedforward_kernel = shapes["enc_p.encoder.ffn_layers.0.conv_1.weight"]
    stages = count(r"dec\.ups\.(\d+)\.")
    blocks = count(r"dec\.resblocks\.(\d+)\.") // stages
    paired = "dec.resblocks.0.convs1.0.weight" in shapes
    convolutions = "convs1" if paired else "convs"
    return Architecture(
        symbols=symbols,
        channels=channels,
        latent=shapes["dec.conv_pre.weight"][1],
        layers=count(r"enc_p\.encoder\.attn_layers\.(\d+)\."),
        heads=channels // head,
        window=near // 2,
        feedforward=feedforward,
        feedforward_kernel=feedforward_kernel,
        duration_flows=count(r"dp\.flows\.(\d+)\.pre\."),
        duration_layers=count(r"dp\.convs\.convs_sep\.(\d+)\."),
        duration_kernel=shapes["dp.convs.convs_sep.0.weight"][2],
        bins=(shapes["dp.flows.3.proj.weight"][0] + 1) // 3,
        couplings=count(r"flow\.flows\.(\d+)\.pre\."),
        coupling_layers=count(r"flow\.flows\.0\.enc\.in_layers\.(\d+)\."),
        coupling_kernel=shapes["flow.flows.0.enc.in_layers.0.weight"][2],
        decoder_channels=shapes["dec.conv_pre.weight"][0],
        decoder_kernel=shapes["dec.conv_pre.weight"][2],
        upsamplings=tuple(
            Upsampling(
                channels=shapes[f"dec.ups.{stage}.weight"][1],
                kernel=shapes[f"dec.ups.{stage}.weight"][2],
                rate=graph.spacing[f"dec.ups.{stage}"][1],
            )
            for stage in range(stages)
        ),
        residuals=tuple(
            Residual(
                kernel=shapes[f"dec.resblocks.{block}.{convolutions}.0.weight"][2],
                dilations=tuple(
                    graph.spacing[f"dec.resblocks.{block}.{convolutions}.{layer}"][0]
                    for layer in range(count(rf"dec\.resblocks\.{block}\.{convolutions}\.(\d+)\."))
                ),
                paired=paired,
            )
            for block in range(blocks)
        ),
        speakers=shapes["emb_g.weight"][0] if "emb_g.weight" in shapes else 1,
        speaker_channels=shapes["emb_g.weight"][1] if "emb_g.weight" in shapes else 0,
    )


def _values(graph: onnx.GraphProto) -> Iterator[tuple[str, np.ndarray]]:
    """Every constant of the graph by name: initializers and Constant nodes."""
    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield node.output[0], numpy_helper.to_array(attribute.t)


def _uses(graph: onnx.GraphProto, values: dict[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """(Piper's parameter name, name of the value that holds it). A value that several parameters share comes once for each."""
    shared = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}

    def source(name: str) -> str | None:
        while name in shared:
            name = shared[name]
        return name if name in values and values[name].dtype.kind == "f" else None

    for node in graph.node:
        module = node.name.strip("/").rpartition("/")[0].replace("/", ".")
        operands = OPERANDS.get(node.op_type, ())
        for position, name in enumerate(node.input):
            if (held := source(name)) is None:
                continue
            if position < len(operands) and operands[position] and module:
                yield f"{module}.{operands[position]}", held
            elif "." in name and "/" not in name and ":" not in name:  # a PyTorch parameter under its own name
                yield name, held


def _spacing(graph: onnx.GraphProto) -> Iterator[tuple[str, tuple[int, int]]]:
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            ints = {attribute.name: attribute.ints for attribute in node.attribute}
            module = node.name.strip("/").rpartition("/")[0].replace("/", ".")
            yield module, (ints.get("dilations", [1])[0], ints.get("strides", [1])[0])


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the 1s, where the kernels of 1×1 convolutions and the like differ."""
    return tuple(size for size in shape if size != 1)


def _some(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _reason(error: Exception) -> str:
    return f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
