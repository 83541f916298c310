"""Which web pages may use this server from somebody's browser: by default none but its own.

A browser lets any page in the world send requests to a server that only its owner can reach, such as one on loopback. So without keys:

- A page can send nothing: a request that comes from a page of another origin is refused.
- A page cannot pretend to be our own by letting its name point at our address ("DNS rebinding"): a request to a name that is not this
  server's is refused. Names that a page can make lead here have a dot; an address leads where it says, and LOA_NAMES are the server's.

With keys access.py does not ask for this: no page has a key that nobody gave it. With and without: a page cannot read anything, for answers
carry no Access-Control-Allow-Origin, except for the origins of LOA_CORS_ORIGINS.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from flask import Flask, Request, Response, request

from loa.errors import ForeignOrigin, InvalidSetting, UnknownHost
from loa.settings import Settings

SAFE = frozenset({"GET", "HEAD"})
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Range"
ANSWER_HEADERS = "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Idempotent-Replay, Location, Retry-After"
PREFLIGHT_SECONDS = 600  # a browser remembers the answer

_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What the settings allow."""

    allowed: frozenset[str]  # https://app.example.com
    names: frozenset[str]  # speech.example.com

    @classmethod
    def parse(cls, settings: Settings) -> Origins:
        """Raises InvalidSetting."""
        allowed = settings.cors_origins.lower().split()
        for origin in allowed:
            if origin == "*":
                raise InvalidSetting("LOA_CORS_ORIGINS is *: every page in the world could use this server; name the origins that may")
            if not _ORIGIN.fullmatch(origin):
                raise InvalidSetting(f"LOA_CORS_ORIGINS names {origin!r}; it takes origins such as https://app.example.com, and no path")
        return cls(allowed=frozenset(allowed), names=frozenset({settings.host.lower(), *settings.names.lower().split()}))

    def check(self, request: Request) -> None:
        """Raises UnknownHost or ForeignOrigin."""
        host = request.headers.get("Host", "")
        if not self.knows(host):
            raise UnknownHost(f"the server was called by the name {host[:100]!r}, which may be a foreign page's", host=host[:100])
        if self.foreign(request):
            origin = request.headers.get("Origin", "another origin")[:100]
            raise ForeignOrigin(f"a page of {origin} sent this, and without keys only the server's own and those of LOA_CORS_ORIGINS may")

    def knows(self, host: str) -> bool:
        """Whether a Host header, with or without a port, is one that no stranger can make point at this server."""
        name = _without_port(host).lower().rstrip(".")
        if not name:
            return not host  # HTTP/1.0 may have none; no browser speaks it
        return "." not in name or name in self.names or name.endswith(".localhost") or _is_address(name)

    def foreign(self, request: Request) -> bool:
        """Whether a page of another origin, which is not allowed, made a browser send this request."""
        origin = request.headers.get("Origin")
        if origin is not None:
            return origin.lower() not in self.allowed and origin.lower().partition("://")[2] != request.headers.get("Host", "").lower()
        return request.method not in SAFE and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def install(app: Flask, origins: Origins) -> None:
    """Answer OPTIONS, and name allowed origins in answers."""

    @app.before_request
    def answer() -> Response | None:
        return _methods(app) if request.method == "OPTIONS" and request.routing_exception is None else None

    @app.after_request
    def share(response: Response) -> Response:
        if origins.allowed:
            response.vary.add("Origin")
            if (origin := request.headers.get("Origin", "")).lower() in origins.allowed:
                response.headers.update(_shared(origin, response))
        return response


def _methods(app: Flask) -> Response:
    """The answer to OPTIONS: which methods an address takes. A browser that asks before it sends has no key with it."""
    response: Response = app.make_default_options_response()
    response.status_code = 204
    return response


def _shared(origin: str, response: Response) -> dict[str, str]:
    """What lets a page of this origin read an answer, and a browser that asked before it sends go on. Cookies: never."""
    headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": ANSWER_HEADERS}
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return headers


def _without_port(host: str) -> str:
    """`name:80` and `[::1]:80` → `name` and `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
