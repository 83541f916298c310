"""The voices that this installation knows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from api.contract import Answer, operation
from api.schemas import VoiceJson, Voices
from api.service import service
from loa.errors import BrokenManifest, UnknownVoice

blueprint = Blueprint("voices", __name__)
TAG = "Voices"


@blueprint.get("/v1/voices")
@operation("List voices", tag=TAG, answers={200: Answer(what="Every voice by name, installed or not.", schema=Voices)}, needs_redis=False)
def list_voices() -> dict[str, Any]:
    """Mind `licence` and `commercial_use`: they belong to the voice, not to Loa."""
    voices = service().voices
    return {"voices": [voices.describe(voice) for voice in voices.all().values()]}


@blueprint.get("/v1/voices/<name>")
@operation(
    "Show a voice",
    tag=TAG,
    answers={200: Answer(what="The voice.", schema=VoiceJson)},
    errors=(UnknownVoice, BrokenManifest),
    needs_redis=False,
)
def show_voice(name: str) -> dict[str, Any]:
    """An unknown name is answered with close ones."""
    voices = service().voices
    return voices.describe(voices.get(name))
