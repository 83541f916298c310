"""Make hift.npz: a small random vocoder of the reference, and what it says.

    python tests/engines/viettts/golden/make_hift.py

It runs where the reference can be imported: viet-tts 0.1.0 with scipy, numpy and torch 2.13. No test needs that; they read hift.npz.
Everything random is drawn from one seed and injected. Weights, mels and noise are stored in the 16 bits that they were rounded to first.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from viettts.hifigan import generator as reference
from viettts.hifigan.f0_predictor import ConvRNNF0Predictor

SEED = 20240917
SIZES = {
    "mels": 6,
    "channels": 16,
    "harmonics": 3,
    "voiced_threshold": 300,  # Hz: about half of the frames have a pitch
    "upsample_rates": [4, 4],
    "upsample_kernels": [8, 8],
    "fft": 16,
    "hop": 4,
    "kernels": [3, 7, 11],
    "dilations": [[1, 3, 5]] * 3,
    "source_kernels": [7, 11],
    "source_dilations": [[1, 3, 5]] * 2,
    "predictor_channels": 8,
}
FRAMES = (15, 9, 4)


def build(sizes: dict) -> torch.nn.Module:
    """The reference's vocoder of these sizes; what is not given is as in the public model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses what torch calls deprecated
        predictor = ConvRNNF0Predictor(in_channels=sizes["mels"], cond_channels=sizes["predictor_channels"])
        return _generator(sizes, predictor).eval()


def _generator(sizes: dict, predictor: torch.nn.Module) -> torch.nn.Module:
    return reference.HiFTGenerator(
        in_channels=sizes["mels"],
        base_channels=sizes["channels"],
        nb_harmonics=sizes["harmonics"],
        nsf_voiced_threshold=sizes["voiced_threshold"],
        upsample_rates=list(sizes["upsample_rates"]),
        upsample_kernel_sizes=list(sizes["upsample_kernels"]),
        istft_params={"n_fft": sizes["fft"], "hop_len": sizes["hop"]},
        resblock_kernel_sizes=list(sizes["kernels"]),
        resblock_dilation_sizes=[list(dilations) for dilations in sizes["dilations"]],
        source_resblock_kernel_sizes=list(sizes["source_kernels"]),
        source_resblock_dilation_sizes=[list(dilations) for dilations in sizes["source_dilations"]],
        f0_predictor=predictor,
    )


@torch.no_grad()
def fill(model: torch.nn.Module, draw: torch.Generator) -> None:
    """Random weights that let sound through at about its own level, and a pitch of some hundred Hz."""
    for name, parameter in model.named_parameters():
        if name.endswith("weight_g"):
            values = 0.4 + 0.5 * torch.rand(parameter.shape, generator=draw)
        elif name.endswith("alpha"):
            values = 0.3 + 1.5 * torch.rand(parameter.shape, generator=draw)
        elif name == "f0_predictor.classifier.weight":
            values = 1500 * torch.randn(parameter.shape, generator=draw) / parameter.shape[1] ** 0.5
        elif name.endswith("bias"):
            values = 0.1 * torch.randn(parameter.shape, generator=draw)
        else:
            values = torch.randn(parameter.shape, generator=draw) / max(1, parameter[0].numel()) ** 0.5
        parameter.copy_(values.half())
    model.conv_post.weight_g.mul_(2)
    model.conv_post.bias[: model.istft_params["n_fft"] // 2 + 1] += 1.5  # louder: some samples are cut at the limit
    model.conv_post.bias.copy_(model.conv_post.bias.half())


@contextmanager
def injected(phases: torch.Tensor, noise: torch.Tensor) -> Iterator[None]:
    """The source's random phases [N] and its noise [N, T], instead of the global generator's. The noise that nothing uses is zero."""

    class Phases:
        def __init__(self, **_: float) -> None: ...

        def sample(self, sample_shape: tuple[int, ...]) -> torch.Tensor:
            return phases.to(torch.get_default_dtype()).reshape(sample_shape).clone()

    def randn_like(like: torch.Tensor) -> torch.Tensor:
        return noise.to(like).unsqueeze(0) if like.shape[1] == len(noise) else torch.zeros_like(like)

    with mock.patch.object(reference, "Uniform", Phases), mock.patch.object(torch, "randn_like", randn_like):
        yield


def main() -> None:
    draw = torch.Generator().manual_seed(SEED)
    model = build(SIZES)
    fill(model, draw)
    frame = int(np.prod(SIZES["upsample_rates"])) * SIZES["hop"]
    arrays = {f"weights/{name}": tensor.half().numpy() for name, tensor in model.state_dict().items()}
    for row, frames in enumerate(FRAMES):
        mel = torch.randn(1, SIZES["mels"], frames, generator=draw).half().float()
        sines = SIZES["harmonics"] + 1
        phases = ((torch.rand(sines, generator=draw) * 2 - 1) * np.pi).half().float()
        phases[0] = 0
        noise = torch.randn(sines, frames * frame, generator=draw).half().float()
        with injected(phases, noise), torch.inference_mode():
            samples, source = model(mel)
            pitch = model.f0_predictor(mel)
        arrays |= {
            f"{row}/mel": mel.half().numpy(),
            f"{row}/phases": phases.half().numpy(),
            f"{row}/noise": noise.half().numpy(),
            f"{row}/pitch": pitch.numpy(),
            f"{row}/source": source.squeeze(1).numpy(),
            f"{row}/samples": samples.numpy(),
        }
    stamp = {"seed": SEED, "viet-tts": version("viet-tts"), "torch": torch.__version__, "sizes": SIZES}
    arrays["stamp"] = np.frombuffer(json.dumps(stamp).encode(), dtype=np.uint8)
    np.savez_compressed(Path(__file__).with_name("hift.npz"), **arrays)


if __name__ == "__main__":
    main()
