"""What is said in more words than it is written may have become too long for one breath: it is cut once more."""

from __future__ import annotations

from collections.abc import Iterator

from loa.saying import Change, Said
from loa.text import Break, split

GROWN = 1.5  # times the limit: a sentence that grew by less is spoken better whole than in two


def cut(said: Said, language: str, limit: int) -> Iterator[tuple[Said, Break]]:
    """A passage in parts of about `limit` spoken characters, each with its part of the text; and what ends with each, but the last.

    A cut that would fall into a number that is spoken in many words goes behind it, or, where that is too long itself, in between: then
    what is written stands with its first words, and the text of the other parts is what is spoken.
    """
    if len(said.spoken) <= GROWN * limit:
        yield said, "nothing"
        return
    spans = _spans(said)
    pieces = split(said.spoken, language, limit)
    begin = 0
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        end = len(said.spoken) if following is None else following.start
        for start, stop in spans:
            if start < end < stop and stop - start <= limit:
                end = stop
        if end <= begin:
            continue  # the cut before went beyond this piece
        part = _part(said, spans, begin, end)
        begin = end
        yield part, piece.ends if end < len(said.spoken) else "nothing"


def _spans(said: Said) -> list[tuple[int, int]]:
    """Where each change stands in what is spoken."""
    spans, shift = [], 0
    for change in said.changes:
        start = change.start + shift
        spans.append((start, start + len(change.spoken)))
        shift += len(change.spoken) - (change.end - change.start)
    return spans


def _part(said: Said, spans: list[tuple[int, int]], begin: int, end: int) -> Said:
    """spoken[begin:end] with what is written for it."""
    words = said.spoken[begin:end]
    begin += len(words) - len(words.lstrip())
    end = begin + len(words.strip())
    inside = [(change, span) for change, span in zip(said.changes, spans, strict=True) if span[0] < end and span[1] > begin]
    first = said.source_offset(begin)
    last = said.source_offset(end)
    if inside and inside[0][1][0] < begin:
        first = inside[0][0].end  # it stands with an earlier part
    if inside and inside[-1][1][1] > end:
        last = inside[-1][0].end
    spoken = said.spoken[begin:end]
    if last <= first or any(span[0] < begin for _, span in inside):
        return Said(text=spoken, spoken=spoken)
    changes = tuple(
        Change(
            start=change.start - first,
            end=change.end - first,
            source=change.source,
            spoken=said.spoken[span[0] : min(span[1], end)],
            rule=change.rule,
        )
        for change, span in inside
    )
    return Said(text=said.text[first:last], spoken=spoken, changes=changes)
