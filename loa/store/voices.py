"""The voices that users added, as records (loa/voice_record.py): every process of the service sees the same ones.

A name is its owner's: two owners may have a voice of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass

from loa.api_keys import DEFAULT_OWNER
from loa.store.database import Database

Owned = tuple[str, str]  # owner, name


@dataclass(frozen=True, kw_only=True)
class Added:
    """The answer to an addition."""

    kept: str  # what is kept under the name now: `CREATED RECORD`
    created: bool  # False: the name was taken, and what was kept is unchanged


class Voices:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[Owned, str]:
        """What is kept of every added voice, whoever's it is."""
        found = self._database.command("hgetall", self._database.keys.voices())
        return {_owned(field): kept for field, kept in found.items()}

    def find(self, name: str, owner: str = DEFAULT_OWNER) -> str | None:
        """What is kept of one voice; None: the owner has added none of this name."""
        found: str | None = self._database.command("hget", self._database.keys.voices(), _field(name, owner))
        return found

    def add(self, name: str, record: str, owner: str = DEFAULT_OWNER) -> Added:
        """Keep a record, unless the owner has the name already."""
        created, kept = self._database.run("add_voice", _field(name, owner), record)
        return Added(kept=kept, created=bool(created))

    def remove(self, name: str, kept: str, owner: str = DEFAULT_OWNER) -> bool:
        """Forget a voice of which this is kept. False: it is not there any more, or it is another one by now."""
        return bool(self._database.run("remove_voice", _field(name, owner), kept))


def _field(name: str, owner: str) -> str:
    return name if owner == DEFAULT_OWNER else f"{owner}/{name}"


def _owned(field: str) -> Owned:
    owner, _, name = field.rpartition("/")
    return owner or DEFAULT_OWNER, name
