"""Documents on this machine: read without a server, and who shall speak one for which no voice was named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loa.errors import PartMissing

if TYPE_CHECKING:
    from loa.client import Client
    from loa.reading import Document

SAMPLE = 20_000  # characters of the body that tell its language


def read_document(file: Path) -> Document:
    """A document, read on this machine. Raises what loa.reading.read raises."""
    from loa.reading import Limits
    from loa.reading.apart import read_apart
    from loa.settings import Settings

    return read_apart(file, file.name, Limits.of(Settings.load()))


def sample(document: Document) -> str:
    """The beginning of the body."""
    blocks = (block.text for chapter in document.chapters if chapter.matter == "body" for block in chapter.blocks)
    text = ""
    for block in blocks:
        text += f"{block}\n\n"
        if len(text) >= SAMPLE:
            break
    return text


def voice_of_file(client: Client, file: Path) -> str:
    """The voice for a document for which none was named; says which and why. Raises what `read_document` raises."""
    from loa.cli.jobs import chosen_voice

    try:
        document = read_document(file)
    except PartMissing as error:  # the server can read it all the same
        raise PartMissing(f"give a --voice: which one fits the document is not known here ({error.message})", **error.details) from error
    return chosen_voice(client, sample(document))
