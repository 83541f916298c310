"""Under which address a segment's audio is stored."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def address(engine: str, sound_version: int, fingerprint: str, speed: float, text: str, language: str) -> str:
    """The content address of a segment's audio: 64 hex digits that depend on everything that can be heard, and on nothing else.

    `text` is what the engine gets, `language` that of the voice.
    """
    heard = {
        "engine": engine,
        "sound_version": sound_version,
        "voice": fingerprint,
        "speed": float(speed),
        "text": text,
        "language": language,
    }
    return hashlib.sha256(canonical_json(heard)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON in ASCII with sorted keys and no blanks: equal values have equal bytes. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
