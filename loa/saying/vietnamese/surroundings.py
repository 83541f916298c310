"""What stands around a match: the cues by which a reader tells a date from a fraction and a score from a range."""

from __future__ import annotations

import re
from itertools import takewhile

from loa.saying.vietnamese.letters import readable

_LONG = 5  # letters: no acronym has so many
REACH = 48  # characters: some eight words


def cue(words: str, *, within: int = 0) -> re.Pattern[str]:
    """A pattern for `preceded`: one of the words ("|" between them), with at most `within` other words of the sentence behind it."""
    return re.compile(rf"(?<!\w)(?:{words})(?:[ ,:(“\"]+[^\s.;!?]+){{0,{within}}}[ ,:(“\"]*$", re.IGNORECASE)


def preceded(match: re.Match[str], words: re.Pattern[str]) -> bool:
    """Whether the cue stands before the match."""
    return words.search(match.string[max(0, match.start() - REACH) : match.start()]) is not None


def following(match: re.Match[str]) -> str:
    """What stands behind the match, as far as a reader's eye goes."""
    return match.string[match.end() : match.end() + REACH]


def in_capitals(match: re.Match[str]) -> bool:
    """Whether the match stands in a run of capitals of which a word is no acronym, as in a heading: there they say nothing about a word."""
    text, start, end = match.string, match.start(), match.end()
    before = text[max(0, start - REACH) : start].split(" ")[::-1]
    after = text[end : end + REACH].split(" ")
    if before[0] or after[0]:  # not a word by itself
        before, after = before[:1], after[:1]
    run = [*takewhile(_large, before[1:]), *takewhile(_large, after[1:])]
    return any(len(word) > 1 and (readable(word) or len(word) >= _LONG) for word in run)


def _large(word: str) -> bool:
    return word.isalpha() and word.isupper()
