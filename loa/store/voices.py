"""The voices that users added, as records (loa/voice_record.py): every process of the service sees the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from loa.store.database import Database


@dataclass(frozen=True, kw_only=True)
class Added:
    """The answer to an addition."""

    kept: str  # what is kept under the name now: `CREATED RECORD`
    created: bool  # False: the name was taken, and what was kept is unchanged


class Voices:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """What is kept of every added voice, by name."""
        found: dict[str, str] = self._database.command("hgetall", self._database.keys.voices())
        return found

    def find(self, name: str) -> str | None:
        """What is kept of one voice; None: nobody added a voice of this name."""
        found: str | None = self._database.command("hget", self._database.keys.voices(), name)
        return found

    def add(self, name: str, record: str) -> Added:
        """Keep a record, unless the name is taken already."""
        created, kept = self._database.run("add_voice", name, record)
        return Added(kept=kept, created=bool(created))

    def remove(self, name: str, kept: str) -> bool:
        """Forget a voice of which this is kept. False: it is not there any more, or it is another one by now."""
        return bool(self._database.run("remove_voice", name, kept))
