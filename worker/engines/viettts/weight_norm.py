"""hift.pt → the weights of our vocoder. The only place where names or numbers of a checkpoint change on their way in.

The checkpoint comes from training, where most convolutions hold their weight as a direction `weight_v` and a length `weight_g`
(Salimans and Kingma 2016). For inference the two are multiplied out once: weight = g · v / ‖v‖, the norm over all axes but the first.
Everything else keeps its name and its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from worker.engines.viettts.architecture import VocoderShape
from worker.engines.viettts.convolution import channels_last
from worker.engines.viettts.hift import Vocoder

DIRECTION, LENGTH, WEIGHT = "weight_v", "weight_g", "weight"


def checkpoint_shapes(shape: VocoderShape) -> dict[str, tuple[int, ...]]:
    """Every key of the hift.pt of a vocoder of these sizes, with the shape of its tensor."""
    with torch.device("meta"):
        vocoder = Vocoder(shape)
    shapes: dict[str, tuple[int, ...]] = {}
    for path, module in vocoder.named_modules():
        prefix = f"{path}." if path else ""
        for name, parameter in module.named_parameters(recurse=False):
            if name == WEIGHT and getattr(module, "normed", False):
                shapes[prefix + LENGTH] = (parameter.shape[0], 1, 1)
                shapes[prefix + DIRECTION] = tuple(parameter.shape)
            else:
                shapes[prefix + name] = tuple(parameter.shape)
    return shapes


def folded(checkpoint: Mapping[str, torch.Tensor], shape: VocoderShape) -> dict[str, torch.Tensor]:
    """The state of a `Vocoder` from that of a hift.pt: float32, in the memory layout that the vocoder computes in.

    Raises ValueError that names every key which is missing, not known or of another shape: each tensor of the checkpoint is used once.
    """
    wanted = checkpoint_shapes(shape)
    wrong = [f"{key} is missing" for key in sorted(wanted.keys() - checkpoint.keys())]
    wrong += [f"{key} is not known" for key in sorted(checkpoint.keys() - wanted.keys())]
    wrong += [
        f"{key} has the shape {tuple(checkpoint[key].shape)} instead of {size}"
        for key, size in sorted(wanted.items())
        if key in checkpoint and tuple(checkpoint[key].shape) != size
    ]
    if wrong:
        raise ValueError(f"these are not the weights of this vocoder: {'; '.join(wrong)}")
    state: dict[str, torch.Tensor] = {}
    for key, tensor in checkpoint.items():
        tensor = tensor.float()
        if key.endswith(DIRECTION):
            length = checkpoint[key.removesuffix(DIRECTION) + LENGTH].float()
            norm = torch.linalg.vector_norm(tensor, dim=(1, 2), keepdim=True)
            state[key.removesuffix(DIRECTION) + WEIGHT] = channels_last(tensor * (length / norm))
        elif not key.endswith(LENGTH):
            state[key] = channels_last(tensor) if tensor.dim() == 3 else tensor
    return state
