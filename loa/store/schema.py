"""Which version of the data this Redis holds, and what happens where that is not ours.

Older data is brought up to date by the first process of the new version that starts, in one script, as soon as no process of the older
version runs any more: until then it refuses and says which to stop. Newer data is always refused, at the start and, by the first lines of
every script (scripts/ground.lua), in the middle of a process's life. So two versions never write side by side.

Processes are known by what they announce (`slot:SLOT` has their `schema`) and by the names of their connections (`loa-api:2`); those of
schema 1 announced none and were named without a number.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import redis

from loa.errors import SchemaMismatch
from loa.keys import SCHEMA_VERSION, Keys

if TYPE_CHECKING:
    from loa.store.database import Database

log = logging.getLogger(__name__)

REFUSED = "SCHEMA "  # how a script's refusal begins; the schema of the data follows
_NAME = re.compile(r"loa-(?P<role>api|worker|thread)(?::(?P<schema>\d+))?")


def connection_name(role: str) -> str:
    """How a connection names itself to Redis. `role`: api, worker or thread."""
    return f"loa-{role}:{SCHEMA_VERSION}"


def compare(client: redis.Redis, keys: Keys) -> int | None:
    """The schema of the data; None: there is none yet. Changes nothing. Raises SchemaMismatch where it is newer than ours."""
    found = client.get(keys.schema())
    if found is None:
        return None
    if int(found) > SCHEMA_VERSION:
        raise newer(int(found))
    return int(found)


def newer(found: int) -> SchemaMismatch:
    """What a process has to say that meets the data of a newer version."""
    return SchemaMismatch(
        f"the data in this Redis has schema {found}, written by a newer Loa; this one has {SCHEMA_VERSION} and stops. Upgrade it",
        found=found,
    )


def agree(database: Database) -> None:
    """Make the data that of this version, or refuse. Raises SchemaMismatch; the caller translates the client's errors."""
    client, keys = database.client, database.keys
    client.set(keys.schema(), SCHEMA_VERSION, nx=True)
    while (found := compare(client, keys)) != SCHEMA_VERSION:
        if found is None:
            raise SchemaMismatch("this Redis lost its data a moment ago; start again")
        if names := _older_connections(client):
            raise _still_run(found, names)
        outcome, *rest = database.run("migrate", found)
        if outcome == "running":
            raise _still_run(found, [f"worker process {slot}" for slot in rest])
        if outcome == "migrated":
            log.warning("the data in Redis is now of schema %d, not %d; older versions of Loa refuse it", SCHEMA_VERSION, found)


def _still_run(found: int, names: list[str]) -> SchemaMismatch:
    return SchemaMismatch(
        f"the data in this Redis has schema {found}, and processes of that version still run: {', '.join(names)}. "
        f"Stop them (what they hold is handed back, and nothing is lost), then start this one again: it brings the data to schema "
        f"{SCHEMA_VERSION}. One that was killed counts as running until its heartbeat has ended",
        found=found,
    )


def _older_connections(client: redis.Redis) -> list[str]:
    """Whoever is connected to this database with an older version; each process once per role and address."""
    try:
        connections = client.client_list()
    except redis.ResponseError:  # a managed Redis may forbid the question; the workers' announcements are looked at all the same
        return []
    database = str(client.connection_pool.connection_kwargs.get("db") or 0)
    found = set()
    for connection in connections:
        name = _NAME.fullmatch(connection["name"])
        if name is not None and int(name["schema"] or 1) < SCHEMA_VERSION and connection["db"] == database:
            host = connection["addr"].rpartition(":")[0]
            found.add(f"{'an API' if name['role'] == 'api' else 'a process'} connected from {host or connection['addr']}")
    return sorted(found)
