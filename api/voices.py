"""The voices that this installation knows: list, show, add, remove."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from api.access import caller
from api.contract import FORM, Answer, operation
from api.requests import read_new_voice
from api.schemas import VoiceForm, VoiceJson, Voices
from api.service import service
from loa.api_keys import Scope
from loa.errors import (
    BodyTooLarge,
    BrokenManifest,
    InvalidRequest,
    NoSpeech,
    PartMissing,
    RecordingClipped,
    RecordingNoisy,
    RecordingSilent,
    RecordingTooLong,
    RecordingTooShort,
    StorageFull,
    StorageUnavailable,
    UnknownEngine,
    UnknownVoice,
    UnreadableRecording,
    UnsupportedMediaType,
    VoiceExists,
    VoiceNotRemovable,
)

blueprint = Blueprint("voices", __name__)
TAG = "Voices"

_BAD_RECORDING = (
    *(UnreadableRecording, RecordingTooShort, RecordingTooLong, RecordingSilent),
    *(RecordingClipped, RecordingNoisy, NoSpeech, PartMissing),
)


@blueprint.get("/v1/voices")
@operation(
    "List voices",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="Every voice by name, installed or not.", schema=Voices)},
)
def list_voices() -> dict[str, Any]:
    """Mind `licence` and `commercial_use`: they belong to the voice, not to Loa."""
    voices = service().voices
    return {"voices": [voices.describe(voice) for voice in voices.all(caller().owner).values()]}


@blueprint.get("/v1/voices/<name>")
@operation(
    "Show a voice",
    tag=TAG,
    scope=Scope.READ,
    answers={200: Answer(what="The voice.", schema=VoiceJson)},
    errors=(UnknownVoice, BrokenManifest),
)
def show_voice(name: str) -> dict[str, Any]:
    """An unknown name is answered with close ones."""
    voices = service().voices
    return voices.describe(voices.get(name, caller().owner))


@blueprint.post("/v1/voices")
@operation(
    "Add a voice",
    tag=TAG,
    scope=Scope.SUBMIT,
    bodies={FORM: VoiceForm},
    answers={
        201: Answer(what="The voice: jobs can name it at once.", schema=VoiceJson, headers={"Location": "the voice's address"}),
        200: Answer(what="The very same voice was added before.", schema=VoiceJson, headers={"Location": "the voice's address"}),
    },
    errors=(
        *(InvalidRequest, UnsupportedMediaType, BodyTooLarge, *_BAD_RECORDING),
        *(VoiceExists, UnknownEngine, StorageFull, StorageUnavailable),
    ),
)
def add_voice() -> tuple[dict[str, Any], int, dict[str, str]]:
    """From a recording, which is judged at once; one that cannot become a good voice is refused with the reason. Add a voice only if
    its speaker agrees: `consent` and `licence` stay with the voice and are shown with it."""
    voice, created = service().add_voice(caller().owner, read_new_voice(request, service().settings))
    return voice, 201 if created else 200, {"Location": f"/v1/voices/{voice['name']}"}


@blueprint.delete("/v1/voices/<name>")
@operation(
    "Remove a voice",
    tag=TAG,
    scope=Scope.SUBMIT,
    answers={204: Answer(what="The voice, its recording and all that was made of it are gone.")},
    errors=(UnknownVoice, BrokenManifest, VoiceNotRemovable, StorageUnavailable),
)
def remove_voice(name: str) -> tuple[str, int]:
    """Only voices that were added. Audio that was made with it stays with its jobs; jobs that still wait for it fail with
    `voice_changed`, but for what a worker speaks that has the voice in its memory."""
    service().remove_voice(caller().owner, name)
    return "", 204
