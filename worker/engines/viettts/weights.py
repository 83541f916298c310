"""llm.pt, flow.pt and hift.pt → the three networks. A file is loaded as a whole or not at all, and every difference is told at once.

What a file must hold is read off the network itself, built of shapes alone (for the vocoder, whose weights are folded on the way, by
weight_norm.py). Files are mapped into memory, not read: on a CPU in float32 the processes of a machine share what they map, and on any
other device a weight is read once, when it is copied there. So a file that is in use must be replaced, as `loa engines pull` does, and
never overwritten. Nothing but tensors is ever made of a file's content (`weights_only`).
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from loa.errors import BrokenEngine
from worker.engines.viettts.architecture import Architecture, FlowShape, LanguageModelShape, VocoderShape
from worker.engines.viettts.flow import Flow
from worker.engines.viettts.hift import Vocoder
from worker.engines.viettts.language_model import LanguageModel
from worker.engines.viettts.weight_norm import checkpoint_shapes, folded

Shapes = dict[str, tuple[int, ...]]
Network = TypeVar("Network", bound=nn.Module)

MOST_NAMED = 8  # of each kind of difference; the others are counted
ZIP = b"PK\x03\x04"  # how a file of torch.save begins; those of PyTorch before 1.6 do not, and cannot be mapped
GIT_LFS = b"version https://git-lfs"


def load_language_model(path: Path, shape: LanguageModelShape, device: torch.device, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """llm.pt. Raises BrokenEngine."""
    return _load(path, _outline(lambda: LanguageModel(shape)), device, dtype)


def load_flow(path: Path, shape: FlowShape, device: torch.device, dtype: torch.dtype = torch.float32) -> Flow:
    """flow.pt. Raises BrokenEngine."""
    return _load(path, _outline(lambda: Flow(shape)), device, dtype)


def load_vocoder(path: Path, shape: VocoderShape, device: torch.device, dtype: torch.dtype = torch.float32) -> Vocoder:
    """hift.pt. Raises BrokenEngine."""
    tensors = folded(read_tensors(path, checkpoint_shapes(shape)), shape)
    return _filled(_outline(lambda: Vocoder(shape)), tensors, device, dtype)


def file_shapes(architecture: Architecture) -> dict[str, Shapes]:
    """Every key that each file must have, with the shape of its tensor."""
    return {
        "llm.pt": _shapes(_outline(lambda: LanguageModel(architecture.language_model))),
        "flow.pt": _shapes(_outline(lambda: Flow(architecture.flow))),
        "hift.pt": checkpoint_shapes(architecture.vocoder),
    }


def read_tensors(path: Path, wanted: Shapes) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, which are those that are wanted, on the CPU; whatever else it holds (epoch, step) is left out.

    Raises BrokenEngine, which names the file and every difference to what is wanted.
    """
    found = {str(key): value for key, value in _read(path).items() if isinstance(value, torch.Tensor)}
    if differences := list(_differences(found, wanted)):
        raise BrokenEngine(f"{path} has not the weights of this model: {'; '.join(differences)}", file=path.name)
    return found


def _load(path: Path, outline: Network, device: torch.device, dtype: torch.dtype) -> Network:
    return _filled(outline, read_tensors(path, _shapes(outline)), device, dtype)


def _outline(build: Callable[[], Network]) -> Network:
    """A network that has shapes and memory layouts, but no memory."""
    with torch.device("meta"):
        return build()


def _shapes(outline: nn.Module) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in outline.state_dict().items()}


def _filled(outline: Network, tensors: Mapping[str, torch.Tensor], device: torch.device, dtype: torch.dtype) -> Network:
    """The network over these tensors, ready to run; a tensor that is as the network wants it keeps its memory."""
    state = {key: _placed(tensors[key], slot, device, dtype) for key, slot in outline.state_dict().items()}
    outline.load_state_dict(state, strict=True, assign=True)
    empty = [name for name, tensor in (*outline.named_parameters(), *outline.named_buffers()) if tensor.is_meta]
    assert not empty, f"{empty} of {type(outline).__name__} are in no file: what is no weight must be made when it is used"
    return outline.eval().requires_grad_(False)


def _placed(tensor: torch.Tensor, slot: torch.Tensor, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """In the memory layout of the network's `slot` (channels last, for a convolution)."""
    if (tensor.stride(), tensor.device, tensor.dtype) == (slot.stride(), device, dtype):
        return tensor
    return torch.empty_strided(slot.shape, slot.stride(), dtype=dtype, device=device).copy_(tensor)


def _read(path: Path) -> Mapping[object, object]:
    try:
        with path.open("rb") as stream:
            head = stream.read(len(GIT_LFS))
        size = path.stat().st_size
    except OSError as error:
        raise BrokenEngine(f"{path} cannot be read: {error.strerror or error}", file=path.name) from error
    if head == GIT_LFS:
        raise BrokenEngine(f"{path} is a pointer of Git LFS, not the file itself ({size:,} bytes)", file=path.name)
    zipped = head.startswith(ZIP)
    if zipped and not zipfile.is_zipfile(path):  # its table of contents stands at the end
        raise BrokenEngine(f"{path} is not whole ({size:,} bytes)", file=path.name)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise BrokenEngine(
            f"{path} is damaged, no checkpoint of PyTorch, or holds more than tensors ({size:,} bytes)", file=path.name
        ) from error
    if not isinstance(content, Mapping):
        raise BrokenEngine(f"{path} holds a {type(content).__name__}, not weights by name", file=path.name)
    return content


def _differences(found: Mapping[str, torch.Tensor], wanted: Shapes) -> Iterator[str]:
    """What is not as it should be, a sentence for each kind."""
    known = sorted(found.keys() & wanted.keys())
    misshapen = [key for key in known if found[key].shape != wanted[key]]
    numbers = [key for key in known if found[key].is_floating_point() and found[key].layout is torch.strided]
    yield from _named("missing", sorted(wanted.keys() - found.keys()))
    yield from _named("not known", sorted(found.keys() - wanted.keys()))
    yield from _named("of another shape", [f"{key} {tuple(found[key].shape)} instead of {wanted[key]}" for key in misshapen])
    yield from _named("of another kind", [f"{key} {_kind(found[key])} instead of float" for key in known if key not in set(numbers)])
    # A sum is a number only where all of its parts are, and reads each of them once.
    yield from _named("with values that are not numbers", [key for key in numbers if not found[key].float().sum().isfinite()])


def _named(what: str, places: list[str]) -> Iterator[str]:
    if places:
        more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
        yield f"{len(places)} {what}: {', '.join(places[:MOST_NAMED])}{more}"


def _kind(tensor: torch.Tensor) -> str:
    return str(tensor.dtype if tensor.layout is torch.strided else tensor.layout).removeprefix("torch.")
