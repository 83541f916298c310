"""Emoji in a text: what one is, and its plain form, by which a language looks its name up."""

from __future__ import annotations

import re

_ONE = (
    "[\U0001f1e6-\U0001f1ff]{2}"  # a flag: two regional letters
    "|(?<![0-9])[0-9#*]\ufe0f?\u20e3"  # a key with one figure
    "|[\U0001f300-\U0001f3fa\U0001f400-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23fa\u3030\u303d\u00a9\u00ae\u2122]"
)
_TAIL = "[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?[\ufe0e\ufe0f]?"  # how it is drawn, and the colour of a skin
# A family or a profession is several, joined.
EMOJI = re.compile(f"(?:{_ONE}){_TAIL}(?:\u200d(?:{_ONE}){_TAIL})*")

_LOOKS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def plain(emoji: str) -> str:
    """The emoji without the colour of a skin and without how it is drawn: "👍🏽" is "👍", "❤️" is "❤"."""
    return _LOOKS.sub("", emoji)
