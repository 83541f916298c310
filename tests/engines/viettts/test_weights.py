"""VietTTS's checkpoints are loaded whole or not at all, and what is wrong with one is told at once."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from loa.errors import BrokenEngine
from tests.engines.viettts import published
from tests.engines.viettts.published import TINY
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.weight_norm import folded
from worker.engines.viettts.weights import MOST_NAMED, file_shapes, load_flow, load_language_model, load_vocoder

MANIFEST = Path(__file__).parent / "golden" / "manifest.json.gz"
CPU = torch.device("cpu")
LOADERS: dict[str, Callable[..., nn.Module]] = {
    "llm.pt": lambda path, *how: load_language_model(path, TINY.language_model, *how),
    "flow.pt": lambda path, *how: load_flow(path, TINY.flow, *how),
    "hift.pt": lambda path, *how: load_vocoder(path, TINY.vocoder, *how),
}
SHAPES = file_shapes(TINY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model."""
    folder = tmp_path_factory.mktemp("viettts")
    published.write(folder)
    return folder


def saved(path: Path, change: Callable[[dict[str, Any]], object], **how: Any) -> Path:
    """flow.pt with a change to what it holds."""
    state: dict[str, Any] = published.weights(SHAPES["flow.pt"])
    change(state)
    torch.save(state, path, **how)
    return path


def refused(path: Path) -> str:
    """What is said of a file that is not loaded."""
    with pytest.raises(BrokenEngine) as caught:
        load_flow(path, TINY.flow, CPU)
    assert str(path) in caught.value.message
    assert caught.value.details == {"file": path.name}
    assert "loa engines pull" in caught.value.remedy()
    return caught.value.message


def test_the_full_model_has_every_key_and_shape_of_the_published_one() -> None:
    manifest = json.loads(gzip.decompress(MANIFEST.read_bytes()))
    ours = {name: {key: list(shape) for key, shape in shapes.items()} for name, shapes in file_shapes(FULL).items()}
    assert ours == manifest
    assert sum(map(len, manifest.values())) == 1813


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_every_weight_arrives(folder: Path, name: str) -> None:
    network = LOADERS[name](folder / name, CPU)
    expected = published.weights(SHAPES[name])
    if name == "hift.pt":
        expected = folded(expected, TINY.vocoder)
    state = network.state_dict()
    assert state.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(state[key], tensor, rtol=0, atol=0)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_weights_lie_in_memory_as_the_network_wants_them(folder: Path, name: str) -> None:
    network = LOADERS[name](folder / name, CPU)
    fresh = type(network)(network.shape)
    assert {key: tensor.stride() for key, tensor in network.state_dict().items()} == {
        key: tensor.stride() for key, tensor in fresh.state_dict().items()
    }


def test_what_fits_is_mapped_and_not_copied(folder: Path) -> None:
    model = load_language_model(folder / "llm.pt", TINY.language_model, CPU)
    address = model.text_embedding.weight.data_ptr()
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    files = [fields[-1] for fields in maps if int(fields[0].split("-")[0], 16) <= address < int(fields[0].split("-")[1], 16)]
    assert files == [str(folder / "llm.pt")]


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_another_precision(folder: Path, name: str) -> None:
    network = LOADERS[name](folder / name, CPU, torch.float16)
    exact = LOADERS[name](folder / name, CPU).state_dict()
    for key, tensor in network.state_dict().items():
        assert tensor.dtype is torch.float16
        torch.testing.assert_close(tensor, exact[key].half(), rtol=0, atol=0)


def test_a_checkpoint_in_another_precision(tmp_path: Path) -> None:
    path = saved(tmp_path / "flow.pt", lambda state: state.update({key: tensor.bfloat16() for key, tensor in state.items()}))
    flow = load_flow(path, TINY.flow, CPU)
    assert {tensor.dtype for tensor in flow.state_dict().values()} == {torch.float32}


def test_what_is_no_tensor_is_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "flow.pt", lambda state: state.update(epoch=7, step=120_000, loss=0.25, note="last", best=None))
    assert load_flow(path, TINY.flow, CPU).state_dict().keys() == SHAPES["flow.pt"].keys()


def test_a_checkpoint_of_an_old_pytorch(tmp_path: Path) -> None:
    path = saved(tmp_path / "flow.pt", lambda state: None, _use_new_zipfile_serialization=False)
    flow = load_flow(path, TINY.flow, CPU)
    torch.testing.assert_close(flow.input_embedding.weight, published.weights(SHAPES["flow.pt"])["input_embedding.weight"])


# --- files that are not what they should be ------------------------------------------------------------------------------


def test_every_difference_is_told_at_once(tmp_path: Path) -> None:
    def change(state: dict[str, Any]) -> None:
        del state["encoder_proj.bias"]
        state["decoder.extra"] = torch.zeros(3)
        state["encoder_proj.weight"] = state["encoder_proj.weight"][:, :5]
        state["spk_embed_affine_layer.bias"] = torch.zeros(80, dtype=torch.int64)
        state["spk_embed_affine_layer.weight"][3, 4] = torch.inf
        state["input_embedding.weight"][3, 4] = torch.nan

    message = refused(saved(tmp_path / "flow.pt", change))
    assert message.partition(": ")[2] == (
        "1 missing: encoder_proj.bias; 1 not known: decoder.extra; 1 of another shape: encoder_proj.weight (80, 5) instead of (80, 16); "
        "1 of another kind: spk_embed_affine_layer.bias int64 instead of float; "
        "2 with values that are not numbers: input_embedding.weight, spk_embed_affine_layer.weight"
    )


def test_many_differences_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "flow.pt"
    torch.save(published.weights(SHAPES["llm.pt"]), path)
    message = refused(path)
    lacking = len(SHAPES["flow.pt"].keys() - SHAPES["llm.pt"].keys())
    assert f"{lacking} missing: " in message
    assert f"and {lacking - MOST_NAMED} more; " in message
    assert len(message) < 2000


def test_a_vocoder_of_other_sizes(folder: Path) -> None:
    with pytest.raises(BrokenEngine, match=r"hift\.pt has not the weights .* of another shape: .*weight_v"):
        load_vocoder(folder / "hift.pt", FULL.vocoder, CPU)


def test_sparse_weights(tmp_path: Path) -> None:
    path = saved(tmp_path / "flow.pt", lambda state: state.update({"encoder_proj.weight": state["encoder_proj.weight"].to_sparse()}))
    assert "encoder_proj.weight sparse_coo instead of float" in refused(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_a_truncated_file(tmp_path: Path, zipped: bool, share: float) -> None:
    path = saved(tmp_path / "flow.pt", lambda state: None, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert ("is not whole" if zipped else "is damaged") in refused(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"is damaged, no checkpoint of PyTorch, or holds more than tensors \(0 bytes\)"),
        (b"<!DOCTYPE html><html>404</html>", "no checkpoint of PyTorch"),
        (bytes(range(256)) * 100, "no checkpoint of PyTorch"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "is a pointer of Git LFS, not the file itself"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "flow.pt"
    path.write_bytes(content)
    with pytest.raises(BrokenEngine, match=said):
        load_flow(path, TINY.flow, CPU)


@pytest.mark.parametrize("content", [[torch.zeros(2)], torch.zeros(2), 3])
def test_a_checkpoint_of_something_else(tmp_path: Path, content: object) -> None:
    path = tmp_path / "flow.pt"
    torch.save(content, path)
    assert f"holds a {type(content).__name__}, not weights by name" in refused(path)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_run(tmp_path: Path, zipped: bool) -> None:
    trap = tmp_path / "trap"
    path = saved(tmp_path / "flow.pt", lambda state: state.update(x=Trap(trap)), _use_new_zipfile_serialization=zipped)
    assert "holds more than tensors" in refused(path)
    path.write_bytes(pickle.dumps(Trap(trap), protocol=2))
    assert "holds more than tensors" in refused(path)
    assert not trap.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refused(tmp_path / "flow.pt")
