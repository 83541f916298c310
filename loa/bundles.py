"""What can be pulled: files that belong together, where they come from and what their licence allows.

A voice is a bundle and so is what an engine needs as a whole. Each is described by one small TOML file, a manifest; here is what the
manifests of both kinds have in common. docs/voices.md lists the fields; an unknown or ill-typed one is a BrokenManifest that names it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from loa.errors import BrokenManifest, LoaError

BUNDLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SHA256 = re.compile(r"[0-9a-f]{64}")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """One file of a bundle."""

    role: str  # what the engine needs it for: "model", "config", "prompt"
    name: str  # file name, without folders
    url: str = ""  # where a pull finds it; "": nowhere that is known
    size: int = 0  # bytes; 0: unknown
    sha256: str = ""  # 64 hex digits; "": unknown


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What every manifest says, whether the files are here or not."""

    kind: ClassVar[str]  # "voice" or "engine"; `loa voices pull` and `loa engines pull` bring them
    absent: ClassVar[type[LoaError]]  # raised when its files are not here
    damaged: ClassVar[type[LoaError]]  # raised when they are not what they should be

    name: str
    title: str  # for people
    licence: str
    licence_url: str = ""
    commercial_use: bool | None  # None: unknown, the user has to check
    notice: str = ""  # what a user must know before using it
    source: str = ""  # the page that the files come from
    files: tuple[BundleFile, ...] = ()

    @property
    def bytes(self) -> int:
        """Of all files together, as far as their sizes are known."""
        return sum(file.size for file in self.files)

    def folder(self, data_dir: Path | str) -> Path:
        """Where a pull puts the files."""
        if not BUNDLE_NAME.fullmatch(self.name):
            raise ValueError(f"not a {self.kind}'s name: {self.name!r}")
        return Path(data_dir) / f"{self.kind}s" / self.name

    def to_json(self) -> dict[str, Any]:
        """As the API and the command line show it."""
        return {
            "name": self.name,
            "title": self.title,
            "licence": self.licence,
            "licence_url": self.licence_url or None,
            "commercial_use": self.commercial_use,
            "notice": self.notice or None,
            "source": self.source or None,
            "bytes": self.bytes or None,
            "files": [
                {"role": file.role, "name": file.name, "url": file.url or None, "size": file.size or None, "sha256": file.sha256 or None}
                for file in self.files
            ],
        }


def safe_url(url: str) -> bool:
    """Whether Loa would fetch `url`: https, or http from this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


_REQUIRED: Any = object()
_KINDS = {str: "text", bool: "true or false", int: "a whole number", list: "an array", dict: "a table"}


class Manifest:
    """A TOML table that is read field by field and complains by name."""

    def __init__(self, table: dict[str, Any], *, where: str, kind: str, name: str) -> None:
        self._left, self._where, self._kind, self._name = dict(table), where, kind, name

    @classmethod
    def open(cls, path: Path, kind: str) -> Manifest:
        """The manifest in `path`, whose stem is the name of what it describes. Raises BrokenManifest."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BrokenManifest(f"{path}: {error}", **{kind: path.stem}) from error
        manifest = cls(table, where=str(path), kind=kind, name=path.stem)
        if not BUNDLE_NAME.fullmatch(path.stem):
            raise manifest.broken("name", "the file's name must be letters, digits, '_', '-' and '.', at most 64")
        if (given := manifest.take("name", str, path.stem)) != path.stem:
            raise manifest.broken("name", f"is {given!r}, but the file's name makes it {path.stem!r}")
        return manifest

    def bundle(self) -> dict[str, Any]:
        """The fields that every bundle has, taken from the table."""
        commercial = self.take("commercial_use", (bool, str))
        if isinstance(commercial, str) and commercial != "unknown":
            raise self.broken("commercial_use", 'takes true, false or "unknown"')
        files = tuple(self._file(entry, index) for index, entry in enumerate(self.take("files", list, [])))
        for what in ("role", "name"):
            seen = [getattr(file, what) for file in files]
            if len(set(seen)) != len(seen):
                raise self.broken("files", f"two files have the same {what}")
        return {
            "name": self._name,
            "title": self.take("title", str),
            "licence": self.take("licence", str),
            "licence_url": self.take("licence_url", str, ""),
            "commercial_use": commercial if isinstance(commercial, bool) else None,
            "notice": self.take("notice", str, ""),
            "source": self.take("source", str, ""),
            "files": files,
        }

    def _file(self, entry: Any, index: int) -> BundleFile:
        where = f"{self._where}: files[{index}]"
        if not isinstance(entry, dict):
            raise BrokenManifest(f"{where} must be a table", **{self._kind: self._name})
        reader = Manifest(entry, where=where, kind=self._kind, name=self._name)
        file = BundleFile(
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

    def broken(self, field: str, why: str) -> BrokenManifest:
        return BrokenManifest(f"{self._where}: {field} {why}", **{self._kind: self._name}, field=field)

    def take(self, field: str, kinds: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
        if field not in self._left:
            if default is _REQUIRED:
                raise self.broken(field, "is missing")
            return default
        value = self._left.pop(field)
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        if type(value) not in kinds:  # not isinstance: in Python, true is an int
            raise self.broken(field, f"takes {' or '.join(_KINDS[kind] for kind in kinds)}")
        return value

    def match(self, field: str, pattern: re.Pattern[str], wanted: str, default: Any = _REQUIRED) -> str:
        value = self.take(field, str, default)
        if value != default and not pattern.fullmatch(value):
            raise self.broken(field, f"is {value!r}; it takes {wanted}")
        return value

    def count(self, field: str) -> int:
        value = self.take(field, int, 0)
        if value < 0:
            raise self.broken(field, "may not be negative")
        return value

    def finish(self) -> None:
        for field in self._left:
            raise self.broken(field, f"is not a field of {'an' if self._kind == 'engine' else 'a'} {self._kind} manifest")
