"""One voice manifest: a small TOML file that says what a voice is, where its files come from and what its licence allows.

The file's stem is the voice's name. docs/voices.md lists the fields; an unknown or ill-typed field is a BrokenManifest that names it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loa.engines import ENGINES
from loa.errors import BrokenManifest

VOICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
PACKAGE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
SHA256 = re.compile(r"[0-9a-f]{64}")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class VoiceFile:
    """One file of a voice."""

    role: str  # what the engine needs it for: "model", "config", "prompt"
    name: str  # file name, without folders
    url: str = ""  # where `loa voices pull` finds it; "": nowhere that is known
    size: int = 0  # bytes; 0: unknown
    sha256: str = ""  # 64 hex digits; "": unknown


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A voice as its manifest describes it, installed or not."""

    name: str
    title: str  # for people
    engine: str  # a name in loa.engines.ENGINES, or of an engine that this version of Loa does not have
    language: str  # BCP 47: "en-US", "vi-VN"
    sample_rate: int = 0  # Hz; 0: only the files tell
    licence: str
    licence_url: str = ""
    commercial_use: bool | None  # None: unknown, the user has to check
    notice: str = ""  # what a user must know before using the voice
    source: str = ""  # the page that the files come from
    common: bool = False  # preloaded by every worker whose engines can speak it
    package: str = ""  # importable package (or a folder in one, dotted) that holds the files
    files: tuple[VoiceFile, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # for the engine, e.g. the speaker of a multi-speaker model
    manifest: Path | None = field(default=None, compare=False)  # the file that all this was read from

    @property
    def engine_available(self) -> bool:
        """Whether this version of Loa knows the voice's engine at all."""
        return self.engine in ENGINES


def read_manifest(path: Path) -> Voice:
    """The voice that `path` describes. Raises BrokenManifest, which names the file and the field."""
    name = path.stem
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenManifest(f"{path}: {error}", voice=name) from error
    reader = _Table(table, str(path), name)
    if not VOICE_NAME.fullmatch(name):
        raise reader.broken("name", "the file's name must be letters, digits, '_', '-' and '.', at most 64")
    if (given := reader.take("name", str, name)) != name:
        raise reader.broken("name", f"is {given!r}, but the file's name makes it {name!r}")
    commercial = reader.take("commercial_use", (bool, str))
    if isinstance(commercial, str) and commercial != "unknown":
        raise reader.broken("commercial_use", 'takes true, false or "unknown"')
    voice = Voice(
        name=name,
        title=reader.take("title", str),
        engine=reader.take("engine", str),
        language=reader.match("language", LANGUAGE, 'a language tag such as "vi-VN"'),
        sample_rate=reader.count("sample_rate"),
        licence=reader.take("licence", str),
        licence_url=reader.take("licence_url", str, ""),
        commercial_use=commercial if isinstance(commercial, bool) else None,
        notice=reader.take("notice", str, ""),
        source=reader.take("source", str, ""),
        common=reader.take("common", bool, False),
        package=reader.match("package", PACKAGE, "the name of a Python package", ""),
        files=tuple(_file(entry, str(path), name, index) for index, entry in enumerate(reader.take("files", list, []))),
        options=reader.take("options", dict, {}),
        manifest=path,
    )
    reader.finish()
    for what in ("role", "name"):
        seen = [getattr(file, what) for file in voice.files]
        if len(set(seen)) != len(seen):
            raise reader.broken("files", f"two files have the same {what}")
    return voice


def _file(entry: Any, path: str, voice: str, index: int) -> VoiceFile:
    where = f"{path}: files[{index}]"
    if not isinstance(entry, dict):
        raise BrokenManifest(f"{where} must be a table", voice=voice)
    reader = _Table(entry, where, voice)
    file = VoiceFile(
        role=reader.match("role", FILE_NAME, "a word such as model, config or prompt"),
        name=reader.match("name", FILE_NAME, "a file name without folders"),
        url=reader.take("url", str, ""),
        size=reader.count("size"),
        sha256=reader.match("sha256", SHA256, "64 lower-case hexadecimal digits", ""),
    )
    if file.url and not safe_url(file.url):
        raise reader.broken("url", "must begin with https:// (http:// only for this machine)")
    reader.finish()
    return file


def safe_url(url: str) -> bool:
    """Whether Loa would fetch `url`: https, or http from this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


_REQUIRED: Any = object()
_KINDS = {str: "text", bool: "true or false", int: "a whole number", list: "an array", dict: "a table"}


class _Table:
    """A TOML table that is read field by field and complains by name."""

    def __init__(self, table: dict[str, Any], where: str, voice: str) -> None:
        self._left, self._where, self._voice = dict(table), where, voice

    def broken(self, name: str, why: str) -> BrokenManifest:
        return BrokenManifest(f"{self._where}: {name} {why}", voice=self._voice, field=name)

    def take(self, name: str, kinds: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
        if name not in self._left:
            if default is _REQUIRED:
                raise self.broken(name, "is missing")
            return default
        value = self._left.pop(name)
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        if type(value) not in kinds:  # not isinstance: in Python, true is an int
            raise self.broken(name, f"takes {' or '.join(_KINDS[kind] for kind in kinds)}")
        return value

    def match(self, name: str, pattern: re.Pattern[str], wanted: str, default: Any = _REQUIRED) -> str:
        value = self.take(name, str, default)
        if value != default and not pattern.fullmatch(value):
            raise self.broken(name, f"is {value!r}; it takes {wanted}")
        return value

    def count(self, name: str) -> int:
        value = self.take(name, int, 0)
        if value < 0:
            raise self.broken(name, "may not be negative")
        return value

    def finish(self) -> None:
        for name in self._left:
            raise self.broken(name, "is not a field of a voice manifest")
