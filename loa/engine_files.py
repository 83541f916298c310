"""The files that an engine needs as a whole, beside those of its voices: what they are, where they lie, whether they are there.

Which files an engine needs is said by loa/engine_manifests/<engine>.toml, a manifest with the fields of a voice's; an engine without one
needs none. LOA_DATA_DIR/engines/<engine>.toml goes before it, for a mirror or for other weights. `loa engines pull` puts the files into
LOA_DATA_DIR/engines/<engine>.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import json
from dataclasses import dataclass
from pathlib import Path

from loa.bundles import Bundle, Manifest
from loa.errors import BrokenEngine, EngineNotInstalled
from loa.installed import Digests, check, pull_record, sizes
from loa.settings import Settings


@dataclass(frozen=True, kw_only=True)
class EngineBundle(Bundle):
    """What an engine needs, as its manifest describes it."""

    kind = "engine"
    absent = EngineNotInstalled
    damaged = BrokenEngine

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(file.role for file in self.files)


class EngineFiles:
    """The files of one engine in one folder. Threads may share one."""

    def __init__(self, bundle: EngineBundle, folder: Path) -> None:
        self.bundle, self.folder = bundle, folder
        self._digests = Digests()

    @classmethod
    def of(cls, engine: str, settings: Settings) -> EngineFiles:
        """Those that `loa engines pull` brings. Raises BrokenManifest, and KeyError for an engine that needs no files of its own."""
        bundle = bundles()[engine]
        own = Path(settings.data_dir) / "engines" / f"{engine}.toml"
        return cls(read_manifest(own, roles=bundle.roles) if own.exists() else bundle, bundle.folder(settings.data_dir))

    def installed(self) -> bool:
        """Whether all files are there. Whether they are whole is asked by `paths`."""
        return not self.missing()

    def missing(self) -> tuple[str, ...]:
        """The names of the files that are not there."""
        found = sizes(self.folder, self.bundle.files)
        return tuple(file.name for file in self.bundle.files if file.name not in found)

    def paths(self) -> dict[str, Path]:
        """The path of each file by its role. Raises EngineNotInstalled, or BrokenEngine when a file has not the size that is known."""
        recorded = {entry["name"]: entry["size"] for entry in pull_record(self.folder).get("files", [])}
        check(self.bundle, self.folder, sizes(self.folder, self.bundle.files), recorded)
        return {file.role: self.folder / file.name for file in self.bundle.files}

    def fingerprint(self, *roles: str) -> str:
        """64 hex digits that change when one of the files does, or one of those with these roles. Raises like `paths`.

        A sha256 that neither the manifest nor the record of the pull knows is computed, once for each version of the file.
        """
        paths = self.paths()
        known = {file.role: file.sha256 for file in self.bundle.files}
        digests = {role: known[role] or self._digests.of(paths[role]) for role in roles or paths}
        return hashlib.sha256(json.dumps(digests, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@functools.cache
def bundles() -> dict[str, EngineBundle]:
    """What each engine needs that needs files of its own, by the engine's name."""
    folder = Path(str(importlib.resources.files("loa"))) / "engine_manifests"
    return {path.stem: read_manifest(path) for path in sorted(folder.glob("*.toml"))}


def read_manifest(path: Path, roles: frozenset[str] | None = None) -> EngineBundle:
    """What the engine named like the file needs: a file for each of `roles`. Raises BrokenManifest, which names the file and the field."""
    manifest = Manifest.open(path, EngineBundle.kind)
    bundle = EngineBundle(**manifest.bundle())
    manifest.finish()
    if roles is not None and bundle.roles != roles:
        raise manifest.broken("files", f"must have the roles {', '.join(sorted(roles))}")
    return bundle
