"""Say a text: every number, sign, abbreviation and address in words, and nothing lost on the way without a report.

How a language joins. It is a package `loa.saying.<name>` with one constant, `RULES: tuple[Rule, ...]`, most special first
(loa/saying/said.py says how rules are tried). Its rules are pure functions of a match; what stands around it they find in `match.string`.
They see to it that no digit is left. They need not care for blanks: words that would touch a neighbour are parted from it here.

Who knows more than the language hands in rules of its own, a lexicon and what a document itself defines ("World Health Organization
(WHO)"): `rules(language)` answers them, and they come first. `language` is always the first part of the tag, "vi" or "en".

After all rules, characters that no voice can say (emoji without a name, letters of a script that the language does not use) are left out
and listed in `Said.unsayable`, also where a rule would say them, as the words of a web address. Punctuation that is only drawn, such as
"*" or "•", is left out too and is a change like any other. What a lexicon says is said as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import zip_longest
from typing import Protocol

from loa.saying.alphabet import LATIN
from loa.saying.emoji import EMOJI
from loa.saying.lexicon import LEXICON
from loa.saying.said import Change, Rule, Said, changes_of, replaced

PACKAGES = {"vi": "loa.saying.vietnamese", "en": "loa.saying.english"}  # imported when they are first needed

_MARKS = re.escape(".,;:!?…-–—'\"‘’‚“”„«»‹›()[]¡¿")  # they steer a voice's melody
_STRANGE = re.compile(rf"[^\s{LATIN}\u0300-\u036f{_MARKS}]")
_UNSAYABLE = re.compile(rf"(?:{EMOJI.pattern})|[^\W\d_{LATIN}]+|{_STRANGE.pattern}")


class Wordings(Protocol):
    """A source of rules beside the language's own: a lexicon, or the definitions of a document."""

    def rules(self, language: str) -> tuple[Rule, ...]:
        """Rules for "vi", "en" …, most special first."""


def say(text: str, language: str, *, lexicon: Wordings | None = None, context: Wordings | None = None) -> Said:
    """What a voice of `language` (a tag such as "vi" or "en-GB") gets to speak for `text`, which loa.text.normalise has cleaned.

    Case and punctuation stay. A language without rules is said as it is written, except for what the lexicon has. Never raises, whatever
    the text; safe to call from any number of threads.
    """
    text = unicodedata.normalize("NFC", text)
    language = language.split("-", maxsplit=1)[0].lower()
    own = _rules(language)
    known = [rule for source in (lexicon, context) if source is not None for rule in source.rules(language)]
    changes = changes_of(text, (*known, *own))
    unsayable: tuple[str, ...] = ()
    if own:
        changes = sorted([*changes, *_left_out(text, changes)], key=lambda change: change.start)
        checked = [_checked(change) for change in changes]
        changes = [change for change, _ in checked]
        unsayable = tuple(part for _, parts in checked for part in parts)
    changes = _apart(text, changes)
    return Said(text=text, spoken=replaced(text, changes), changes=tuple(changes), unsayable=unsayable)


UNSAYABLE, MARK = "unsayable", "mark"  # names of changes that leave something out
_LETTERS = re.compile(f"[{LATIN}]{{2}}")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+[\"'“‘«(\[—–-]*$")
_CLOSING = ".,;:!?…)]”’»"  # "" too: the end of the text


@cache
def _rules(language: str) -> tuple[Rule, ...]:
    package = PACKAGES.get(language)
    return import_module(package).RULES if package else ()


def _left_out(text: str, changes: Iterable[Change]) -> list[Change]:
    """What stands between the changes and cannot be said."""
    if not _STRANGE.search(text):  # each of them begins with such a character, and most prose has none
        return []
    found, position = [], 0
    for start, end in [*((change.start, change.end) for change in changes), (len(text), len(text))]:
        for match in _UNSAYABLE.finditer(text, position, start):
            rule = MARK if _is_mark(match.group()) else UNSAYABLE
            found.append(Change(start=match.start(), end=match.end(), source=match.group(), spoken="", rule=rule))
        position = end
    return found


def _is_mark(part: str) -> bool:
    """Whether it is only drawn: nobody misses it in speech."""
    return unicodedata.category(part[0])[0] in "PCZ" or part == "\ufe0f"


def _checked(change: Change) -> tuple[Change, list[str]]:
    """The change without what no voice can say, and what that is."""
    if change.rule == UNSAYABLE:
        return change, [change.source]
    if change.rule == LEXICON or not _STRANGE.search(change.spoken):
        return change, []
    parts = [match.group() for match in _UNSAYABLE.finditer(change.spoken) if not _is_mark(match.group())]
    spoken = " ".join(_UNSAYABLE.sub(" ", change.spoken).split())
    return replace(change, spoken=spoken, rule=change.rule if spoken else UNSAYABLE), parts


def _apart(text: str, changes: Sequence[Change]) -> list[Change]:
    """The changes, with a blank wherever words would touch, and without the blank that something left out would leave behind."""
    parted: list[Change] = []
    position, last = 0, ""  # the end of what was done, and the last character that was said
    for change, following in zip_longest(changes, changes[1:]):
        start, end, spoken = change.start, change.end, change.spoken
        last = text[start - 1] if start > position else last
        ahead = text[end : end + 1]
        alone = following is None or following.start > end  # else the blank ahead, or the lack of one, is that change's to see to
        if spoken:
            before = " " if last.isalnum() and spoken[0].isalnum() and not _inside_word(text, start) else ""
            after = " " if alone and ahead.isalnum() and spoken[-1].isalnum() and not _inside_word(text, end) else ""
            spoken = f"{before}{spoken}{after}"
            if spoken[0].islower() and _SENTENCE_END.search(((parted[-1].spoken if parted else "")[-2:] + text[position:start])[-8:]):
                spoken = spoken[0].upper() + spoken[1:]  # else loa.text would take the sentence before for one that goes on
        elif last.isalnum() and ahead.isalnum():
            spoken = " "
        elif ahead == " " and alone and (not last or last.isspace()):
            end += 1
        elif last == " " and start > position and ahead in _CLOSING:
            start -= 1
        if spoken:
            last = spoken[-1]
        elif start > position:
            last = text[start - 1]
        position = end
        parted.append(Change(start=start, end=end, source=text[start:end], spoken=spoken, rule=change.rule))
    return parted


def _inside_word(text: str, place: int) -> bool:
    """Whether letters stand on both sides: a rule that changes part of a word, its spelling, means the rest to stay with it."""
    return _LETTERS.match(text, place - 1) is not None
