"""`loa engines verify viettts` beside the reference itself: equal networks pass, and one weight that is another is found out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from loa.errors import BrokenEngine
from tests.engines.viettts import comparisons, published
from worker.engines.viettts import half
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.comparison import Networks, forced_logits
from worker.engines.viettts.language_model import LanguageModel
from worker.engines.viettts.reference import Reference

CLOSE = 1e-5  # what both sides differ by when they compute the same; 1e-4 is allowed


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    folder = tmp_path_factory.mktemp("tiny")
    published.write(folder)
    return comparisons.networks(folder)


def test_a_small_model_passes(tiny: Networks) -> None:
    found = comparisons.compare(tiny)
    assert tuple(found) == ("reference", *comparisons.PARTS)
    assert found["reference"].figures == {"version": "0.1.0"}
    assert comparisons.failed(found) == []
    assert max(found[part].figures["difference"] for part in comparisons.PARTS) <= CLOSE


@pytest.mark.parametrize(
    ("file", "key", "wrong"),
    [
        ("llm.pt", "text_encoder.encoders.0.self_attn.pos_bias_u", ["text encoder", "language model"]),
        ("llm.pt", "llm.encoders.1.self_attn.linear_pos.weight", ["language model"]),
        ("flow.pt", "decoder.estimator.final_proj.bias", ["flow"]),
        ("flow.pt", "length_regulator.model.0.weight", ["flow"]),
        ("hift.pt", "f0_predictor.classifier.bias", ["pitch"]),
        ("hift.pt", "resblocks.1.convs1.0.weight_g", ["vocoder"]),
    ],
)
def test_one_other_weight_fails_its_network(tiny: Networks, file: str, key: str, wrong: list[str]) -> None:
    tensors = dict(tiny.checkpoints[file])
    tensors[key] = tensors[key] * 1.1
    changed = dataclasses.replace(tiny, checkpoints={**tiny.checkpoints, file: tensors})
    assert comparisons.failed(comparisons.compare(changed)) == wrong


@torch.inference_mode()
def test_as_it_ships_it_is_farther_from_float32_than_loa(tiny: Networks) -> None:
    """Its language model in float16 throughout, beside Loa's on a CPU, which has float16 weights alone."""
    draw = torch.Generator().manual_seed(1)
    shape = tiny.architecture.language_model
    ids, said = torch.randint(shape.text_vocabulary, (12,), generator=draw), torch.randint(shape.speech_vocabulary, (40,), generator=draw)
    embedding = torch.randn(shape.speaker_size, generator=draw)
    reference = Reference(tiny.config, tiny.checkpoints)
    exact, shipped = (one.logits(ids, embedding, said.tolist()) for one in (reference, reference.as_shipped()))
    ours = LanguageModel(shape).requires_grad_(False).eval()
    ours.load_state_dict(tiny.checkpoints["llm.pt"])
    half.pack(ours)
    packed = forced_logits(ours, ids, ours.speaker(embedding[None]), said)
    assert shipped.dtype == torch.float16
    assert exact.dtype == packed.dtype == torch.float32
    assert 0 < (packed - exact).norm() < (shipped.float() - exact).norm() < 0.05 * exact.norm()


def test_a_weight_that_the_reference_lacks_is_told(tiny: Networks) -> None:
    tensors = {key: tensor for key, tensor in tiny.checkpoints["flow.pt"].items() if key != "encoder_proj.bias"}
    found = comparisons.compare(dataclasses.replace(tiny, checkpoints={**tiny.checkpoints, "flow.pt": tensors}))
    assert comparisons.failed(found) == ["reference"]
    assert "encoder_proj.bias" in found["reference"].fact


def test_a_configuration_that_calls_something_else_is_not_built(tiny: Networks, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("x: !new:subprocess.Popen [touch, here]\n", encoding="utf-8")
    with pytest.raises(BrokenEngine, match=r"would make the reference call !new:subprocess\.Popen"):
        Reference(path, tiny.checkpoints)


def test_the_full_size_passes(tmp_path: Path) -> None:
    published.write(tmp_path, FULL)
    found = comparisons.compare(comparisons.networks(tmp_path))
    assert comparisons.failed(found) == []
    assert max(found[part].figures["difference"] for part in comparisons.PARTS) <= CLOSE
