"""URLs, e-mail addresses, handles and hashtags: "me dot you at example dot com"."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from loa.saying.addresses import EMAIL, HANDLE, PATH, URL
from loa.saying.english.acronyms import letters, pronounceable
from loa.saying.english.codes import mixed
from loa.saying.said import Rule
from loa.saying.tables import words

_SIGNS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
    "!": "exclamation mark",
    "*": "star",
    "$": "dollar",
}
_TOKEN = re.compile(r"[^\W_]+|[^\w]|_")
_SCHEME = re.compile(r"^(?:https?|ftp|mailto)://?|^mailto:", re.IGNORECASE)
_DOMAINS = frozenset(words("com org net edu gov info biz app dev"))
_NO_WORDS = frozenset(words("etc inc ltd dept"))  # in an address: an abbreviation elsewhere
_SHORT_WORDS = frozenset(words("am an as at be by do go he hi if in is it me my no of oh on or so to up us we"))

_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")  # "MeToo", "HTMLPage"


def address(written: str) -> str:
    """Every word and sign of a URL or an e-mail address: "https://loa.org/a-b" → "loa dot org slash a dash b"."""
    bare = _SCHEME.sub("", unquote(written)).rstrip("/")
    return " ".join(filter(None, (_SIGNS.get(token) or _word(token) for token in _TOKEN.findall(bare))))


def _word(token: str) -> str:
    if not token.isalnum():
        return token if unicodedata.category(token)[0] in "LS" else ""  # what no voice can say is reported
    if any(map(str.isdigit, token)):
        return mixed(token)
    if token.lower() in _DOMAINS:
        return token
    if token.lower() in _NO_WORDS:
        return letters(token)
    return (
        letters(token)
        if (len(token) <= 2 and token.lower() not in _SHORT_WORDS) or (len(token) <= 5 and not pronounceable(token))
        else token
    )


def _handle(match: re.Match[str]) -> str:
    """@name is "at name", #topic "hashtag topic"."""
    return f"{'at' if match['sign'] == '@' else 'hashtag'} {_name(match['name'])}"


def _name(written: str) -> str:
    """ "MeToo_now" → "Me Too now"."""
    words = " ".join(_HUMPS.sub(" ", written.replace(".", " dot ")).split())
    return " ".join(mixed(word) if any(map(str.isdigit, word)) else word for word in words.split())


RULES = (
    Rule(name="e-mail", pattern=EMAIL, speak=lambda match: address(match.group())),
    Rule(name="URL", pattern=URL, speak=lambda match: address(match.group())),
    Rule(name="path", pattern=PATH, speak=lambda match: address(match.group())),
    Rule(name="handle", pattern=HANDLE, speak=_handle),
)
