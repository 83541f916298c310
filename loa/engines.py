"""What the core knows of each engine: its name, the version of its sound and where its code lives. The code itself is in `worker.engines`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    name: str
    sound_version: int  # raised whenever the same text would sound different: it is part of every segment's address
    module: str  # where the worker finds class `Engine`
    requires: tuple[str, ...]  # importable modules without which the engine is not installed
    words_timed: bool  # whether word timings are exact (out of the model) rather than a best effort


ENGINES = {
    facts.name: facts
    for facts in (
        EngineFacts(name="vits", sound_version=1, module="worker.engines.vits", requires=("torch", "onnx", "piper"), words_timed=True),
        EngineFacts(name="sine", sound_version=1, module="worker.engines.sine", requires=("torch",), words_timed=True),
    )
}
