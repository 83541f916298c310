"""Writes manifest.json.gz: every key of the published checkpoints with the shape of its tensor, 1,813 in all.

    PYTHONPATH=. python tests/engines/viettts/golden/make_manifest.py

runs in an environment that has the reference, viet-tts 0.1.0 without its dependencies, and what it imports for these modules: torch 2.13.0,
omegaconf 2.4.0, conformer 0.3.2 and diffusers 0.42.1. The sizes are those of the config.yaml that is published with the checkpoints; the
reference's modules are those of the other golden files, built of shapes alone.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from importlib import metadata
from pathlib import Path

import torch

from tests.engines.viettts.golden import make_flow, make_hift, make_language_model
from worker.engines.viettts.architecture import FULL

TARGET = Path(__file__).with_name("manifest.json.gz")


def main() -> None:
    assert metadata.version("viet-tts") == "0.1.0"
    document = {}
    for name, maker, shape in (
        ("llm.pt", make_language_model, FULL.language_model),
        ("flow.pt", make_flow, FULL.flow),
        ("hift.pt", make_hift, FULL.vocoder),
    ):
        with torch.device("meta"):
            module = maker.build(dataclasses.asdict(shape))
        document[name] = {key: list(tensor.shape) for key, tensor in module.state_dict().items()}
    text = json.dumps(document, separators=(",", ":")).encode()
    with TARGET.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(text)


if __name__ == "__main__":
    main()
