"""The speech engines, the only home of torch. Each is a module with a class `Engine` that obeys worker/engines/base.py."""

from __future__ import annotations

import importlib

from loa.engines import ENGINES
from loa.errors import StartFailed
from worker.engines.base import Engine


def load_engine(name: str) -> Engine:
    """The engine `name`, not yet loaded onto a device. Raises StartFailed when there is none or what it needs is not installed."""
    if name not in ENGINES:
        raise StartFailed(f"there is no engine {name!r}; this version of Loa has {', '.join(sorted(ENGINES))}")
    try:
        module = importlib.import_module(ENGINES[name].module)
    except ImportError as error:
        needed = ", ".join(ENGINES[name].requires)
        raise StartFailed(f"engine {name!r} needs {needed}: {error}") from error
    return module.Engine()
