"""What stands around a match: whether a sentence ends there, and the words before and after."""

from __future__ import annotations

import re

_END = re.compile(r"[\"”’»)\]]*(?:$|\s+[\"“‘«(\[]*[A-Z]|\s*\n)")
_WORD_BEFORE = re.compile(r"([^\W\d_]+)[.,]?[^\S\n]*-?$")
_WORD_AFTER = re.compile(r"-?[^\S\n]*([^\W\d_]+)")
_REACH = 40  # characters that are looked at


def full_stop(match: re.Match[str]) -> str:
    """The full stop that an abbreviation shares with the sentence that it ends, else nothing."""
    return "." if match.group().endswith(".") and _END.match(match.string, match.end()) else ""


def word_before(match: re.Match[str]) -> str:
    """The word before a match, or ""; a full stop may stand between, as after "Mr."."""
    found = _WORD_BEFORE.search(match.string[max(0, match.start() - _REACH) : match.start()])
    return found[1] if found else ""


def word_after(match: re.Match[str]) -> str:
    """The word after a match, or ""."""
    found = _WORD_AFTER.match(match.string, match.end(), match.end() + _REACH)
    return found[1] if found else ""


def opens(match: re.Match[str]) -> bool:
    """Whether a paragraph begins with the match."""
    before = match.string[max(0, match.start() - _REACH) : match.start()].rstrip(" \"“‘'(")
    return not before or before.endswith("\n")
