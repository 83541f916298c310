"""API keys as values: what a key may do, whom it acts for, and how a secret is known again.

A secret is `loa_ID_REST`: 12 hex digits that name the key and may be shown, then 43 characters that hold 256 random bits. Only the SHA-256
of the whole is kept. A slow hash would guard a password that people choose; what nobody can guess needs none.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from loa.errors import InvalidRequest
from loa.instants import iso

DEFAULT_OWNER = "default"  # of everything that is made while no keys are configured
NAME_LIMIT = 100  # characters
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # part of Redis keys and of entries that are split at blanks

_SECRET = re.compile(r"loa_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class Scope(StrEnum):
    """What a key allows; none includes another."""

    SUBMIT = "submit"  # make and cancel jobs, add and remove voices, send webhooks again
    READ = "read"  # see and fetch what its owner has
    ADMIN = "admin"  # see the workers and the figures of the whole installation


USUAL_SCOPES = (Scope.SUBMIT, Scope.READ)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as the store keeps it. `sha256` is empty once it is revoked."""

    id: str
    name: str  # for people
    owner: str  # what is made with the key belongs to this; two keys may share one
    scopes: tuple[Scope, ...]
    sha256: str
    created: float = 0.0  # seconds since the epoch
    revoked: float | None = None

    def opened_by(self, secret: str) -> bool:
        """Whether `secret` is this key's; takes the same time whatever is wrong with it."""
        return self.revoked is None and hmac.compare_digest(_digest(secret), self.sha256)

    def to_json(self) -> dict[str, Any]:
        """The key as it may be shown."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "scopes": [scope.value for scope in self.scopes],
            "created_at": iso(self.created),
            "revoked_at": None if self.revoked is None else iso(self.revoked),
        }

    def record(self) -> str:
        """The key as Redis keeps it."""
        facts = {name: getattr(self, name) for name in ("name", "owner", "scopes", "sha256", "created", "revoked")}
        return json.dumps(facts, ensure_ascii=False)

    @classmethod
    def from_record(cls, key_id: str, record: str) -> ApiKey:
        facts = json.loads(record)
        return cls(id=key_id, **(facts | {"scopes": tuple(Scope(scope) for scope in facts["scopes"])}))


def new_key(name: str, *, scopes: Iterable[str] = USUAL_SCOPES, owner: str | None = None) -> tuple[ApiKey, str]:
    """A key and its secret, which is nowhere else. `owner` None: the key's own id. Raises InvalidRequest."""
    name = name.strip()
    if not (1 <= len(name) <= NAME_LIMIT and name.isprintable()):
        raise InvalidRequest(f"a key's name takes 1 to {NAME_LIMIT} printable characters", field="name")
    if owner is not None and not OWNER.fullmatch(owner):
        raise InvalidRequest("an owner takes a letter or a digit, then letters, digits, '_', '-' and '.', at most 64", field="owner")
    wanted = set(scopes)
    if not wanted or not wanted <= set(Scope):
        raise InvalidRequest(f"scopes are {', '.join(Scope)}; at least one", field="scopes")
    key_id = secrets.token_hex(6)
    secret = f"loa_{key_id}_{secrets.token_urlsafe(32)}"
    ordered = tuple(scope for scope in Scope if scope in wanted)
    return ApiKey(id=key_id, name=name, owner=owner or key_id, scopes=ordered, sha256=_digest(secret)), secret


def id_of(secret: str) -> str | None:
    """The id of the key that a secret would be of; None for what is no secret of Loa at all."""
    parts = _SECRET.fullmatch(secret)
    return parts[1] if parts else None


def masked(secret: str) -> str:
    """A secret as it may be shown: which key it is of, and no more."""
    found = id_of(secret)
    return f"loa_{found}_…" if found else "…"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
