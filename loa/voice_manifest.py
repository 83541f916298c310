"""One voice manifest: a small TOML file that says what a voice is, where its files come from and what its licence allows.

The file's stem is the voice's name. docs/voices.md lists the fields; an unknown or ill-typed field is a BrokenManifest that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loa.api_keys import DEFAULT_OWNER
from loa.bundles import Bundle, Manifest
from loa.engines import ENGINES
from loa.errors import BrokenVoice, VoiceNotInstalled

__all__ = ["Addition", "Voice", "read_manifest", "read_voice"]

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
PACKAGE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What is known of a voice that somebody added from a recording, beside what a manifest would say."""

    consent: str  # on what ground this person's voice may be used, in the words of whoever added it; never empty
    created: float  # when: seconds since the epoch, by the Redis clock
    owner: str = DEFAULT_OWNER  # who may use, see and remove it


@dataclass(frozen=True, kw_only=True)
class Voice(Bundle):
    """A voice as its manifest describes it, installed or not, or as somebody added it (loa/voice_record.py)."""

    kind = "voice"
    absent = VoiceNotInstalled
    damaged = BrokenVoice

    engine: str  # a name in loa.engines.ENGINES, or of an engine that this version of Loa does not have
    language: str  # BCP 47: "en-US", "vi-VN"
    sample_rate: int = 0  # Hz; 0: only the files tell
    common: bool = False  # preloaded by every worker whose engines can speak it
    package: str = ""  # importable package (or a folder in one, dotted) that holds the files
    options: Mapping[str, Any] = field(default_factory=dict)  # for the engine, e.g. the speaker of a multi-speaker model
    manifest: Path | None = field(default=None, compare=False)  # the file that all this was read from
    addition: Addition | None = None  # None: a manifest describes it

    @property
    def engine_available(self) -> bool:
        """Whether this version of Loa knows the voice's engine at all."""
        return self.engine in ENGINES


def read_manifest(path: Path) -> Voice:
    """The voice that `path` describes. Raises BrokenManifest, which names the file and the field."""
    return read_voice(Manifest.open(path, Voice.kind), manifest=path)


def read_voice(table: Manifest, **origin: Any) -> Voice:
    """The voice that a table describes; `origin` is its `manifest` or its `addition`. Raises BrokenManifest, which names the field."""
    voice = Voice(
        **table.bundle(),
        engine=table.take("engine", str),
        language=table.match("language", LANGUAGE, 'a language tag such as "vi-VN"'),
        sample_rate=table.count("sample_rate"),
        common=table.take("common", bool, False),
        package=table.match("package", PACKAGE, "the name of a Python package", ""),
        options=table.take("options", dict, {}),
        **origin,
    )
    table.finish()
    return voice
