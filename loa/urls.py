"""URLs as they may be shown: in logs, messages and what `loa doctor` prints, where no password and no token belongs."""

from __future__ import annotations

import re

HIDDEN = "***"

# Whatever stands where a URL has its login, its query or its fragment. Regular expressions, not urllib: they also serve for URLs that are
# broken, and for those in the middle of a library's message. The number of a database is no secret.
_LOGIN = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"'<>]*@", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<place>\b[a-z][a-z0-9+.-]{0,30}://[^\s?#\"'<>]*)[?#](?!(?:db|virtual_host)=\d+(?![^\s\"'<>]))[^\s\"'<>]*",
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """A URL, or a text with URLs in it, without their user names, passwords, queries and fragments.

    >>> shown("redis://:pass@host:6379/0?password=x is away")
    'redis://***@host:6379/0?*** is away'
    """
    text = _LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _QUERY.sub(rf"\g<place>?{HIDDEN}", text)
