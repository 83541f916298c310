"""Which voice speaks a text for which none was named: a Vietnamese one for Vietnamese, else the default."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_VOICE = "joe"
SHARE = 1 / 3  # of the words; about 3 of 4 words of Vietnamese prose carry a mark, of English prose with names and loan-words 1 of 20
_WORD = re.compile(r"[^\W\d_]+")
# What Vietnamese letters have beyond a-z, decomposed: breve, circumflex, horn; grave, acute, tilde, hook, dot below; and đ.
_MARKS = re.compile("[\u0306\u0302\u031b\u0300\u0301\u0303\u0309\u0323đĐ]")


@dataclass(frozen=True, kw_only=True)
class Choice:
    voice: str
    reason: str  # for the person, after the voice's name
    hint: str = ""  # what would serve better


def looks_vietnamese(text: str) -> bool:
    """Whether at least a third of the words of the first pages carry Vietnamese marks."""
    words = _WORD.findall(unicodedata.normalize("NFC", text[:20_000]))
    marked = sum(bool(_MARKS.search(unicodedata.normalize("NFD", word))) for word in words)
    return bool(words) and marked / len(words) >= SHARE


def choose_voice(text: str, voices: Sequence[dict[str, Any]]) -> Choice:
    """The voice for `text` out of the server's `voices` (as GET /v1/voices shows them)."""
    if not looks_vietnamese(text):
        return Choice(voice=DEFAULT_VOICE, reason="the default")
    ours = [voice for voice in voices if voice["engine_available"] and not voice.get("added")]  # nobody's own voice unless it is named
    vietnamese = sorted((voice for voice in ours if voice["language"].startswith("vi")), key=_rank)
    installed = [voice for voice in vietnamese if voice["installed"]]
    if installed:
        return Choice(voice=installed[0]["name"], reason="the text looks Vietnamese")
    free = next((voice["name"] for voice in vietnamese if any(file["url"] for file in voice["files"])), None)
    hint = f"; install one with: loa voices pull {free}" if free else ""
    return Choice(voice=DEFAULT_VOICE, reason="the default", hint=f"the text looks Vietnamese, but no Vietnamese voice is installed{hint}")


def _rank(voice: dict[str, Any]) -> tuple[bool, bool, str]:
    """Common voices first, then those whose licence does not forbid anything that the person may be about to do."""
    return not voice["common"], voice.get("commercial_use") is False, voice["name"]
