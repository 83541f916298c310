"""Who speaks: the voice of a job, and those that take over where the text is in their language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loa.engines import ENGINES, EngineFacts
from loa.errors import UnknownEngine
from loa.plan.address import address
from loa.voices import Voice


def primary(language: str) -> str:
    """The first part of a language tag, in small letters: "en-US" → "en"."""
    return language.split("-", maxsplit=1)[0].lower()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A voice in a job."""

    voice: Voice
    fingerprint: str

    @property
    def language(self) -> str:
        return primary(self.voice.language)

    @property
    def engine(self) -> EngineFacts:
        """Raises UnknownEngine when this version of Loa does not know the voice's engine."""
        known = ENGINES.get(self.voice.engine)
        if known is None:
            raise UnknownEngine(
                f"voice {self.voice.name!r} needs the engine {self.voice.engine!r}, which this version of Loa does not have",
                voice=self.voice.name,
            )
        return known

    def address(self, spoken: str, speed: float) -> str:
        """Where the audio of these words is stored."""
        return address(self.engine.name, self.engine.sound_version, self.fingerprint, speed, spoken, self.voice.language)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """All voices of a job."""

    main: Part  # speaks whatever no other is there for
    others: Mapping[str, Part] = field(default_factory=dict)  # by language: "vi", "en"

    def part(self, language: str) -> Part:
        return self.others.get(language, self.main)

    @property
    def languages(self) -> frozenset[str]:
        """Those that have a voice. In any other the main voice does what it can, by the rules of its own language."""
        return frozenset({*self.others, self.main.language})
