"""The added voices, as one process of the service knows them: a snapshot of the store that is at most a second old.

A name that the snapshot does not have is looked up at once, so a voice that was added through one process can be used through every other.
While Redis is away, the last snapshot goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from loa.api_keys import DEFAULT_OWNER
from loa.bundles import BUNDLE_NAME
from loa.errors import BrokenManifest, StoreUnavailable
from loa.recordings import LEFT_ALONE, Recordings
from loa.voice_manifest import Voice
from loa.voice_record import read_record

if TYPE_CHECKING:  # the store knows plans, and plans know voices
    from loa.store.voices import Owned, Voices

PERIOD = 1.0  # seconds between two looks at the store

log = logging.getLogger(__name__)


class AddedVoices:
    """Threads may share one."""

    def __init__(self, voices: Callable[[], Voices], recordings: Recordings, clock: Callable[[], float] = time.monotonic) -> None:
        """`voices` gives the store's voices, or raises StoreUnavailable."""
        self._store, self._recordings, self._clock = voices, recordings, clock
        self._kept: Mapping[Owned, str] | None = None  # the last snapshot, as it is in the store
        self._voices: Mapping[str, Mapping[str, Voice]] = {}  # the same as voices by owner and name; replaced, never changed
        self._looked = float("-inf")
        self._looking = threading.Lock()
        self._away = False  # whether Redis was away at the last look
        self._watch: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self, voices: Voices) -> None:
        """Look from a thread of its own, over a connection of its own: from now on no call of `all` waits for Redis."""
        self._watch = threading.Thread(target=self._keep_looking, args=(voices,), name="added voices", daemon=True)
        self._watch.start()

    def stop(self, seconds: float = 3.0) -> None:
        """End the thread, if there is one."""
        self._stopped.set()
        if self._watch is not None:
            self._watch.join(seconds)

    def all(self, owner: str = DEFAULT_OWNER) -> Mapping[str, Voice]:
        """Every voice that the owner added, by name, as of the last look."""
        if self._watch is None and self._clock() - self._looked >= PERIOD and self._looking.acquire(blocking=False):
            try:
                self._try_to_look(self._store)
            finally:
                self._looking.release()
        return self._voices.get(owner, {})

    def find(self, name: str, owner: str = DEFAULT_OWNER) -> Voice | None:
        """A voice that the snapshot does not have, as the store has it now. Raises StoreUnavailable, BrokenManifest."""
        kept = self._store().find(name, owner) if BUNDLE_NAME.fullmatch(name) else None
        return None if kept is None else read_record(name, kept, owner)

    def look(self) -> None:
        """Take a new snapshot now. Raises StoreUnavailable."""
        with self._looking:
            self._take(self._store().all())

    def files(self, voice: Voice) -> dict[str, Path]:
        """This machine's copies of a voice's files by role, fetched where needed.

        Raises ArtifactMissing, BrokenVoice, StorageFull, StorageUnavailable.
        """
        return {file.role: self._recordings.path(voice, file) for file in voice.files}

    def _keep_looking(self, voices: Voices) -> None:
        tidied = self._clock()
        while True:
            with self._looking:
                self._try_to_look(lambda: voices)
            if self._clock() - tidied >= LEFT_ALONE:  # copies that were too young when their voice went
                self._recordings.tidy(_everybodys(self._voices))
                tidied = self._clock()
            if self._stopped.wait(PERIOD):
                return

    def _try_to_look(self, voices: Callable[[], Voices]) -> None:
        self._looked = self._clock()
        try:
            self._take(voices().all())
        except StoreUnavailable as error:
            if not self._away:
                log.warning("added voices are as they were: %s", error.message)
            self._away = True
        except Exception:
            log.exception("the added voices could not be read; the next look tries again")
        else:
            self._away = False

    def _take(self, kept: Mapping[Owned, str]) -> None:
        self._looked = self._clock()
        if kept == self._kept:
            return
        voices: dict[str, dict[str, Voice]] = {}
        for (owner, name), record in sorted(kept.items()):
            try:
                voices.setdefault(owner, {})[name] = read_record(name, record, owner)
            except BrokenManifest as error:
                log.error("added voice skipped: %s", error.message)
        self._kept, self._voices = kept, voices
        self._recordings.tidy(_everybodys(voices))


def _everybodys(voices: Mapping[str, Mapping[str, Voice]]) -> Iterator[Voice]:
    for owned in voices.values():
        yield from owned.values()
