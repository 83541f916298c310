"""The voices that this installation knows: read from manifests, kept up to date by stat, looked up without opening a file; and added ones.

Manifests are read from three places; where two have the same name the later one wins: the folder `voices` that comes with Loa,
LOA_DATA_DIR/voices, the folders of LOA_VOICES. These are everybody's. An added voice is its owner's alone; for them it wins over all of
them, because it is the same in every process, and a manifest may be on one machine only. A voice's files lie in
LOA_DATA_DIR/voices/<name> (where `loa voices pull` puts them), beside its manifest, in a folder of the voice's name beside its manifest, or
in the Python package that the manifest names. The first place that has any of them is taken.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.resources
import importlib.util
import json
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loa.added_voices import AddedVoices
from loa.api_keys import DEFAULT_OWNER
from loa.errors import ArtifactMissing, BrokenManifest, UnknownEngine, UnknownVoice, VoiceChanged
from loa.installed import Digests, check, sizes
from loa.instants import iso
from loa.settings import Settings
from loa.voice_manifest import Voice, read_manifest

__all__ = ["Voice", "VoiceRegistry"]

log = logging.getLogger(__name__)


class VoiceRegistry:
    """Every voice by name. Threads may share one."""

    def __init__(self, settings: Settings, added: AddedVoices | None = None) -> None:
        """`added` None: only manifests count, as on a machine that looks at its own voices."""
        self._added = added
        self._data_dir = Path(settings.data_dir)
        own = Path(str(importlib.resources.files("voices")))
        named = [Path(folder).expanduser() for folder in settings.voices.split(":") if folder.strip()]
        self._folders = (own, self._data_dir / "voices", *named)
        self._lock = threading.Lock()
        self._seen: list[tuple[str, int, int]] | None = None  # path, mtime, size of every manifest at the last reading
        self._described: dict[str, Voice] = {}  # by manifests: everybody's
        self._broken: dict[str, BrokenManifest] = {}
        self._packages: dict[str, Path] = {}  # where each package lies that was found
        self._digests = Digests()

    def all(self, owner: str = DEFAULT_OWNER) -> dict[str, Voice]:
        """Every voice that the owner may use, by name; manifests are read again only when one was added, changed or removed."""
        self._read_manifests()
        return dict(sorted({**self._described, **self._additions(owner)}.items()))

    def broken(self) -> dict[str, BrokenManifest]:
        """The manifests that could not be read, by voice name: they hide no other voice."""
        self._read_manifests()
        return dict(self._broken)

    def get(self, name: str, owner: str = DEFAULT_OWNER) -> Voice:
        """The voice `name` of everybody's and of the owner's own, installed or not.

        Raises UnknownVoice, whose details name close ones, or BrokenManifest; StoreUnavailable when it may have been added a moment ago.
        """
        self._read_manifests()
        if (voice := self._additions(owner).get(name) or self._described.get(name)) is not None:
            return voice
        if self._added is not None and (voice := self._added.find(name, owner)) is not None:
            return voice
        if name in self._broken:
            raise BrokenManifest(self._broken[name].message, **self._broken[name].details)
        shown = name if len(name) <= 64 else name[:63] + "…"
        close = _close(shown, self.all(owner))
        hint = f"; close names: {', '.join(close)}" if close else ""
        raise UnknownVoice(f"there is no voice {shown!r}{hint}", voice=shown, close=close)

    def speakable(self, name: str, owner: str = DEFAULT_OWNER) -> Voice:
        """The voice `name`, known to be usable by a job: its engine exists and its files are there.

        Raises UnknownVoice, BrokenManifest, UnknownEngine, VoiceNotInstalled, BrokenVoice or StoreUnavailable.
        """
        voice = self.get(name, owner)
        if not voice.engine_available:
            raise UnknownEngine(
                f"voice {name!r} needs the engine {voice.engine!r}, which this version of Loa does not have",
                voice=name,
                engine=voice.engine,
            )
        if voice.addition is None:
            self.files(voice)
        return voice

    def pinned(self, name: str, fingerprint: str, owner: str = DEFAULT_OWNER) -> Voice:
        """The voice that a job was accepted with. Raises VoiceChanged when it is gone or another one by now; else like `fingerprint`."""
        try:
            voice = self.get(name, owner)
        except UnknownVoice as error:
            raise VoiceChanged(f"voice {name!r} was removed after this job was submitted", voice=name) from error
        if self.fingerprint(voice) != fingerprint:
            raise VoiceChanged(f"voice {name!r} was replaced after this job was submitted", voice=name)
        return voice

    def removed(self, voice: Voice) -> bool:
        """Whether an added voice is gone, or another one, at this very moment. Raises StoreUnavailable."""
        if voice.addition is None or self._added is None:
            return False
        return self._added.find(voice.name, voice.addition.owner) != voice

    def installed(self, voice: Voice) -> bool:
        """Whether all files of the voice are there. Whether they are whole is asked by `files`."""
        if voice.addition is not None:
            return True  # every process can fetch its recording
        _, found = self._look(voice)
        return len(found) == len(voice.files)

    def files(self, voice: Voice) -> dict[str, Path]:
        """The path of each file by its role; those of an added voice are fetched to this machine first.

        Raises VoiceNotInstalled, or BrokenVoice when a file's size is not what the manifest says; for an added voice also VoiceChanged when
        it was removed meanwhile, ArtifactMissing, StorageFull, StorageUnavailable.
        """
        if voice.addition is not None:
            return self._fetched(voice)
        folder, found = self._look(voice)
        check(voice, folder, found)
        return {file.role: folder / file.name for file in voice.files}

    def fingerprint(self, voice: Voice) -> str:
        """64 hex digits that change when the voice would sound different: its files' sha256s and its options.

        A sha256 that the manifest does not know is taken from the pull record, else computed once for each version of the file.
        Raises like `files`; of an added voice everything is known without them.
        """
        if voice.addition is not None:
            digests = {file.role: file.sha256 for file in voice.files}
        else:
            paths = self.files(voice)
            digests = {file.role: file.sha256 or self._digests.of(paths[file.role]) for file in voice.files}
        # A voice without files is nothing but its name and options.
        identity = {"files": digests, "options": dict(voice.options), "name": "" if digests else voice.name}
        return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()

    def describe(self, voice: Voice) -> dict[str, Any]:
        """The voice as JSON, for the API and the command line."""
        return voice.to_json() | {
            "language": voice.language,
            "engine": voice.engine,
            "engine_available": voice.engine_available,
            "installed": self.installed(voice),
            "common": voice.common,
            "added": voice.addition is not None,
            "sample_rate": voice.sample_rate or None,
            "consent": voice.addition.consent if voice.addition else None,
            "created_at": iso(voice.addition.created) if voice.addition else None,
        }

    def _additions(self, owner: str) -> Mapping[str, Voice]:
        return {} if self._added is None else self._added.all(owner)

    def _read_manifests(self) -> None:
        manifests = [path for folder in self._folders for path in _manifests(folder)]
        if manifests == self._seen:
            return
        with self._lock:
            voices: dict[str, Voice] = {}
            broken: dict[str, BrokenManifest] = {}
            for path, _, _ in manifests:
                name = Path(path).stem
                voices.pop(name, None)
                broken.pop(name, None)
                try:
                    voices[name] = read_manifest(Path(path))
                except BrokenManifest as error:
                    log.error("voice manifest skipped: %s", error.message)
                    broken[name] = error
            self._described, self._broken, self._seen = voices, broken, manifests

    def _fetched(self, voice: Voice) -> dict[str, Path]:
        if self._added is None:
            raise ValueError(f"voice {voice.name!r} was added, and this registry knows no added voices")
        try:
            return self._added.files(voice)
        except ArtifactMissing as missing:
            if self.removed(voice):
                raise VoiceChanged(f"voice {voice.name!r} was removed meanwhile", voice=voice.name) from missing
            raise

    def _look(self, voice: Voice) -> tuple[Path, dict[str, int]]:
        """The first place that has any of the voice's files, and the size in bytes of each that is there."""
        places = [voice.folder(self._data_dir)]
        if voice.manifest is not None:
            places += [voice.manifest.parent, voice.manifest.parent / voice.name]
        if voice.package and (packaged := self._package_folder(voice.package)) is not None:
            places.append(packaged)
        for place in places:
            if found := sizes(place, voice.files):
                return place, found
        return places[0], {}

    def _package_folder(self, package: str) -> Path | None:
        """The folder of an installed package, found without importing it."""
        if package not in self._packages:
            top, *inner = package.split(".")
            spec = importlib.util.find_spec(top)
            if spec is None or not spec.submodule_search_locations:
                return None  # not remembered: it may be installed while this process runs
            self._packages[package] = Path(next(iter(spec.submodule_search_locations)), *inner)
        return self._packages[package]


def _manifests(folder: Path) -> list[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as entries:
            found = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(".toml")]
    except FileNotFoundError:
        return []
    return sorted((path, status.st_mtime_ns, status.st_size) for path, status in found)


def _close(name: str, names: dict[str, Voice]) -> list[str]:
    folded = {known.casefold(): known for known in names}
    return [folded[hit] for hit in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
