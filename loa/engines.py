"""What the core knows of each engine:

Its name, the version of its sound and where its code lives. The code itself is in `worker.engines`.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from loa.errors import InvalidSetting


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    name: str
    sound_version: int  # raised whenever the same text would sound different: it is part of every segment's address
    module: str  # where the worker finds class `Engine`
    requires: tuple[str, ...]  # importable modules without which the engine is not installed
    words_timed: bool  # whether word timings are exact (out of the model) rather than a best effort
    for_tests: bool = False  # served only where LOA_ENGINES names it

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that this engine needs and that are not installed."""
        return tuple(module for module in self.requires if importlib.util.find_spec(module) is None)


ENGINES = {
    facts.name: facts
    for facts in (
        EngineFacts(name="vits", sound_version=1, module="worker.engines.vits", requires=("torch", "onnx", "piper"), words_timed=True),
        EngineFacts(name="sine", sound_version=1, module="worker.engines.sine", requires=("torch",), words_timed=True, for_tests=True),
    )
}


def served(names: str) -> tuple[str, ...]:
    """The engines that a worker serves:

    Those that LOA_ENGINES names, else every one that is installed. Raises InvalidSetting for an unknown name.
    """
    wanted = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in wanted:
        if name not in ENGINES:
            raise InvalidSetting(f"LOA_ENGINES names {name!r}; this version of Loa has {', '.join(sorted(ENGINES))}")
    return wanted or tuple(name for name, facts in ENGINES.items() if not facts.for_tests and not facts.missing)
