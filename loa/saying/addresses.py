"""Addresses of the net in a text: where one is, and the parts that a language says one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from loa.saying.alphabet import LATIN

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})"
# Endings by which a name without "https://" and "www." is known. Those that are words, as "ai" and "me" are, need one of the two or a path.
_SURE = "com|net|org|edu|gov|vn|info|biz|app|dev|xyz|asia|online|shop|site|store|tech|uk|jp|fr|de|eu|au|sg|cn|ru"
_BARE = rf"(?:{_LABEL}\.){{1,4}}(?:{_SURE})(?![A-Za-z0-9-])(?!\.[A-Za-z0-9])"
_SHORT = rf"(?:{_LABEL}\.){{1,3}}(?:ai|me|io|co|tv|us|gl|ly|be|to|gg|page)(?=/[A-Za-z0-9])"
_PORT = r"(?::\d{1,5})?"
_ENDING = f"{LATIN}0-9/=&%#_~+$@-"  # a mark at the end is the sentence's
_PATH = rf"(?:[/?#](?:[{LATIN}0-9!-/:;=?@_~%]{{0,2000}}[{_ENDING}])?)?"

EMAIL = re.compile(rf"(?<![\w.+@-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{{0,63}})@(?:{_LABEL}\.){{1,4}}[A-Za-z]{{2,24}}(?![\w@])")
URL = re.compile(
    rf"(?<![\w@.])(?:(?P<scheme>(?:https?|ftp)://)[A-Za-z0-9](?:[{LATIN}0-9.:@_~%-]{{0,255}}[{LATIN}0-9])?{_PATH}|(?:www\.(?:{_LABEL}\.){{1,4}}[A-Za-z]{{2,24}}|{_BARE}|{_SHORT})(?!@){_PORT}{_PATH})"
)

# A path of a file: "/etc/fstab", "~/notes", "/tmp"; not the stroke in "nam /nữ".
_NAME = r"[A-Za-z_.][A-Za-z0-9_.+@-]{0,63}(?<![.@])"
_ROOTS = "bin|boot|dev|etc|home|lib|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var"
PATH = re.compile(rf"(?<![\w/.~<])(?:(?:~|\.\.?)/{_NAME}|/{_NAME}(?=/[A-Za-z_])|/(?:{_ROOTS})(?![\w-]))(?:/{_NAME}){{0,20}}/?(?![\w/])")

HANDLE = re.compile(  # @name, #topic
    rf"(?<![\w@#&])(?P<sign>@(?=[{LATIN}_])|#)(?P<name>(?=[{LATIN}0-9_]*[{LATIN}_])[{LATIN}0-9_](?:[{LATIN}0-9_.]{{0,60}}[{LATIN}0-9_])?)"
)
Part = tuple[Literal["word", "figures", "mark"], str]
_PART = re.compile(r"(?P<word>[^\W\d_]+)|(?P<figures>\d+)|(?P<mark>[\W_])")


def parts(address: str) -> Iterator[Part]:
    """The words, figures and marks of an address, in order. Of a URL the scheme is left out, which nobody says."""
    for match in _PART.finditer(re.sub(r"^(?:https?|ftp)://", "", address)):
        yield match.lastgroup, match.group()  # type: ignore[misc]
