"""Who calls, and whether they may: one look before every request, so that no view has to think of it.

With keys: `Authorization: Bearer KEY` is looked up in Redis, every time, so that a revoked key opens nothing from then on.

Without keys everybody is the owner `default`, and only this machine reaches the server, unless LOA_OPEN says otherwise. What reaches it
from this machine may still be a web page in somebody's browser: origins.py tells which may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import flask

from api.contract import Operation
from api.origins import Origins
from api.pace import Pace
from loa.api_keys import DEFAULT_OWNER, ApiKey, Scope, id_of
from loa.errors import Forbidden, InvalidKey, MissingKey, StoreUnavailable, TooManyRequests
from loa.settings import Settings
from loa.store.credentials import Credentials

PERIOD = 0.5  # seconds for which it is believed that there are no keys


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom a request acts for."""

    owner: str
    scopes: frozenset[Scope]


ANYBODY = Caller(owner=DEFAULT_OWNER, scopes=frozenset(Scope))


def caller() -> Caller:
    """Whom the current request acts for. Only calls that need a scope have one."""
    found: Caller = flask.g.caller
    return found


class Gate:
    """Lets requests in or raises. Threads share one."""

    def __init__(
        self, settings: Settings, credentials: Callable[[], Credentials], origins: Origins, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`credentials` gives the store's, or raises StoreUnavailable; `origins` says which web pages may call a server without keys."""
        self._credentials, self._clock = credentials, clock
        self._private = settings.loopback or settings.open  # nobody reaches it who may not
        self._origins = origins
        self._pace = Pace(settings.requests_per_minute, clock)
        self._closed: bool | None = None  # whether there are keys; None: nobody knows yet
        self._looked = float("-inf")

    def admit(self) -> None:
        """Before a request. Raises MissingKey, InvalidKey, Forbidden, TooManyRequests, ForeignOrigin, UnknownHost, StoreUnavailable."""
        request = flask.request
        view = flask.current_app.view_functions.get(request.endpoint or "")
        promise: Operation | None = getattr(view, "operation", None)
        if promise is None or promise.scope is None or request.method == "OPTIONS":
            return
        flask.g.caller = self._caller(request)
        if promise.scope not in flask.g.caller.scopes:
            raise Forbidden(f"this call needs a key with the scope {promise.scope}", scope=promise.scope.value)

    def _caller(self, request: flask.Request) -> Caller:
        kind, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        secret = secret.strip() if kind.lower() == "bearer" else ""
        if (key_id := id_of(secret)) is not None:
            return self._holder(key_id, secret)
        if self._needs_key():
            raise InvalidKey("this is no API key") if secret else MissingKey("this server wants an API key")
        self._origins.check(request)
        return ANYBODY

    def _holder(self, key_id: str, secret: str) -> Caller:
        key: ApiKey | None = self._credentials().find(key_id)
        if key is None or not key.opened_by(secret):
            raise InvalidKey("this API key is unknown or was revoked")
        if (wait := self._pace.late(key.id)) > 0:
            raise TooManyRequests("this key sends more requests a minute than it may", retry_after=max(1, round(wait + 0.5)))
        return Caller(owner=key.owner, scopes=frozenset(key.scopes))

    def _needs_key(self) -> bool:
        """Asks Redis once a PERIOD at most. While Redis is away, what was true last is."""
        now = self._clock()
        if self._closed is None or now - self._looked >= PERIOD:
            self._looked = now  # other requests go on meanwhile, with what was true last
            try:
                self._closed = self._credentials().configured()
            except StoreUnavailable:
                if self._closed is None:
                    raise
        return bool(self._closed) or not self._private
