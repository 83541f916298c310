"""The `vits` engine: Piper voices, spoken by our own PyTorch model. engine.py is where the worker comes in."""

from worker.engines.vits.engine import Engine

__all__ = ["Engine"]
