"""What the core knows of each engine:

Its name, the version of its sound, where its code lives and what it needs. The code itself is in `worker.engines`.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from loa.engine_files import EngineFiles, bundles
from loa.errors import BrokenManifest, EngineNotInstalled, InvalidSetting
from loa.settings import Settings


def importable(module: str) -> bool:
    """Whether a module is installed, found without importing it."""
    return importlib.util.find_spec(module) is not None


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Why a machine cannot speak with an engine."""

    fact: str
    remedy: str  # the command that changes it


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    name: str
    title: str  # for people
    sound_version: int  # raised whenever the same text would sound different: it is part of every segment's address
    module: str  # where the worker finds class `Engine`
    requires: tuple[str, ...]  # importable modules without which the engine is not installed
    words_timed: bool  # whether word timings are exact (out of the model) rather than a best effort
    from_recordings: bool = False  # whether a recording of somebody is all that a voice of it needs, so that users may add voices
    for_tests: bool = False  # served only where LOA_ENGINES names it
    verification: str = ""  # the worker's module that tries it with the real files of its model (loa/verification.py); "": there is none

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that this engine needs and that are not installed."""
        return tuple(module for module in self.requires if not importable(module))

    def files(self, settings: Settings) -> EngineFiles | None:
        """The files that the engine needs as a whole; None: its voices bring all it needs. Raises BrokenManifest."""
        return EngineFiles.of(self.name, settings) if self.name in bundles() else None

    def obstacle(self, settings: Settings) -> Obstacle | None:
        """What is missing here, modules first; None: the engine is installed."""
        if modules := self.missing:
            return Obstacle(fact=f"{', '.join(modules)} missing", remedy=f"pip install 'loa[worker,{self.name}]'")
        try:
            files = self.files(settings)
        except BrokenManifest as error:
            return Obstacle(fact=error.message, remedy=error.remedy())
        if files is not None and (names := files.missing()):
            return Obstacle(fact=f"{', '.join(names)} not found in {files.folder}", remedy=f"loa engines pull {self.name}")
        return None

    def describe(self, settings: Settings) -> dict[str, Any]:
        """The engine as it is on this machine, as JSON."""
        obstacle, files = self.obstacle(settings), self.files(settings)
        return {
            "name": self.name,
            "title": self.title,
            "installed": obstacle is None,
            "obstacle": obstacle.fact if obstacle else None,
            "remedy": obstacle.remedy if obstacle else None,
            "words_timed": self.words_timed,
            "needs": None if files is None else files.bundle.to_json() | {"folder": str(files.folder), "installed": files.installed()},
        }


ENGINES = {
    facts.name: facts
    for facts in (
        EngineFacts(
            name="vits",
            title="Piper voices",
            sound_version=2,
            module="worker.engines.vits",
            requires=("torch", "onnx", "piper"),
            words_timed=True,
        ),
        EngineFacts(
            name="viettts",
            title="VietTTS: Vietnamese with the voice of a short recording",
            sound_version=2,
            module="worker.engines.viettts",
            requires=("torch", "torchaudio", "onnxruntime", "safetensors", "silero_vad", "soxr", "tiktoken", "yaml"),
            words_timed=False,
            from_recordings=True,
            verification="worker.engines.viettts.verify",
        ),
        EngineFacts(
            name="sine",
            title="A tone instead of speech",
            sound_version=1,
            module="worker.engines.sine",
            requires=("torch",),
            words_timed=True,
            from_recordings=True,
            for_tests=True,
        ),
    )
}


def served(settings: Settings) -> tuple[str, ...]:
    """The engines that a worker serves: those that LOA_ENGINES names, else every one that is installed.

    Raises InvalidSetting for an unknown name, EngineNotInstalled for one that is not installed.
    """
    wanted = tuple(name.strip() for name in settings.engines.split(",") if name.strip())
    for name in wanted:
        if name not in ENGINES:
            raise InvalidSetting(f"LOA_ENGINES names {name!r}; this version of Loa has {', '.join(sorted(ENGINES))}")
        if (obstacle := ENGINES[name].obstacle(settings)) is not None:
            raise EngineNotInstalled(f"engine {name!r} is not installed: {obstacle.fact}; install it with: {obstacle.remedy}", engine=name)
    return wanted or tuple(name for name, facts in ENGINES.items() if not facts.for_tests and facts.obstacle(settings) is None)


def unserved(settings: Settings) -> dict[str, str]:
    """What a worker does not serve though nobody said which engines it should, and what to do: by engine."""
    if settings.engines.strip():
        return {}
    found = ((name, facts.obstacle(settings)) for name, facts in ENGINES.items() if not facts.for_tests)
    return {name: f"{obstacle.fact}; {obstacle.remedy}" for name, obstacle in found if obstacle is not None}
