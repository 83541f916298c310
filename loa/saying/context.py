"""What a document itself says its short forms stand for: "Ban Tổ chức (BTC)", "WHO (World Health Organization)".

A short form is defined by words whose initials it is made of, small words left out at will. In Vietnamese a defined short form is then
said as those words wherever it stands alone, since nobody reads "BTC" out; in English it is known to be an acronym and no shouted word:
"the WHO" is said by letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from loa.saying.english.acronyms import spelled
from loa.saying.said import Rule
from loa.saying.syllables import is_syllable
from loa.saying.tables import words

_SHORT = r"[^\W\d_]{2,9}"
_CALLED = r"(?:(?:sau đây |từ đây |dưới đây )?(?:gọi|viết|tên)(?: tắt)?(?: là)?:?\s*)?[\"“‘']?"
_AFTER = re.compile(rf"\({_CALLED}(?P<short>{_SHORT})[\"”’']?\)")  # "Ban Tổ chức (BTC)"
_BRACKETS = re.compile(r"\((?P<long>[^()]{3,150})\)")
_BEFORE = re.compile(rf"\b(?P<short>{_SHORT})\s+$")  # "BTC (Ban Tổ chức)"; looked for from its bracket, of which there are few
_REACH = 40  # characters before a bracket
_WORD = re.compile(r"[^\W\d_]+")
_CLAUSE_END = re.compile(r"[.!?;:()\n,]")
_LONGEST = 150  # characters of an expansion
_SMALL = frozenset(words("a an and at by de for in of on or the to with và của về cho các trong"))


@dataclass(frozen=True)
class Context:
    """Short forms with the words that they stand for, by the language of those words."""

    expansions: Mapping[str, Mapping[str, str]]  # {"vi": {"BTC": "Ban Tổ chức"}}

    @classmethod
    def of(cls, text: str, language: str) -> Context:
        """What a whole document defines; where it defines a short form twice, as it does first.

        `language` decides for words that could be of either, such as Vietnamese without its marks.
        """
        expansions: dict[str, dict[str, str]] = {"vi": {}, "en": {}}
        for _, short, long in sorted(_definitions(text)):
            expansions[_language_of(long, language)].setdefault(short, long)
        return cls(expansions)

    def rules(self, language: str) -> tuple[Rule, ...]:
        """Its rules for a language tag such as "vi-VN"; none where the document defines nothing in that language."""
        return self._rules.get(language.split("-", maxsplit=1)[0].lower(), ())

    @cached_property
    def _rules(self) -> dict[str, tuple[Rule, ...]]:
        rules = {}
        if vietnamese := self.expansions.get("vi"):
            rules["vi"] = (Rule(name="expansion", pattern=_alone(vietnamese), speak=lambda match: _expanded(match, vietnamese)),)
        if english := self.expansions.get("en"):
            rules["en"] = (Rule(name="acronym", pattern=_alone(english), speak=lambda match: spelled(match.group(), defined=True)),)
        return rules


def _definitions(text: str) -> Iterator[tuple[int, str, str]]:
    """Where a short form is defined, the form, and its words."""
    for match in _AFTER.finditer(text):
        before = _CLAUSE_END.split(text[max(0, match.start() - _LONGEST) : match.start()])[-1]
        if long := _tail(before, match["short"]):
            yield match.start(), match["short"], long
    for match in _BRACKETS.finditer(text):
        reach = max(0, match.start() - _REACH)
        before = _BEFORE.search(text, reach, match.start())
        if before and (long := match["long"].strip()) == _tail(long, before["short"]):
            yield before.start(), before["short"], long


def _alone(shorts: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.&/-])(?:{'|'.join(sorted(map(re.escape, shorts), key=len, reverse=True))})(?![\w&/])")


def _expanded(match: re.Match[str], expansions: Mapping[str, str]) -> str | None:
    """The words of a short form, except where the text defines it: there both have just been said."""
    long = expansions[match.group()]
    before, after = match.string[max(0, match.start() - 40) : match.start()], match.string[match.end() : match.end() + _LONGEST]
    defined_here = re.search(rf"\({_CALLED}$", before) or re.match(rf"\s+\(\s*{re.escape(long)}", after)
    return None if defined_here else long


def _tail(text: str, short: str) -> str | None:
    """The last words of `text` whose initials are the letters of `short`, which has two capitals at least."""
    if sum(map(str.isupper, short)) < 2:
        return None
    words = list(_WORD.finditer(text))
    at = len(words)
    for letter in reversed(short):
        at -= 1
        while at > 0 and not _begins(words[at].group(), letter) and words[at].group().lower() in _SMALL:
            at -= 1
        if at < 0 or not _begins(words[at].group(), letter):
            return None
    return text[words[at].start() :].strip()


def _begins(word: str, letter: str) -> bool:
    """Whether a word begins with a letter, whatever their case and marks; a D also stands for Đ."""
    initial = unicodedata.normalize("NFD", word[0])[0].lower()
    letter = unicodedata.normalize("NFD", letter)[0].lower()
    return initial == letter or (initial == "đ" and letter == "d")


def _language_of(words: str, default: str) -> str:
    syllables = [word.lower() for word in _WORD.findall(words)]
    if all(map(str.isascii, syllables)):
        vietnamese = default.lower().startswith("vi") and all(map(is_syllable, syllables))
    else:
        vietnamese = all(map(is_syllable, syllables))
    return "vi" if vietnamese else "en"
