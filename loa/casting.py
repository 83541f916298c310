"""From the names of voices in a request, or in a job, to the voices themselves."""

from __future__ import annotations

from collections.abc import Mapping

from loa.api_keys import DEFAULT_OWNER
from loa.errors import InvalidVoices
from loa.jobs import Job
from loa.pinned import Pinned
from loa.plan.cast import Cast, Part, primary
from loa.voice_manifest import LANGUAGE
from loa.voices import VoiceRegistry

MOST_VOICES = 8  # of one job: each is loaded by every process that speaks for it


def check_voices(voices: Mapping[str, str]) -> None:
    """Raises InvalidVoices for languages that are none, the same language twice, or more voices than a job may have."""
    if len(voices) > MOST_VOICES:
        raise InvalidVoices(f"voices names {len(voices)}; a job has {MOST_VOICES} at most", most=MOST_VOICES)
    for language in voices:
        if not LANGUAGE.fullmatch(language):
            raise InvalidVoices(f"voices names a language {language[:40]!r}; it takes tags such as vi and en", language=language[:40])
    if len({primary(language) for language in voices}) < len(voices):
        raise InvalidVoices("voices names a language twice")


def cast_of(registry: VoiceRegistry, voice: str, voices: Mapping[str, str], owner: str = DEFAULT_OWNER) -> Cast:
    """The voices that a request asks for: its own, and those for languages (a tag → a name).

    Raises InvalidVoices, also for a voice under another language than its own, and what VoiceRegistry.speakable raises: UnknownVoice,
    also for another owner's, VoiceNotInstalled …
    """
    check_voices(voices)
    parts: dict[str, Part] = {}
    for name in dict.fromkeys((voice, *voices.values())):
        found = registry.speakable(name, owner)
        parts[name] = Part(voice=found, fingerprint=registry.fingerprint(found))
    for language, name in voices.items():
        if primary(language) != (own := parts[name].language):
            raise InvalidVoices(f"voices names {name!r} for {language!r}; it speaks {own!r}", voice=name, language=own)
    return Cast(main=parts[voice], others={primary(language): parts[name] for language, name in voices.items()})


def pinned_cast(registry: VoiceRegistry, job: Job) -> Cast:
    """The voices that a job was accepted with. Raises VoiceChanged where one of them is gone, or another one by now."""

    def part(pinned: Pinned) -> Part:
        return Part(voice=registry.pinned(pinned.name, pinned.fingerprint, job.owner), fingerprint=pinned.fingerprint)

    main = part(Pinned(name=job.voice, fingerprint=job.fingerprint, engine=job.engine))
    return Cast(main=main, others={language: part(voice) for language, voice in job.voices.items()})


def pinned(cast: Cast) -> dict[str, Pinned]:
    """The other voices of a cast, as a job keeps them, by language."""
    return {
        language: Pinned(name=part.voice.name, fingerprint=part.fingerprint, engine=part.voice.engine)
        for language, part in cast.others.items()
    }
