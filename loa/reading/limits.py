"""How much of a document is read at most. Whoever sends one chooses what is in it, so everything that can grow has a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from loa.errors import TextTooLong
from loa.settings import Settings

BYTES_A_CHARACTER = 20  # of markup for each character of text, at most; a novel as EPUB has 1.1, as DOCX 3 to 10


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one document. The defaults suit the default of LOA_FILE_TEXT_LIMIT."""

    characters: int = 5_000_000  # of text, all chapters together
    unpacked_bytes: int = 100_000_000  # that are taken out of an archive, counted while they come, all its files together
    entry_bytes: int = 25_000_000  # of one file of an archive, or of one piece of markup
    elements: int = 1_500_000  # "<" in one piece of markup, counted before it is parsed: a node takes some 120 bytes
    entries: int = 10_000  # files that an archive names
    outline: int = 10_000  # places that a table of contents names; what comes after them is one chapter
    pages: int = 20_000  # of a PDF
    depth: int = 200  # of elements within elements, and of a table of contents
    seconds: float = 60.0  # of a processor; a PDF of 3,000 pages takes half of it
    memory: int = 256_000_000  # bytes, beside the file itself
    blocks: int = 300_000  # headings, paragraphs, items, rows: about 150 MB; a book in paragraphs of 50 characters has 100,000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits of a service: those on bytes follow the one on characters, where that was raised."""
        characters = settings.file_text_limit
        return cls(
            characters=characters,
            unpacked_bytes=max(cls.unpacked_bytes, BYTES_A_CHARACTER * characters),
            entry_bytes=max(cls.entry_bytes, BYTES_A_CHARACTER * characters // 4),
        )

    def check_characters(self, characters: int) -> None:
        """Raises TextTooLong for more than the limit."""
        if characters > self.characters:
            raise TextTooLong(
                f"the document has {characters:,} characters; the limit is {self.characters:,}",
                characters=characters,
                limit=self.characters,
            )
