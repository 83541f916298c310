"""What Project Gutenberg puts around a book: a header that names it, and a licence. Both are marked, so that nobody has to hear them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = re.compile(r"^\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG .*$|^\*END\*? ?THE SMALL PRINT.*$", re.IGNORECASE | re.MULTILINE)
_END = re.compile(
    r"^(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG .*|End of (?:the |this )?Project Gutenberg.*)$", re.IGNORECASE | re.MULTILINE
)
_FIELD = re.compile(r"^(Title|Author|Language): +(\S.*)$", re.MULTILINE)
_LANGUAGES = {"english": "en", "vietnamese": "vi", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "portuguese": "pt"}
_CREDITS = re.compile(r"\A\s*(?:Produced by|E-?text prepared by|This e-?text was|Transcribed ).*(?:\n.+)*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A book and what is around it."""

    before: str = ""
    body: str
    after: str = ""
    title: str | None = None
    author: str | None = None
    language: str | None = None


def frame_of(text: str) -> Frame:
    """The text as a frame; one from elsewhere is all body."""
    start = _START.search(text)
    end = _END.search(text, start.end() if start else 0)
    if start is None:
        return Frame(body=text)
    before, body, after = text[: start.start()], text[start.end() : end.start() if end else None], text[end.start() :] if end else ""
    if (credit := _CREDITS.match(body)) is not None:
        before, body = f"{before}\n\n{credit[0].strip()}", body[credit.end() :]
    fields = {name.lower(): value.strip() for name, value in reversed(_FIELD.findall(before))}  # of several the first counts
    return Frame(
        before=before,
        body=body,
        after=after,
        title=fields.get("title"),
        author=fields.get("author"),
        language=_LANGUAGES.get(fields.get("language", "").lower()),
    )
