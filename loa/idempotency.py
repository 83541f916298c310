"""What makes two submissions the same one: the hash that an Idempotency-Key is stored with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from loa.plan import canonical_json


def request_hash(request: Mapping[str, Any], file_sha256: str = "") -> str:
    """64 hex digits of a validated request and, for an upload, of its file.

    The order of keys, blanks in the JSON and whether a number was written 1 or 1.0 make no difference; anything else does.
    """
    return hashlib.sha256(canonical_json({"request": _plain(request), "file": file_sha256})).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
