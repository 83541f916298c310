"""What will be said of a text or a document, before anybody says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from loa.api_keys import DEFAULT_OWNER
from loa.casting import cast_of
from loa.errors import InvalidVoices
from loa.plan.cast import Cast, primary
from loa.plan.phrases import SWITCHED, Phrase, Phrasing
from loa.plan.planning import check_language, phrases_of, phrases_of_chapters
from loa.reading import Document
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
        words = Lexicon.parse(lexicon or {}).over(self._lexicon)
        phrases, phrasing = phrases_of(text, lexicon=words, **_tongues(cast, language))
        return _shown(phrases, phrasing, cast)


def preview_document(
    document: Document, *, cast: Cast | None = None, language: str | None = None, lexicon: Lexicon | None = None, chapters: str = ""
) -> dict[str, Any]:
    """As `Preview.show`, of the `chapters` of a document: as a job with this cast and this lexicon would speak it.

    Raises InvalidChapters, UnsupportedLanguage.
    """
    if cast is not None:
        check_language(document, cast)
    told, phrasing = phrases_of_chapters(document, lexicon=lexicon, chapters=chapters, **_tongues(cast, language))
    return _shown((phrase for phrases in told.values() for phrase in phrases), phrasing, cast)


def _tongues(cast: Cast | None, language: str | None) -> dict[str, Any]:
    """In which languages is spoken, and in which of them what is in none."""
    if cast is not None:
        return {"languages": cast.languages, "main": cast.main.language}
    main = primary(language or DEFAULT_LANGUAGE)
    return {"languages": {main, *SWITCHED}, "main": main}


def _shown(phrases: Iterable[Phrase], phrasing: Phrasing, cast: Cast | None) -> dict[str, Any]:
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
