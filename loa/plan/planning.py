"""From a text or a document to the plan of a job."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from loa.errors import EmptyText, UnsupportedLanguage
from loa.plan.cast import Cast, primary
from loa.plan.diction import Diction
from loa.plan.length import estimate
from loa.plan.pauses import Pauses
from loa.plan.phrases import SWITCHED, Phrase, Phrasing
from loa.plan.plan import Origin, Plan, PlannedChapter
from loa.plan.segment import Segment, Shift
from loa.plan.selection import selected
from loa.reading import Block, Chapter, Document
from loa.reading.scripts import check_script
from loa.saying import Change
from loa.saying.context import Context
from loa.saying.lexicon import Lexicon
from loa.text import PARAGRAPH, normalise

SHORT_TEXT = 300  # characters: normalised text up to this length is not cut into sentences
OPENING = 400  # characters of a chapter among which its title is looked for
UNTOLD = ("", "und", "mul", "zxx", "mis")  # language tags that name none
_NUMERAL = re.compile(r"^\W*(?:[ivxlcdm]+|\d+)\b\W*", re.IGNORECASE)  # before a title


def plan_text(text: str, *, cast: Cast, pauses: Pauses | None = None, lexicon: Lexicon | None = None, speed: float = 1.0) -> Plan:
    """The plan of a text. What is at most SHORT_TEXT characters long when normalised is one segment, unless it changes its language
    or becomes much longer when it is said.

    Raises EmptyText, or UnknownEngine when this version of Loa does not know the engine of a voice.
    """
    phrases, phrasing = phrases_of(text, languages=cast.languages, main=cast.main.language, pauses=pauses, lexicon=lexicon)
    return Plan(segments=_segments(phrases, cast, speed), document=Origin(omissions=phrasing.omissions))


def phrases_of(
    text: str, *, languages: Collection[str], main: str, pauses: Pauses | None = None, lexicon: Lexicon | None = None
) -> tuple[list[Phrase], Phrasing]:
    """What is said of a text, and what made it, which knows what is not. Raises EmptyText for a text without letters and digits."""
    text = normalise(text)
    diction = Diction(lexicon=lexicon, context=Context.of(text, main))
    phrasing = Phrasing(languages=languages, main=main, diction=diction, pauses=pauses or Pauses())
    if len(text) <= SHORT_TEXT and (whole := phrasing.passage(text, main)) is not None:
        return whole, phrasing
    return phrasing.blocks([Block(kind="paragraph", text=paragraph) for paragraph in text.split(PARAGRAPH)], main), phrasing


def plan_document(
    document: Document,
    *,
    cast: Cast,
    pauses: Pauses | None = None,
    lexicon: Lexicon | None = None,
    speed: float = 1.0,
    chapters: str = "",
) -> Plan:
    """The plan of a document; `chapters` as in loa.plan.selection. Its cover is for the caller to keep.

    What a listener would miss is in the plan's omissions: nothing is left out without a word. Raises InvalidChapters,
    UnsupportedLanguage, EmptyText when there is nothing to say, UnknownEngine.
    """
    pauses = pauses or Pauses()
    numbers = selected(document.chapters, chapters)
    wanted = [document.chapters[number - 1] for number in numbers]
    _check_language(document, cast)
    language = cast.spoken_language(primary(document.language or ""))
    diction = Diction(lexicon=lexicon, context=Context.of("\n\n".join(_texts(document.chapters)), language))
    phrasing = Phrasing(languages=cast.languages, main=cast.main.language, diction=diction, pauses=pauses)
    phrases: list[Phrase] = []
    planned: list[PlannedChapter] = []
    silent: list[str] = []
    for number, chapter in zip(numbers, wanted, strict=True):
        said = phrasing.blocks(_with_title(chapter), language)
        if not said:
            silent.append(f"chapter {number}, {chapter.title!r}: nothing that can be said")
            continue
        planned.append(
            PlannedChapter(
                number=number, title=chapter.title, matter=chapter.matter, role=chapter.role, first=len(phrases), count=len(said)
            )
        )
        phrases += [*said[:-1], replace(said[-1], pause=pauses.chapter)]
    structured = len(planned) > 1 or any(chapter.title for chapter in planned)
    return Plan(
        segments=_segments(phrases, cast, speed),
        chapters=tuple(planned) if structured else (),
        document=Origin(
            title=document.title,
            author=document.author,
            language=document.language,
            omissions=(*document.omissions, *silent, *phrasing.omissions),
        ),
    )


def _segments(phrases: Sequence[Phrase], cast: Cast, speed: float) -> tuple[Segment, ...]:
    if not phrases:
        raise EmptyText("there is nothing in the text that can be said")
    return tuple(_segment(index, phrase, cast, speed, last=index == len(phrases) - 1) for index, phrase in enumerate(phrases))


def _segment(index: int, phrase: Phrase, cast: Cast, speed: float, *, last: bool) -> Segment:
    part, main, said = cast.part(phrase.language), cast.main, phrase.said
    return Segment(
        index=index,
        text=said.text,
        spoken=said.spoken,
        changes=_shifts(said.changes),
        language=phrase.language if phrase.language != main.language else "",
        voice=part.voice.name if part.voice.name != main.voice.name else "",
        engine=part.engine.name if part.voice.engine != main.voice.engine else "",
        address=part.address(said.spoken, speed),
        audio_seconds=estimate(said.spoken, part.voice.language, speed),
        pause=0.0 if last else phrase.pause,
    )


def _shifts(changes: Sequence[Change]) -> tuple[Shift, ...]:
    shifts, shift = [], 0
    for change in changes:
        start = change.start + shift
        shifts.append((change.start, change.end, start, start + len(change.spoken)))
        shift += len(change.spoken) - (change.end - change.start)
    return tuple(shifts)


def _with_title(chapter: Chapter) -> tuple[Block, ...]:
    """The blocks of a chapter, after its title where they do not begin with it; then without the headings that only repeat a part of it."""
    title, opening = _letters(chapter.title), ""
    for block in chapter.blocks:
        opening += _letters(block.text[:OPENING])
        if len(opening) >= OPENING:
            break
    words = _letters(_NUMERAL.sub("", chapter.title)) or title  # "II. Friendship" may be written "2. Friendship" above the text
    if not title or words in opening[: len(title) + OPENING // 2]:
        return chapter.blocks
    headings = takewhile(lambda block: block.kind == "heading" and _letters(block.text) in title, chapter.blocks)
    return (Block(kind="heading", level=1, text=chapter.title), *chapter.blocks[len(list(headings)) :])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _texts(chapters: Sequence[Chapter]) -> Iterator[str]:
    return (block.text for chapter in chapters for block in chapter.blocks)


def _check_language(document: Document, cast: Cast) -> None:
    """Raises UnsupportedLanguage for a document that says it is in a language, or is written in letters, that no voice of the job reads."""
    voice = cast.main.voice
    stated = primary(document.language or "")
    if stated not in (*UNTOLD, *SWITCHED, *cast.languages):
        said = f"the document says that its language is {stated!r}, and the voice {voice.name!r} speaks {voice.language}"
        raise UnsupportedLanguage(said, voice=voice.name, language=stated)
    if cast.languages <= {*SWITCHED}:
        check_script(document, voice.language, voice.name)
