"""Lexicons: words and phrases with what is said for them, for a whole server (LOA_LEXICON) or for one job.

    [vi]
    "BTC" = "ban tổ chức"       # only in Vietnamese text
    [en]
    "Nguyen" = "win"
    [all]
    "Loa" = "loah"              # in every language, where that language's own table says nothing

An entry stands for whole words. It matches as it is written where it holds a capital, else in any case; any white space matches a blank,
and either apostrophe the other. The longest entry wins. What is said is said as it stands: no rule touches it again.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from loa.errors import InvalidLexicon
from loa.saying.said import Rule
from loa.text import speakable

LEXICON = "lexicon"  # the name of its rules
ALL = "all"  # the table of entries that hold in every language
LANGUAGES = ("vi", "en", ALL)

MOST_JOB_ENTRIES = 1_000  # 100 kB at the most, read again for every segment of the job
MOST_ENTRIES = 50_000  # of the server's own file: a dictionary of names
MOST_WRITTEN = 100  # characters of an entry: a phrase, not a sentence
MOST_SPOKEN = 300  # characters said for it: no more than one segment


@dataclass(frozen=True)
class Lexicon:
    """Entries by language: `{"vi": {"BTC": "ban tổ chức"}}`; "all" holds those of every language."""

    entries: Mapping[str, Mapping[str, str]]

    @classmethod
    def parse(cls, tables: Mapping[str, Any], most: int = MOST_JOB_ENTRIES) -> Lexicon:
        """A lexicon out of a request or a TOML file: words by language, or simply words, which then hold in every language.

        Raises InvalidLexicon for an entry that is too long or says nothing, an unknown language, or more than `most` entries.
        """
        if not isinstance(tables, Mapping):
            raise InvalidLexicon("a lexicon is an object of words with what is said for them")
        parsed: dict[str, dict[str, str]] = {}
        for key, value in tables.items():
            if isinstance(value, Mapping):
                if key not in LANGUAGES:
                    raise InvalidLexicon(f"a lexicon has no language {key!r}; it has {', '.join(LANGUAGES)}", language=str(key))
                parsed.setdefault(key, {}).update(_entry(written, spoken) for written, spoken in value.items())
            else:
                parsed.setdefault(ALL, {}).update([_entry(key, value)])
        if (count := sum(map(len, parsed.values()))) > most:
            raise InvalidLexicon(f"the lexicon has {count} entries; {most} are allowed", entries=count, most=most)
        return cls(parsed)

    @classmethod
    def load(cls, path: str | Path) -> Lexicon:
        """The lexicon in a TOML file; an empty path is an empty lexicon. Raises InvalidLexicon, which names the file."""
        if not str(path):
            return cls({})
        try:
            return cls.parse(tomllib.loads(Path(path).read_text(encoding="utf-8")), MOST_ENTRIES)
        except (OSError, ValueError) as error:  # UnicodeDecodeError and TOMLDecodeError are ValueErrors
            raise InvalidLexicon(f"{path}: {error}") from None
        except InvalidLexicon as error:
            raise InvalidLexicon(f"{path}: {error.message}", **error.details) from None

    def over(self, other: Lexicon) -> Lexicon:
        """Both: the entries of this one win, such as a job's over the server's."""
        languages = dict.fromkeys((*other.entries, *self.entries))
        return Lexicon({language: {**other.entries.get(language, {}), **self.entries.get(language, {})} for language in languages})

    def rules(self, language: str) -> tuple[Rule, ...]:
        """Its rules for a language tag such as "vi-VN"; none where it says nothing."""
        return self._rules.get(language.split("-", maxsplit=1)[0].lower(), self._rules[ALL])

    @cached_property
    def _rules(self) -> dict[str, tuple[Rule, ...]]:
        everywhere = self.entries.get(ALL, {})
        return {language: tuple(_rules({**everywhere, **self.entries.get(language, {})})) for language in LANGUAGES}


def _entry(written: Any, spoken: Any) -> tuple[str, str]:
    """One entry in its canonical form. Raises InvalidLexicon."""
    if not isinstance(written, str) or not isinstance(spoken, str):
        raise InvalidLexicon(f"the lexicon's entry {written!r} takes text, not {type(spoken).__name__}", entry=str(written))
    written, spoken = (" ".join(unicodedata.normalize("NFC", part).split()) for part in (written, spoken))
    written = written.replace("’", "'")
    if not written or len(written) > MOST_WRITTEN:
        raise InvalidLexicon(f"the lexicon's entry {written[:MOST_WRITTEN]!r} has to have 1 to {MOST_WRITTEN} characters", entry=written)
    if not speakable(spoken) or len(spoken) > MOST_SPOKEN:
        raise InvalidLexicon(
            f"what the lexicon says for {written!r} has to hold a letter and at most {MOST_SPOKEN} characters", entry=written
        )
    return written, spoken


def _rules(entries: Mapping[str, str]) -> Iterable[Rule]:
    """A rule for the entries with capitals, which match as they are written, and one for the others."""
    cased = {written: spoken for written, spoken in entries.items() if written != written.lower()}
    folded = {written: spoken for written, spoken in entries.items() if written == written.lower()}
    for words, flags in ((cased, 0), (folded, re.IGNORECASE)):
        if words:
            said = {_key(written, flags): spoken for written, spoken in words.items()}
            yield Rule(
                name=LEXICON,
                pattern=re.compile(_pattern(words), flags),
                speak=lambda match, said=said, flags=flags: said.get(_key(match.group(), flags)),
            )


def _key(written: str, flags: int) -> str:
    """What two writings of one entry have in common."""
    written = " ".join(written.split()).replace("’", "'")
    return written.lower() if flags else written


def _pattern(words: Iterable[str]) -> str:
    """Any of the words, the longest first; by first letter, so that a place in a text is compared with few of them."""
    initials = groupby(sorted(words, key=lambda word: (word[0], -len(word), word)), itemgetter(0))
    return "|".join(f"(?={_letters(initial)})(?:{'|'.join(map(_whole, group))})" for initial, group in initials)


def _whole(word: str) -> str:
    """A word by itself: no letter or digit goes on beside its own."""
    before = r"(?<!\w)" if word[0].isalnum() else ""
    after = r"(?!\w)" if word[-1].isalnum() else ""
    return before + _letters(word) + after


def _letters(part: str) -> str:
    return re.escape(part).replace(r"\ ", r"\s+").replace("'", "['’]")
