"""Plain text as chapters: by headings that stand alone, with wrapped lines joined, verse kept, and a publisher's frame marked as such."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice, pairwise

from loa.errors import DocumentTooLarge
from loa.reading.document import Block, Chapter, Document, Matter
from loa.reading.encoding import decode
from loa.reading.gutenberg import frame_of
from loa.reading.limits import Limits
from loa.reading.matter import by_titles
from loa.reading.outline import chapters_of
from loa.reading.page import omissions
from loa.reading.titles import CHAPTER, PART, PLAIN, SECTION, Title, bare_number, could_be_title, fold, title_of, without_leaders
from loa.reading.wrapping import blocks_of, ends_sentence, passages_of, width_of, words_of

TITLE_PAGE = 600  # characters before the first chapter that are a title page rather than text
CONTENTS_RUN = 4  # headings without text between them that may be a table of contents
CAPITALS_APART = 2_000  # characters from one line in capitals to the next, on average, where they are the chapters' headings
NUMBERS_APART = 3_500  # characters from one bare number to the next, on average, where they are the chapters'; a page has fewer
FEWEST_NUMBERS = 3
LONGEST_JOINED = 10_000  # characters of a line that a page's end may part

FEWEST_LABELS = 3  # of one name, such as "Note", that may be no chapters
COMES_AGAIN = 0.6  # of the lines of a table of contents stand as they are above what they name

_LINE_END = re.compile("\r\n|[\r\x0b\x1c-\x1e\x85\u2028]")
_PAGE_END = re.compile("[\x0c\u2029]")
_ILLUSTRATION = re.compile(r"\[Illustration(?:: [^\[\]]{1,500})?\]", re.IGNORECASE)
_FOOTNOTE_MARK = re.compile(r"(?<=[^\s\[\]])\[\d{1,3}\]")
_SLANTED = re.compile(r"(?<!\w)_(?! )([^_]{1,500})_(?!\w)")  # _so_ plain text writes italics

Entry = Title | list[str]  # a heading, or the lines of a passage


def read(content: bytes, limits: Limits) -> Document:
    """A .txt file. Raises UnreadableDocument for bytes that are no text, TextTooLong."""
    text = decode(content)
    limits.check_characters(len(text))
    return document_of(text, limits)


def document_of(text: str, limits: Limits) -> Document:
    """Characters as a document. Raises DocumentTooLarge for far too many paragraphs."""
    frame = frame_of(unicodedata.normalize("NFC", _PAGE_END.sub("\n\n", _LINE_END.sub("\n", text))))
    body, marks = _FOOTNOTE_MARK.subn("", frame.body)
    body, pictures = _ILLUSTRATION.subn("", body)
    blocks, omitted = _blocks(_SLANTED.sub(r"\1", body), limits)
    _, chapters = chapters_of(blocks, _chapter_level(blocks))
    omitted |= {"footnote mark": marks, "illustration": pictures}
    return Document(
        title=frame.title,
        author=frame.author,
        language=frame.language,
        chapters=(*_surroundings(frame.before, "front"), *_with_title_page(by_titles(chapters)), *_surroundings(frame.after, "back")),
        omissions=omissions(omitted),
    )


def _surroundings(text: str, matter: Matter) -> Iterator[Chapter]:
    if passages := list(passages_of(text)):
        blocks = [block for passage in passages for block in blocks_of(passage, width_of(passages))]
        yield Chapter(title="Project Gutenberg", matter=matter, role="licence", blocks=tuple(blocks))


def _with_title_page(chapters: tuple[Chapter, ...]) -> Iterator[Chapter]:
    for place, chapter in enumerate(chapters):
        title_page = place == 0 and len(chapters) > 1 and not chapter.title and chapter.characters <= TITLE_PAGE
        yield dataclasses.replace(chapter, matter="front", role="titlepage") if title_page else chapter


def _chapter_level(blocks: Sequence[Block]) -> int:
    """Down to which level headings begin chapters: numbered and named ones do, lines in capitals where there are no others."""
    levels = {block.level for block in blocks if block.kind == "heading"}
    if levels & {PART, CHAPTER}:
        return CHAPTER
    if SECTION in levels:
        return SECTION
    capitals = sum(block.kind == "heading" for block in blocks)
    return PLAIN if capitals > 1 and sum(len(block.text) for block in blocks) >= CAPITALS_APART * capitals else 0


def _blocks(text: str, limits: Limits) -> tuple[list[Block], Counter[str]]:
    """The body as blocks, and what was left out of it."""
    passages = list(islice(passages_of(text), limits.blocks + 1))
    width, words = width_of(passages), words_of(text)
    entries, page_numbers = _numbered(_parted(passages, limits))
    entries, listed = _without_lists(list(_titled(entries)))
    entries = list(_without_labels(entries))
    blocks = list(islice(_said(_without_contents(entries), width, words), limits.blocks + 1))
    if max(len(passages), len(blocks)) > limits.blocks:
        raise DocumentTooLarge(f"the document has more than {limits.blocks:,} paragraphs")
    return blocks, Counter({"page number": page_numbers, "line of a table of contents": listed})


def _said(entries: Iterable[Entry], width: int, words: Collection[str]) -> Iterator[Block]:
    for entry in entries:
        if isinstance(entry, Title):
            yield Block(kind="heading", level=entry.level, text=entry.text)
        else:
            yield from blocks_of(entry, width, words)


def _parted(passages: Iterable[list[str]], limits: Limits) -> list[Entry]:
    entries: list[Entry] = []
    headings = 0
    for passage in passages:
        for entry in _entries(passage):
            entries.append(entry)
            headings += isinstance(entry, Title)
            if headings > limits.outline:
                raise DocumentTooLarge(f"the document has more than {limits.outline:,} headings")
    return entries


def _entries(passage: list[str]) -> Iterator[Entry]:
    """A passage that is a heading, or that begins with a numbered one, parted from it."""
    first = title_of(passage[0])
    if first is None or (first.level == PLAIN and len(passage) > 1):
        yield passage
    elif len(passage) == 1:
        yield first
    elif first.is_contents:
        yield first
        yield from ([f"- {without_leaders(line)}"] for line in passage[1:])
    elif title_of(passage[1]) is None:
        yield first
        yield passage[1:]
    else:
        yield from (title_of(line) or [line] for line in passage)


def _numbered(entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """Lines of nothing but a number, where they count up: headings if they stand far apart, else page numbers, which are dropped."""
    values = {place: value for place, entry in enumerate(entries) if (value := _number(entry)) is not None}
    steps = [after - before for before, after in pairwise(values.values())]
    if len(values) < FEWEST_NUMBERS or sum(step == 1 for step in steps) < 0.8 * len(steps):
        return list(entries), 0
    characters = sum(len(line) for entry in entries if isinstance(entry, list) for line in entry)
    if characters >= NUMBERS_APART * len(values):
        numbers = {place: Title(text=str(value), level=CHAPTER, key=str(value), alone=True) for place, value in values.items()}
        return [numbers.get(place, entry) for place, entry in enumerate(entries)], 0
    kept: list[Entry] = []
    for place, entry in enumerate(entries):
        if place in values:
            continue
        last = kept[-1] if kept else None
        if place - 1 in values and isinstance(last, list) and isinstance(entry, list) and _goes_on(last[-1], entry[0]):
            last[-1:] = [f"{last[-1]} {entry[0]}", *entry[1:]]
        else:
            kept.append(entry)
    return kept, len(values)


def _number(entry: Entry) -> int | None:
    return bare_number(entry[0]) if isinstance(entry, list) and len(entry) == 1 else None


def _goes_on(line: str, after: str) -> bool:
    """Whether a sentence goes on in the next line, which is another page's."""
    return len(line) <= LONGEST_JOINED and not ends_sentence(line) and after.lstrip()[:1].islower()


def _titled(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Chapters' numbers joined with the titles that stand below them."""
    number: Title | None = None
    for entry in entries:
        line = None
        if number is not None:
            if isinstance(entry, Title):
                line = entry.text if entry.level == PLAIN else None
            elif len(entry) == 1 and could_be_title(entry[0]):
                line = entry[0].strip()
            text = number.text if line is None else f"{number.text.rstrip(' .:')}. {line}"
            yield dataclasses.replace(number, text=text, alone=False)
            number = None
        if line is None:
            if isinstance(entry, Title) and entry.alone:
                number = entry
            else:
                yield entry
    if number is not None:
        yield number


def _without_labels(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Names that come again and again within chapters ("Note") head none."""
    titles = [entry for entry in entries if isinstance(entry, Title)]
    counts = Counter(title.key for title in titles if title.level == CHAPTER and not title.numbered)
    chapters = sum(title.numbered for title in titles)
    in_text = False
    for entry in entries:
        in_text |= isinstance(entry, Title) and entry.numbered
        if isinstance(entry, Title) and in_text and counts[entry.key] >= FEWEST_LABELS and counts[entry.key] > chapters:
            yield dataclasses.replace(entry, level=PLAIN)
        else:
            yield entry


def _without_lists(entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """Without tables of contents whose lines come again in the text, and how many lines those had."""
    lines = Counter(_folded(line) for entry in entries for line in ([entry.text] if isinstance(entry, Title) else entry))
    kept: list[Entry] = []
    left_out = place = 0
    in_text = False
    while place < len(entries):
        entry = entries[place]
        end = place + 1
        in_text |= isinstance(entry, Title) and entry.numbered
        if isinstance(entry, Title) and entry.is_contents:
            while in_text and end < len(entries) and _is_line(entries[end]):  # one entry each, where no empty line stands above them
                end += 1
            end = end if end > place + 1 else min(place + 2, len(entries))
            listed = [line for one in entries[place + 1 : end] if isinstance(one, list) for line in one]
            again = sum(lines[_folded(line)] > 1 for line in listed)
            if again > 1 and again >= COMES_AGAIN * len(listed):
                left_out += len(listed)
                place = end
                continue
        kept.append(entry)
        place += 1
    return kept, left_out


def _is_line(entry: Entry) -> bool:
    return isinstance(entry, list) and len(entry) == 1 and entry[0].startswith("- ")


def _folded(line: str) -> str:
    return fold(without_leaders(line.removeprefix("- ")))


def _without_contents(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Headings in a row that all come again are the lines of a table of contents, not chapters."""
    last = {entry.key: place for place, entry in enumerate(entries) if isinstance(entry, Title)}
    run: list[Title] = []
    for place, entry in enumerate([*entries, []]):
        if isinstance(entry, Title):
            run.append(entry)
            continue
        for offset, title in enumerate(run):
            comes_again = last[title.key] > place - len(run) + offset
            yield [f"- {title.text}"] if len(run) >= CONTENTS_RUN and comes_again and not title.is_contents else title
        run = []
        if entry:
            yield entry
