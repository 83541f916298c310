"""Adding and removing voices: the rules, and what is written when.

A recording is judged before anything is kept. It is stored first and its record after it, so a voice that is known can be spoken with.
A removal erases the recording and all that was made of it first and the record last, so one that breaks off can be repeated, and one that
succeeded has left nothing. Two voices may be of one recording, and additions and removals may cross: whoever finds afterwards that a
recording is needed and gone puts it back.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from loa.added_voices import AddedVoices
from loa.api_keys import DEFAULT_OWNER
from loa.bundles import BUNDLE_NAME, BundleFile
from loa.engines import ENGINES
from loa.errors import (
    BrokenManifest,
    InvalidRequest,
    StoreUnavailable,
    UnknownEngine,
    UnknownVoice,
    UnreadableRecording,
    VoiceExists,
    VoiceNotRemovable,
)
from loa.recordings import Recordings
from loa.store import Voices
from loa.store.voices import Owned
from loa.voice_manifest import LANGUAGE, Addition, Voice
from loa.voice_record import read_record, write_record
from loa.voices import VoiceRegistry

DEFAULT_ENGINE = "viettts"
MOST_BYTES = 50_000_000  # of a recording: 30 s at 192 kHz, stereo, 32 bit are 46 MB
SECONDS = (3, 30)  # shortest and longest, as loa/voice_prompt.py judges; that needs numpy, and the API's start is quick without it
EXTENSIONS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}  # by libsndfile's names
NAME_RULE = "a letter or a digit, then letters, digits, '_', '-' and '.', at most 64 characters"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NewVoice:
    """What a person who adds a voice says of it."""

    name: str
    recording: bytes  # the file as it came: wav, mp3, flac or ogg
    language: str
    licence: str
    consent: str  # on what ground the speaker's voice may be used
    title: str = ""  # "": the name
    commercial_use: bool | None = None  # None: not said
    engine: str = DEFAULT_ENGINE

    def check(self) -> None:
        """Raises InvalidRequest, which names the field, or UnknownEngine."""
        if not BUNDLE_NAME.fullmatch(self.name):
            raise InvalidRequest(f"name takes {NAME_RULE}", field="name")
        if not LANGUAGE.fullmatch(self.language):
            raise InvalidRequest("language takes a language tag such as vi-VN", field="language")
        for field in ("licence", "consent"):
            if not getattr(self, field).strip():
                raise InvalidRequest(f"{field} may not be empty", field=field)
        if (facts := ENGINES.get(self.engine)) is None:
            raise UnknownEngine(f"this version of Loa has no engine {self.engine!r}", engine=self.engine)
        if not facts.from_recordings:
            able = ", ".join(name for name, facts in ENGINES.items() if facts.from_recordings and not facts.for_tests)
            raise InvalidRequest(f"the engine {self.engine!r} makes no voice of a recording; choose {able}", field="engine")


class VoiceDesk:
    """Takes voices in and takes them away again. Threads may share one."""

    def __init__(self, registry: VoiceRegistry, added: AddedVoices, recordings: Recordings) -> None:
        self._registry, self._added, self._recordings = registry, added, recordings

    def add(self, new: NewVoice, voices: Voices, owner: str = DEFAULT_OWNER) -> tuple[Voice, bool]:
        """The voice, which is the owner's alone, and whether it was added now; False: the very same one was there already.

        Raises InvalidRequest, UnknownEngine, VoiceExists, what `read_recording` and `judge` raise, StorageFull, StorageUnavailable,
        StoreUnavailable.
        """
        new.check()
        found = self._known(new.name, voices, owner)
        if found is None:
            voice = self._voice(new, owner)
            file = voice.files[0]
            self._recordings.keep(file, new.recording)
            answer = voices.add(voice.name, write_record(voice), owner)
            found = read_record(voice.name, answer.kept, owner)
            if answer.created:
                self._recordings.keep(file, new.recording)  # in case it was just removed with another voice
                self._see()
                log.info("voice %s was added", voice.name)
                return found, True
            self._erase(file, voices)  # another voice took the name meanwhile
        if not _same(found, new):
            raise VoiceExists(f"there is a voice {new.name!r} already", voice=new.name)
        return found, False

    def remove(self, name: str, voices: Voices, owner: str = DEFAULT_OWNER) -> None:
        """Forget an added voice, with its recording and all that was made of it.

        Jobs that wait for it fail with `voice_changed`, but for those that a worker speaks which has the voice in its memory.
        Raises UnknownVoice, VoiceNotRemovable, StorageUnavailable, StoreUnavailable.
        """
        kept = voices.find(name, owner) if BUNDLE_NAME.fullmatch(name) else None
        if kept is None:
            self._see()
            if self._registry.get(name, owner).addition is None:
                raise VoiceNotRemovable(f"voice {name!r} was not added: a manifest describes it", voice=name)
            raise UnknownVoice(f"voice {name!r} was removed a moment ago", voice=name, close=[])
        try:
            voice = read_record(name, kept, owner)
        except BrokenManifest as error:
            log.error("what voice %s was made of is not known and stays: %s", name, error.message)
            voices.remove(name, kept, owner)
        else:
            unneeded = [self._erase(file, voices, besides=(owner, name)) for file in voice.files]
            self._erase_states(voice, unneeded)
            voices.remove(name, kept, owner)
            self._erase_states(voice, unneeded)  # once more: a worker may have kept what it was just making, and looks from now on
        self._see()
        log.info("voice %s was removed", name)

    def _known(self, name: str, voices: Voices, owner: str) -> Voice | None:
        """The owner's voice of this name, if there is one. Raises VoiceExists when a manifest has it."""
        if (kept := voices.find(name, owner)) is not None:
            try:
                return read_record(name, kept, owner)
            except BrokenManifest as error:
                raise VoiceExists(f"there is a voice {name!r} already, which cannot be read: {error.message}", voice=name) from error
        with contextlib.suppress(UnknownVoice):
            try:
                voice = self._registry.get(name, owner)
            except BrokenManifest as error:
                raise VoiceExists(f"there is a voice {name!r} already, which cannot be used: {error.message}", voice=name) from error
            if voice.addition is None:
                raise VoiceExists(f"there is a voice {name!r} already", voice=name)
        return None

    def _voice(self, new: NewVoice, owner: str) -> Voice:
        from loa.voice_prompt import judge, read_recording

        judge(read_recording(new.recording))
        sha256 = hashlib.sha256(new.recording).hexdigest()
        file = BundleFile(role="prompt", name=f"{new.name}.{_extension(new.recording)}", size=len(new.recording), sha256=sha256)
        return Voice(
            name=new.name,
            title=new.title.strip() or new.name,
            engine=new.engine,
            language=new.language,
            licence=new.licence.strip(),
            commercial_use=new.commercial_use,
            files=(file,),
            addition=Addition(consent=new.consent.strip(), created=0.0, owner=owner),  # the store knows when
        )

    def _erase(self, file: BundleFile, voices: Voices, *, besides: Owned | None = None) -> bool:
        """Remove a recording unless another voice needs it. Returns whether it is gone."""
        if self._needed(file, voices, besides):
            return False
        content = self._recordings.erase(file)
        if content is not None and self._needed(file, voices, besides):  # a voice was added meanwhile
            self._recordings.keep(file, content)
            return False
        return True

    def _erase_states(self, voice: Voice, unneeded: Sequence[bool]) -> None:
        if all(unneeded):
            self._recordings.erase_states(voice.engine, self._registry.fingerprint(voice))

    def _needed(self, file: BundleFile, voices: Voices, besides: Owned | None) -> bool:
        """Whether any owner's voice is of this recording."""
        return any(file.sha256 in kept for owned, kept in voices.all().items() if owned != besides)

    def _see(self) -> None:
        """Let this very process know at once."""
        with contextlib.suppress(StoreUnavailable):
            self._added.look()


def _extension(recording: bytes) -> str:
    """By what the file is, whatever it was called. Raises UnreadableRecording for a format that an engine may not know."""
    import soundfile

    form = soundfile.info(io.BytesIO(recording)).format
    if form not in EXTENSIONS:
        raise UnreadableRecording(f"the file is in the format {form}; a voice takes wav, flac, ogg or mp3", format=form)
    return EXTENSIONS[form]


def _same(voice: Voice, new: NewVoice) -> bool:
    """Whether a voice is just what adding `new` would make."""
    assert voice.addition is not None
    there = (voice.title, voice.engine, voice.language, voice.licence, voice.commercial_use, voice.addition.consent)
    wanted = (new.title.strip() or new.name, new.engine, new.language, new.licence.strip(), new.commercial_use, new.consent.strip())
    return there == wanted and [file.sha256 for file in voice.files] == [hashlib.sha256(new.recording).hexdigest()]
