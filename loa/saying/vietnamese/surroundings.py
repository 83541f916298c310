"""What stands around a match: the cues by which a reader tells a date from a fraction and a score from a range."""

from __future__ import annotations

import re

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


_LEFT, _RIGHT = re.compile(r"([^\W\d_]{2,}) ?$"), re.compile(r" ?([^\W\d_]{2,})")


def in_capitals(match: re.Match[str]) -> bool:
    """Whether a word beside the match is in capitals without being an acronym, as in a heading: there capitals say nothing about a word."""
    text, start, end = match.string, match.start(), match.end()
    beside = (_LEFT.search(text, max(0, start - REACH), start), _RIGHT.match(text, end))
    return any(word and word[1].isupper() and (readable(word[1]) or len(word[1]) >= _LONG) for word in beside)
