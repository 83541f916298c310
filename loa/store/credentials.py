"""The API keys, as records (loa/api_keys.py). Every request is looked up here, so a key that is revoked opens nothing from then on."""

from __future__ import annotations

import dataclasses

from loa.api_keys import ApiKey
from loa.errors import UnknownKey
from loa.store.database import Database


class Credentials:
    def __init__(self, database: Database) -> None:
        self._database = database

    def configured(self) -> bool:
        """Whether a key is needed: one was created, revoked or not, and not forgotten."""
        return bool(self._database.command("exists", self._database.keys.api_keys()))

    def all(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        records = self._database.command("hgetall", self._database.keys.api_keys())
        return sorted((ApiKey.from_record(*pair) for pair in records.items()), key=lambda key: (key.created, key.id))

    def find(self, key_id: str) -> ApiKey | None:
        record = self._database.command("hget", self._database.keys.api_keys(), key_id)
        return None if record is None else ApiKey.from_record(key_id, record)

    def add(self, key: ApiKey) -> ApiKey:
        """Keep a new key; as it is kept."""
        return self._keep(dataclasses.replace(key, created=self._now()))

    def revoke(self, key_id: str) -> ApiKey:
        """From now on the key opens nothing. Its record stays, without the hash: what its owner has is found by it. Raises UnknownKey."""
        key = self._known(key_id)
        return key if key.revoked is not None else self._keep(dataclasses.replace(key, sha256="", revoked=self._now()))

    def forget(self, key_id: str) -> None:
        """Remove the record, too; without any record no key is needed any more. Raises UnknownKey."""
        if not self._database.command("hdel", self._database.keys.api_keys(), key_id):
            raise _unknown(key_id)

    def _known(self, key_id: str) -> ApiKey:
        key = self.find(key_id)
        if key is None:
            raise _unknown(key_id)
        return key

    def _keep(self, key: ApiKey) -> ApiKey:
        self._database.command("hset", self._database.keys.api_keys(), key.id, key.record())
        return key

    def _now(self) -> float:
        seconds, micros = self._database.command("time")
        return float(seconds + micros / 1e6)


def _unknown(key_id: str) -> UnknownKey:
    return UnknownKey(f"there is no key {key_id[:40]!r}")
