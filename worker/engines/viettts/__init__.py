"""The `viettts` engine: VietTTS, which speaks with the voice of a few seconds of speech. engine.py is where the worker comes in."""

from worker.engines.viettts.engine import Engine

__all__ = ["Engine"]
