"""Documents of many formats as chapters of plain text."""

from loa.reading.document import Block, Chapter, Cover, Document

__all__ = ["Block", "Chapter", "Cover", "Document"]
