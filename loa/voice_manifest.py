"""One voice manifest: a small TOML file that says what a voice is, where its files come from and what its licence allows.

The file's stem is the voice's name. docs/voices.md lists the fields; an unknown or ill-typed field is a BrokenManifest that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loa.bundles import Bundle, BundleFile, Manifest
from loa.engines import ENGINES
from loa.errors import BrokenVoice, VoiceNotInstalled

__all__ = ["Voice", "VoiceFile", "read_manifest"]

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
PACKAGE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

VoiceFile = BundleFile


@dataclass(frozen=True, kw_only=True)
class Voice(Bundle):
    """A voice as its manifest describes it, installed or not."""

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

    @property
    def engine_available(self) -> bool:
        """Whether this version of Loa knows the voice's engine at all."""
        return self.engine in ENGINES


def read_manifest(path: Path) -> Voice:
    """The voice that `path` describes. Raises BrokenManifest, which names the file and the field."""
    manifest = Manifest.open(path, Voice.kind)
    voice = Voice(
        **manifest.bundle(),
        engine=manifest.take("engine", str),
        language=manifest.match("language", LANGUAGE, 'a language tag such as "vi-VN"'),
        sample_rate=manifest.count("sample_rate"),
        common=manifest.take("common", bool, False),
        package=manifest.match("package", PACKAGE, "the name of a Python package", ""),
        options=manifest.take("options", dict, {}),
        manifest=path,
    )
    manifest.finish()
    return voice
