"""Commands about API keys: create, list, revoke.

They need no server, and no key: whoever reaches the Redis of the service may do everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loa.api_keys import USUAL_SCOPES, Scope
from loa.cli.output import json_option, note, print_json, print_table

if TYPE_CHECKING:
    from loa.store import Credentials


@click.group()
def keys() -> None:
    """API keys: who may call the server, what for, and whose jobs are whose.

    Run them where the service runs: they talk to its Redis (LOA_REDIS_URL, or the `loa up` on LOA_DATA_DIR). From the first key on every
    call needs one.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="submit: make and cancel jobs and voices. read: see and fetch them. admin: workers and figures of the whole service. "
    "May be given more than once. Default: submit and read.",
)
@click.option("--owner", help="Whose jobs and voices it sees. Default: its own; `default`: those that were made before there were keys.")
@json_option
def create(name: str, scopes: tuple[str, ...], owner: str | None, as_json: bool) -> None:
    """Make a key, called NAME for people, and print its secret, this once.

    To replace a key, create another with the same --owner, move to it, and revoke the old one.
    """
    from loa.api_keys import new_key

    key, secret = new_key(name, scopes=scopes or USUAL_SCOPES, owner=owner)
    key = credentials().add(key)
    if as_json:
        print_json(key.to_json() | {"secret": secret})
        return
    note(f"key {key.id} ({key.name}) for {' and '.join(key.scopes)}; its jobs belong to {key.owner}. It is not shown again:")
    click.echo(secret)


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the keys, without their secrets, which nobody has."""
    found = [key.to_json() for key in credentials().all()]
    if as_json:
        print_json(found)
        return
    if not found:
        note("no keys: the server takes every call, from this machine only; `loa keys create NAME` makes one")
        return
    rows = [(key["id"], key["name"], key["owner"], " ".join(key["scopes"]), key["created_at"], key["revoked_at"] or None) for key in found]
    print_table(("id", "name", "owner", "scopes", "created", "revoked"), rows)


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option("--forget", is_flag=True, help="Remove its record, too. When none is left, the server needs no key any more.")
def revoke(key_id: str, forget: bool) -> None:
    """Make a key useless at once, for every server of the service. Jobs and voices of its owner stay."""
    found = credentials()
    key = found.revoke(key_id)
    if forget:
        found.forget(key_id)
    note(f"key {key.id} ({key.name}) opens nothing any more")


def credentials() -> Credentials:
    """Those of the service. Raises InvalidSetting, StoreUnavailable, SchemaMismatch."""
    from loa.broker import with_redis
    from loa.settings import Settings
    from loa.store import Store

    store = Store.for_thread(with_redis(Settings.load()))
    store.database.check()
    return store.credentials
