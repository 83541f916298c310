"""How a job's words are said: by the rules of their language, and before them by its lexicons and what its document defines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loa.saying import Said, say
from loa.saying.context import Context
from loa.saying.lexicon import Lexicon
from loa.saying.stretches import Stretch, stretches


@dataclass(frozen=True, kw_only=True)
class Diction:
    """Threads may share one."""

    lexicon: Lexicon | None = None  # the job's over the server's
    context: Context | None = None

    def say(self, text: str, language: str) -> Said:
        """What a voice of that language gets for a text in its normal form. Never raises."""
        return say(text, language, lexicon=self.lexicon, context=self.context)

    def stretches(self, text: str, language: str) -> Sequence[Stretch]:
        """The stretches of a text that is in `language` where nothing tells otherwise."""
        return stretches(text, language)
