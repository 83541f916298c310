"""Lines that end where the markup says so (<br/>): of a poem, of an address, of a heading, or of prose that was wrapped by a machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from loa.reading.document import BlockKind

LONGEST_VERSE = 90  # characters; a longer line is a paragraph
LONGEST_MEAN = 110  # characters a line of what is marked as verse; Bibles mark paragraphs so
_WRAPPED = 45  # characters a line on average, without the last, from which lines are rather wrapped than short
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
_NUMBERED = re.compile(
    r"(?:chapter|part|book|section|act|scene|volume|canto|letter|chương|phần|quyển|tập|hồi|bài|mục|màn|cảnh)\b.{0,20}|[\divxlc]+[.:]?",
    re.IGNORECASE,
)


def of_heading(lines: Sequence[str]) -> str:
    """One heading: "CHAPTER I / Loomings" pauses after the number, "THE CALL / OF THE WILD" does not pause."""
    text = ""
    for line in filter(None, lines):
        if not text:
            text = line
        else:
            text += f". {line}" if _NUMBERED.fullmatch(text) and text[-1].isalnum() else f" {line}"
    return text


def of_verse(lines: Sequence[str]) -> Iterator[tuple[BlockKind, list[str]]]:
    """Stanzas, parted by empty lines; or paragraphs, where lines are too long for a poem."""
    for stanza in _parted(lines):
        if sum(map(len, stanza)) > LONGEST_MEAN * len(stanza):
            yield from (("paragraph", [line]) for line in stanza)
        else:
            yield "verse", stanza


def of_text(lines: Sequence[str], kind: BlockKind) -> Iterator[tuple[BlockKind, list[str]]]:
    """What the lines of a paragraph or an item are: one text, several, or short lines that are kept."""
    for part in _parted(lines):
        if len(part) == 1:
            yield kind, part
        elif max(map(len, part)) <= LONGEST_VERSE and not _is_wrapped(part):
            yield "verse", part
        else:
            yield from ((kind, [text]) for text in _joined(part))


def _parted(lines: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in lines:
        if line:
            part.append(line)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether lines are those of a paragraph in a narrow column: nearly full, and most go on in small letters."""
    small = sum(line[0].islower() for line in lines[1:])
    full = lines[:-1]
    return sum(map(len, full)) > _WRAPPED * len(full) and small * 2 >= len(lines) - 1


def _joined(lines: Sequence[str]) -> Iterator[str]:
    text: list[str] = []
    for line in lines:
        text.append(line)
        if _SENTENCE_END.search(line):
            yield " ".join(text)
            text = []
    if text:
        yield " ".join(text)
