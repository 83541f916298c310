"""The recordings of added voices: in the artifact store by their sha256, and on each machine that speaks as checked copies.

A copy is fetched when a voice is first made on a machine, and removed when no voice needs it any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from loa.artifacts import Artifacts
from loa.bundles import BundleFile
from loa.download import full_disk
from loa.errors import BrokenVoice
from loa.voice_manifest import Voice

FOLDER = ".added"  # of LOA_DATA_DIR/voices
PROMPTS = "voices/prompts"  # in the artifact store
STATES = "voices/states"
LEFT_ALONE = 60.0  # seconds: a copy that is younger may be of a voice that was added since anybody looked

log = logging.getLogger(__name__)


def prompt_path(file: BundleFile) -> str:
    """Where a recording lies in the artifact store."""
    return f"{PROMPTS}/{_stored_name(file)}"


def state_path(engine: str, sound_version: int, fingerprint: str) -> str:
    """Where what an engine made of a voice lies in the artifact store (see worker/voice_states.py)."""
    return f"{STATES}/{engine}/{sound_version}/{fingerprint}.safetensors"


class Recordings:
    """Threads and processes may share the folder."""

    def __init__(self, artifacts: Artifacts, data_dir: Path | str) -> None:
        self._artifacts = artifacts
        self._folder = Path(data_dir) / "voices" / FOLDER

    def keep(self, file: BundleFile, content: bytes) -> None:
        """Store a recording. Raises StorageFull, StorageUnavailable."""
        self._artifacts.write(prompt_path(file), content)

    def path(self, voice: Voice, file: BundleFile) -> Path:
        """This machine's copy of a recording, fetched unless it is here and whole.

        Raises ArtifactMissing, BrokenVoice when the recording itself is damaged, StorageFull, StorageUnavailable.
        """
        copy = self._folder / _stored_name(file)
        with contextlib.suppress(FileNotFoundError):
            if _sha256(copy.read_bytes()) == file.sha256:
                copy.touch()  # young again: nobody tidies it away
                return copy
        content = self._artifacts.read(prompt_path(file))
        if _sha256(content) != file.sha256:
            raise BrokenVoice(f"the recording of voice {voice.name!r} is damaged in the artifact store", voice=voice.name)
        with full_disk(self._folder.parent):
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{copy.name}.{secrets.token_hex(4)}.part"
            try:
                part.write_bytes(content)
                part.replace(copy)
            finally:
                part.unlink(missing_ok=True)
        return copy

    def tidy(self, voices: Iterable[Voice]) -> None:
        """Remove copies of recordings that none of these voices, which are all there are, is made of."""
        wanted = {_stored_name(file) for voice in voices for file in voice.files}
        with contextlib.suppress(FileNotFoundError):
            for copy in list(self._folder.iterdir()):
                with contextlib.suppress(FileNotFoundError):  # another process tidies as well
                    if copy.name not in wanted and time.time() - copy.stat().st_mtime > LEFT_ALONE:
                        copy.unlink()
                        log.info("removed %s, which no voice needs any more", copy)

    def erase(self, file: BundleFile) -> bytes | None:
        """Remove a recording from the artifact store; what it was, or None where there was none."""
        path = prompt_path(file)
        if not self._artifacts.exists(path):
            return None
        content = self._artifacts.read(path)
        self._artifacts.delete(path)
        return content

    def erase_states(self, engine: str, fingerprint: str) -> None:
        """Remove what any version of an engine made of a voice."""
        for stored in list(self._artifacts.walk(f"{STATES}/{engine}")):
            if stored.path.endswith(f"/{fingerprint}.safetensors"):
                self._artifacts.delete(stored.path)


def _stored_name(file: BundleFile) -> str:
    return f"{file.sha256}{Path(file.name).suffix}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
