"""The lines of plain text as paragraphs, verse and items of lists.

Text is written in two ways: with a line for each paragraph, or wrapped at a column, with empty lines between paragraphs or an indented
first line. Whether a line was wrapped shows where it ends: the first word of the next line would not have fitted. In verse it would have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from loa.reading.document import Block

LONGEST_WRAPPED = 120  # characters: a longer line is a paragraph
SHORTEST_WRAPPED = 45  # characters: nobody wraps prose at a narrower column
SLACK = 6  # characters that a line may end before its column, as people do who wrap by hand
WRAPPED_SHARE = 0.6  # of the line ends of a paragraph that are wrapped, at least
SENTENCES_SHARE = 0.7  # of the lines of verse that end a sentence, at most; beyond it they are paragraphs
LONGEST_VERSE = 75  # characters
INDENT = 2  # blanks by which a paragraph's first line stands further in, at least

_ITEM = re.compile(r"(?:[-*•‣–+·]|\(?\d{1,3}[.)]|[a-zđ]\))\s+(?=\S)")
_BULLET = re.compile(r"[-*•‣–+·]\s+")
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_TAIL = 50  # characters of a line that are looked at for how it ends
_WORD = re.compile(r"[^\W\d_]+")


def passages_of(text: str) -> Iterator[list[str]]:
    """The lines between empty lines, without the blanks at their ends; a line that is a paragraph is a passage of its own."""
    passage: list[str] = []
    for line in [*text.split("\n"), ""]:
        line = line.expandtabs(4).rstrip()
        if line:
            passage.append(line)
        elif passage:
            if any(len(line) > LONGEST_WRAPPED for line in passage):
                yield from ([line] for line in passage)
            else:
                yield passage
            passage = []


def width_of(passages: Sequence[Sequence[str]]) -> int:
    """The column at which the text is wrapped; 0: at none."""
    lengths = sorted(len(line) for passage in passages if len(passage) > 2 for line in passage[:-1])
    width = lengths[len(lengths) * 95 // 100] if lengths else 0
    return width if width >= SHORTEST_WRAPPED else 0


def blocks_of(passage: Sequence[str], width: int, words: Collection[str] = frozenset()) -> Iterator[Block]:
    """What a listener hears of one passage; `words` of the document tell which hyphens at line ends belong to their word."""
    if _ITEM.match(passage[0].lstrip()) and (len(passage) == 1 or sum(bool(_ITEM.match(line.lstrip())) for line in passage) > 1):
        yield from (Block(kind="item", text=_BULLET.sub("", _joined(lines, words), count=1)) for lines in _items(passage))
    elif len(passage) == 1 or _is_wrapped(passage, width):
        yield from (Block(kind="paragraph", text=_joined(lines, words)) for lines in _paragraphs(passage, width))
    elif _is_verse(passage):
        yield Block(kind="verse", text="\n".join(" ".join(line.split()) for line in passage))
    else:
        yield from (Block(kind="paragraph", text=" ".join(line.split())) for line in passage)


def words_of(text: str) -> frozenset[str]:
    """What `blocks_of` wants to know of the document."""
    return frozenset(_WORD.findall(text.lower()))


def ends_sentence(line: str) -> bool:
    return _SENTENCE_END.search(line[-_TAIL:]) is not None


def _is_wrapped(passage: Sequence[str], width: int) -> bool:
    base = _base(passage)
    ends = [_wrapped(line, after, width) for line, after in pairwise(passage) if _indent(after) < base + INDENT]
    return bool(width) and sum(ends) >= WRAPPED_SHARE * len(ends)


def _wrapped(line: str, after: str, width: int) -> bool:
    word = after.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) > width - SLACK


def _is_verse(passage: Sequence[str]) -> bool:
    sentences = sum(map(ends_sentence, passage))
    return max(map(len, passage)) <= LONGEST_VERSE and sentences <= SENTENCES_SHARE * len(passage)


def _items(passage: Sequence[str]) -> Iterator[list[str]]:
    item: list[str] = []
    for line in passage:
        if _ITEM.match(line.lstrip()) and item:
            yield item
            item = []
        item.append(line)
    yield item


def _paragraphs(passage: Sequence[str], width: int) -> Iterator[list[str]]:
    """The lines of each paragraph: one begins at a line that stands further in than the others."""
    base = _base(passage) + INDENT
    paragraph: list[str] = []
    for line in passage:
        if paragraph and _indent(line) >= base and (_indent(paragraph[-1]) < base or not _wrapped(paragraph[-1], line, width)):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    yield paragraph


def _joined(lines: Sequence[str], words: Collection[str]) -> str:
    pieces: list[str] = []  # of lines and what parts them; never one long piece, which would be copied for every line
    for line in lines:
        line = " ".join(line.split())
        if pieces and pieces[-1].endswith("\u00ad"):
            pieces[-1] = pieces[-1][:-1]
        elif pieces and line[:1].islower() and (half := _HYPHENATED.search(pieces[-1][-_TAIL:])) is not None:
            rest = _WORD.match(line)
            if rest is not None and (half[1] + rest[0]).lower() in words:
                pieces[-1] = pieces[-1][:-1]
        elif pieces:
            pieces.append(" ")
        pieces.append(line)
    return "".join(pieces)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _base(passage: Sequence[str]) -> int:
    return min(map(_indent, passage))
