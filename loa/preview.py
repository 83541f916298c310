"""What will be said of a text, before anybody says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loa.api_keys import DEFAULT_OWNER
from loa.casting import cast_of
from loa.errors import InvalidVoices
from loa.plan.cast import Cast, primary
from loa.plan.phrases import SWITCHED, Phrase
from loa.plan.planning import phrases_of
from loa.saying.lexicon import Lexicon
from loa.voices import VoiceRegistry

LONGEST = 20_000  # characters: a chapter, at about 1 ms for each of its sentences
DEFAULT_LANGUAGE = "en"


class Preview:
    """Shows texts as they will be spoken. Threads may share one."""

    def __init__(self, voices: VoiceRegistry, lexicon: Lexicon) -> None:
        """`lexicon`: the server's."""
        self._voices, self._lexicon = voices, lexicon

    def show(
        self,
        text: str,
        *,
        language: str | None = None,
        voice: str | None = None,
        voices: Mapping[str, str] | None = None,
        lexicon: Mapping[str, Any] | None = None,
        owner: str = DEFAULT_OWNER,
    ) -> dict[str, Any]:
        """The segments of a text as JSON, each with its language, its voice and every change, and what nobody can say.

        As a job with these `voice` and `voices` would speak it; without any, each stretch in its own language, and what could be of
        either in `language`. Raises EmptyText, InvalidVoices, InvalidLexicon, and what VoiceRegistry.speakable raises.
        """
        cast: Cast | None = None
        if voice is not None or voices:
            if language is not None:
                raise InvalidVoices("language goes with a preview without voices; a voice speaks its own")
            cast = cast_of(self._voices, voice or next(iter((voices or {}).values())), voices or {}, owner)
        main = cast.main.language if cast else primary(language or DEFAULT_LANGUAGE)
        languages = cast.languages if cast else {main, *SWITCHED}
        words = Lexicon.parse(lexicon or {}).over(self._lexicon)
        phrases, phrasing = phrases_of(text, languages=languages, main=main, lexicon=words)
        return {"segments": [_segment(phrase, cast) for phrase in phrases], "unsayable": list(phrasing.unsayable)}


def _segment(phrase: Phrase, cast: Cast | None) -> dict[str, Any]:
    return {
        "text": phrase.said.text,
        "spoken": phrase.said.spoken,
        "language": phrase.language,
        "voice": cast.part(phrase.language).voice.name if cast else None,
        "changes": [
            {"start": change.start, "from": change.source, "to": change.spoken, "rule": change.rule} for change in phrase.said.changes
        ],
    }
