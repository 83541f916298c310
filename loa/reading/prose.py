"""Prose out of lines: paragraphs, headings, verse, items and rows, told apart by where lines begin and end and by their type.

A line was wrapped where the first word of the next line would not have fitted at its end; where it would have, the writer ended the line.
Pure functions. A *passage* is what gaps, columns and changes of type leave together; it holds one or more paragraphs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from loa.reading.document import Block
from loa.reading.lines import Line
from loa.reading.titles import PLAIN, title_of
from loa.reading.typography import INDENT, SAME_SIZE, Typography

GAP = 1.3  # of the usual distance between lines: a wider one parts paragraphs
SLACK = 0.6  # font sizes by which a word must fit, so that rounding tells nothing
LARGER = 1.12  # of the size of the text: a heading
LONGEST_HEADING = 200  # characters
HEADING_LINES = 4
DEEPEST = 6  # level of a heading
VERSE_LINES = 3
LONGEST_VERSE = 75  # characters of a line
WRAPPED_SHARE = 0.6  # of the ends of lines in prose are wrapped, at least
SENTENCES_SHARE = 0.7  # of the lines of verse end a sentence, at most
CAPITALS_SHARE = 0.6  # of wrapped lines begin with a capital, at most: more is verse, whose lines may be of one length
NARROWER = 1.5  # font sizes by which lines end before the margin where they are set narrower than the text, as quotations are
ALIKE = 0.3  # font sizes by which two indents may differ and be meant as one
CENTRED = 3.0  # font sizes that a centred line leaves on both sides, at least
SHORTEST_HALF = 3  # letters before the hyphen of a compound that keeps it at the end of a line; after it, one less

Kind = tuple[float, bool]  # of headings: size, whether bold

_BULLET = re.compile(r"[•◦▪■□●○∙·‣➢❖✓]\s*|[-–*+]\s+(?=\S)")
_NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]|\(?[a-zđ]\)|\(?[ivx]{1,5}\))\s+(?=\S)")
_ONLY_MARK = re.compile(r"[•◦▪■□●○∙·‣➢❖✓–*+-]|\(?\d{1,3}[.)]?|\(?[a-zđ][.)]|\(?[ivx]{1,5}\)|(?:\d{1,2}\.){1,4}\d{0,2}")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")
_PAUSE_END = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")
_SAYABLE = re.compile(r"[^\W_]")
_PARTED = re.compile(r"([^\W\d_]+(?:[-’'][^\W\d_]+)*)-$")
_GLUED_END = re.compile(r"\S[-—/]$")
_ADDRESS_END = re.compile(r"(?<![^\s(<\"])(?:https?://|www\.)\S*[._?&=%~#]$")
_ADDRESS_REST = re.compile(r"[a-z0-9]\S*[./]\S|[a-z0-9]\S*/")
_GLUED_BEGINNING = re.compile(r"—\S")
_FIRST_WORD = re.compile(r"[^\W\d_]+")


def blocks_of(lines: Sequence[Line], typography: Typography, ranks: Mapping[Kind, int]) -> Iterator[Block]:
    """What a listener hears of a chapter's lines, given in reading order. `ranks` of the document's headings, by `heading_ranks`."""
    for passage in passages_of(lines, typography):
        if passage[0].cells:
            yield from (Block(kind="row", text=_sentence("; ".join(line.cells))) for line in passage)
        elif is_heading(passage, typography):
            yield Block(kind="heading", text=_title(passage, typography.words), level=ranks.get(_kind(passage), DEEPEST))
        elif _is_verse(passage, typography):
            yield Block(kind="verse", text="\n".join(line.text for line in passage))
        else:
            for paragraph in _paragraphs(passage, typography):
                if _SAYABLE.search(text := joined([line.text for line in paragraph], typography.words)):
                    yield _item_or_paragraph(text)


def heading_ranks(lines: Sequence[Line], typography: Typography) -> dict[Kind, int]:
    """The level of each kind of heading in the document: the larger the higher, bold before plain."""
    kinds = {_kind(passage) for passage in passages_of(lines, typography) if is_heading(passage, typography)}
    return {kind: min(rank, DEEPEST) for rank, kind in enumerate(sorted(kinds, reverse=True), start=1)}


def is_heading(passage: Sequence[Line], typography: Typography) -> bool:
    """Whether lines are a heading: larger than the text, or bold and short, or numbered and named like one and alone."""
    characters = sum(len(line.text) for line in passage)
    if passage[0].cells or len(passage) > HEADING_LINES or characters > LONGEST_HEADING or not _SAYABLE.search(passage[0].text):
        return False
    if passage[0].size >= LARGER * typography.size:
        return True
    if len(passage) > 2 or _is_item(passage[0]) or passage[0].size < (1 - SAME_SIZE) * typography.size:
        return False
    text = " ".join(line.text for line in passage)
    title = title_of(text)
    if all(line.bold for line in passage) and not typography.bold:
        return title is not None or not _PAUSE_END.search(text)
    centred = all(min(typography.indent(line), typography.room(line) / line.size) > CENTRED for line in passage)
    return title is not None and (title.level < PLAIN or centred) and _ends_early(passage[-1], typography)


def passages_of(lines: Sequence[Line], typography: Typography) -> Iterator[list[Line]]:
    """Lines that neither a gap nor a change of type, column or kind parts, nor being set in. The end of a page parts nothing."""
    passage: list[Line] = []
    for line in _without_lone_rows(lines):
        if passage and _parts(passage[-1], line, typography):
            yield from _quotations_apart(passage, typography)
            passage = []
        passage.append(line)
    if passage:
        yield from _quotations_apart(passage, typography)


def joined(texts: Sequence[str], words: Mapping[str, int]) -> str:
    """Lines as one: hyphens that part a word at the end of a line are taken out, those of compounds stay; `words` of the document tell."""
    pieces: list[str] = []
    for text in texts:
        last = pieces[-1] if pieces else ""
        if (parted := _PARTED.search(last)) is not None and (rest := _FIRST_WORD.match(text)) is not None:
            if not _is_compound(parted[1], rest[0], words):
                pieces[-1] = last[:-1]
        elif last and not _GLUED_END.search(last) and not _GLUED_BEGINNING.match(text) and not _is_address(last, text):
            pieces.append(" ")
        pieces.append(text)
    return "".join(pieces)


def _is_address(left: str, right: str) -> bool:
    """Whether an address goes on in the next line, as at "https://www." / "loa.vn/books"."""
    return _ADDRESS_REST.match(right) is not None and _ADDRESS_END.search(left) is not None


def _is_compound(left: str, right: str, words: Mapping[str, int]) -> bool:
    """Whether the hyphen between the halves belongs to them: as the document writes the word elsewhere, else where both are words."""
    if right[0].isupper() and not left.isupper():  # Anglo-Saxon
        return True
    left, right = left.casefold(), right.casefold()
    half = left.rpartition("-")[2]
    whole, compound = words.get(half + right, 0), words.get(f"{left}-{right}", 0)
    if whole or compound:
        return compound > whole
    if len(half) == 1:  # a-whaling: nobody parts a word after one letter
        return True
    long = half != left or min(len(half), len(right) + 1) >= SHORTEST_HALF
    return long and bool(words.get(half)) and bool(words.get(right))


def _without_lone_rows(lines: Sequence[Line]) -> Iterator[Line]:
    """Rows as they are where two or more follow each other; else the wide gap was one of justified text, or stands after a number."""
    rows = [len(line.cells) > 1 and not _ONLY_MARK.fullmatch(line.cells[0]) for line in lines]
    for place, line in enumerate(lines):
        row = rows[place] and any(rows[max(place - 1, 0) : place] + rows[place + 1 : place + 2])
        yield line if row or not line.cells else replace(line, cells=())


def _parts(line: Line, after: Line, typography: Typography) -> bool:
    size = max(line.size, after.size)
    if abs(after.size - line.size) > SAME_SIZE * size or bool(line.cells) != bool(after.cells) or line.mono != after.mono:
        return True
    if (line.page, line.column) == (after.page, after.column):
        step = after.baseline - line.baseline
        if step > GAP * max(typography.leading, 1) * size or step < 0:
            return True
    elif line.page == after.page and 0 in (line.column, after.column):
        return True
    if size >= LARGER * typography.size or not _fits(after, line, typography):
        return False
    return line.bold != after.bold or _is_title(line, typography) or _is_title(after, typography)


def _is_title(line: Line, typography: Typography) -> bool:
    return _ends_early(line, typography) and (title := title_of(line.text)) is not None and title.level < PLAIN


def _ends_early(line: Line, typography: Typography) -> bool:
    return typography.room(line) > 2 * line.size


def _fits(after: Line, line: Line, typography: Typography, narrower: float = 0.0) -> bool:
    """Whether the first word of the line `after` would have fitted at the end of `line`, so that somebody ended that line."""
    if _PARTED.search(line.text):
        return False
    needed = after.letter * (1 + len(after.text.split(maxsplit=1)[0])) + SLACK * line.size
    return typography.room(line) - narrower > needed


def _narrower(passage: Sequence[Line], typography: Typography) -> float:
    """How far before the margin the lines of a passage are wrapped, as those of a quotation are; 0 for text."""
    least = min(typography.room(line) for line in passage)
    capitals = sum(line.text[0].isupper() for line in passage[1:])
    if len(passage) < VERSE_LINES or least < NARROWER * passage[0].size or capitals > CAPITALS_SHARE * (len(passage) - 1):
        return 0.0
    return least if _wrapped_share(passage, typography, least) >= WRAPPED_SHARE else 0.0


def _wrapped_share(passage: Sequence[Line], typography: Typography, narrower: float) -> float:
    ends = [not _fits(after, line, typography, narrower) for line, after in pairwise(passage)]
    return sum(ends) / max(len(ends), 1)


def _is_verse(passage: Sequence[Line], typography: Typography) -> bool:
    if len(passage) < VERSE_LINES or any(len(line.text) > LONGEST_VERSE or _is_item(line) for line in passage):
        return False
    sentences = sum(_SENTENCE_END.search(line.text) is not None for line in passage)
    return sentences <= SENTENCES_SHARE * len(passage) and (
        _wrapped_share(passage, typography, _narrower(passage, typography)) < WRAPPED_SHARE
    )


def _paragraphs(passage: Sequence[Line], typography: Typography) -> Iterator[list[Line]]:
    narrower, base = _narrower(passage, typography), min(typography.indent(line) for line in passage)
    paragraph: list[Line] = []
    for line in passage:
        if paragraph and _begins(paragraph, line, typography, narrower, base):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    yield paragraph


def _quotations_apart(passage: Sequence[Line], typography: Typography) -> Iterator[list[Line]]:
    """A passage in parts: quotations and verse that are set further in as a whole, and what is around them."""
    base = min(typography.indent(line) for line in passage)
    part: list[Line] = []
    for indent, group in groupby(passage, key=lambda line: round(typography.indent(line), 1)):
        lines = list(group)
        within = indent - base >= INDENT[0] and len(lines) >= VERSE_LINES and not any(map(_is_item, lines))
        usual = typography.indented and abs(indent - typography.first) < ALIKE  # the first lines of paragraphs, as of a conversation
        if within and (_narrower(lines, typography) or (not usual and _is_verse(lines, typography))):
            if part:
                yield part
            yield lines
            part = []
        else:
            part += lines
    if part:
        yield part


def _begins(paragraph: Sequence[Line], line: Line, typography: Typography, narrower: float, base: float) -> bool:
    """Whether a line begins another paragraph than the one before it; `base`: the least indent of its passage."""
    last = paragraph[-1]
    if _fits(line, last, typography, narrower):
        return True
    if _is_item(line) and (_is_item(paragraph[0]) or _PAUSE_END.search(last.text)):
        return True
    if not _is_item(paragraph[0]) and INDENT[0] <= typography.indent(line) - base <= INDENT[1]:
        return True
    elsewhere = (line.page, line.column) != (last.page, last.column)
    return elsewhere and not typography.indented and _SENTENCE_END.search(last.text) is not None and not line.text[:1].islower()


def _is_item(line: Line) -> bool:
    return _BULLET.match(line.text) is not None or _NUMBERED.match(line.text) is not None


def _item_or_paragraph(text: str) -> Block:
    if (bullet := _BULLET.match(text)) is not None:
        # A dash begins what somebody says, in Vietnamese and in other languages, as often as an item.
        spoken = bullet[0].strip() in "-–"
        return Block(kind="paragraph" if spoken else "item", text=text if spoken else text[bullet.end() :])
    return Block(kind="item" if _NUMBERED.match(text) else "paragraph", text=text)


def _title(passage: Sequence[Line], words: Mapping[str, int]) -> str:
    """The lines of a heading as one; a number that stands on a line of its own is parted from the title below it."""
    first, *rest = [line.text for line in passage]
    title = title_of(first)
    if rest and title is not None and title.alone:
        return f"{first.rstrip(' .:')}. {joined(rest, words)}"
    return joined([first, *rest], words)


def _kind(passage: Sequence[Line]) -> Kind:
    sizes = Counter(round(2 * line.size) / 2 for line in passage)
    return max(sizes, key=lambda size: (sizes[size], size)), all(line.bold for line in passage)


def _sentence(text: str) -> str:
    return text if _SENTENCE_END.search(text) else f"{text}."
