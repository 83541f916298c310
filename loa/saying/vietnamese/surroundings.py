"""What stands around a match: the cues by which a reader tells a date from a fraction and a score from a range."""

from __future__ import annotations

import re

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


_WORD = re.compile(r"[^\W\d_]{2,}")


def in_capitals(match: re.Match[str]) -> bool:
    """Whether the words around the match are all in capitals, as in a heading: there capitals say nothing about a word."""
    text, start, end = match.string, match.start(), match.end()
    around = _WORD.findall(text[max(0, start - REACH) : start].rpartition("\n")[2] + " " + text[end : end + REACH].partition("\n")[0])
    return len(around) > 1 and sum(word.isupper() for word in around) > 0.8 * len(around)
