"""An added voice as the store keeps it: a manifest's fields as JSON, with the consent.

    {"title": "Anna", "engine": "viettts", "language": "vi-VN", "licence": "CC BY 4.0", "commercial_use": true,
     "consent": "I am the speaker and allow it.",
     "files": [{"role": "prompt", "name": "anna.wav", "size": 480044, "sha256": "…"}]}

Fields that have their default in a manifest are left out; an unknown `commercial_use` is "unknown", as there. What the store keeps begins
with the instant of the addition: `CREATED {…}`, in milliseconds of the Redis clock.
"""

from __future__ import annotations

import json
from typing import Any

from loa.api_keys import DEFAULT_OWNER
from loa.bundles import Manifest
from loa.errors import BrokenManifest
from loa.voice_manifest import Addition, Voice, read_voice


def write_record(voice: Voice) -> str:
    """The record of an added voice, without the instant, which the store puts before it."""
    if voice.addition is None:
        raise ValueError(f"voice {voice.name!r} was not added")
    record: dict[str, Any] = {
        "title": voice.title,
        "engine": voice.engine,
        "language": voice.language,
        "licence": voice.licence,
        "commercial_use": "unknown" if voice.commercial_use is None else voice.commercial_use,
        "consent": voice.addition.consent,
        "files": [{"role": file.role, "name": file.name, "size": file.size, "sha256": file.sha256} for file in voice.files],
    }
    rest = {name: getattr(voice, name) for name in ("sample_rate", "licence_url", "notice", "source", "options")}
    return json.dumps(record | {name: value for name, value in rest.items() if value}, ensure_ascii=False)


def read_record(name: str, kept: str, owner: str = DEFAULT_OWNER) -> Voice:
    """The voice `name` of an owner, as the store keeps it. Raises BrokenManifest, which names the field."""
    where = f"the record of the added voice {name!r}"
    created, _, text = kept.partition(" ")
    try:
        seconds = int(created) / 1000
        record = json.loads(text)
        consent = record.pop("consent")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise BrokenManifest(f"{where} cannot be read: {type(error).__name__}: {error}", voice=name) from error
    table = Manifest(record, where=where, kind=Voice.kind, name=name)
    if not isinstance(consent, str) or not consent:
        raise table.broken("consent", "takes text")
    return read_voice(table, addition=Addition(consent=consent, created=seconds, owner=owner))
