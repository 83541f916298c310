"""How a person gets files with a licence: what it says is shown first, then they are asked, then the files come, with a bar for each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from loa.cli.output import byte_progress, json_option, note, print_facts, size, yes_no

if TYPE_CHECKING:
    from loa.bundles import Bundle
    from loa.settings import Settings


def pull_options(command: Callable[..., None]) -> Callable[..., None]:
    """NAME, --yes, --force and --json, for whatever is pulled."""
    command = json_option(command)
    command = click.option("--force", is_flag=True, help="Fetch the files again, even if they are there.")(command)
    command = click.option("--yes", is_flag=True, help="Accept the licence without being asked.")(command)
    return click.argument("name")(command)


def fetch(bundle: Bundle, settings: Settings, paths: Callable[[], object], *, yes: bool, force: bool) -> None:
    """Pull a bundle after showing its licence, unless `paths` finds its files there and whole, and there is no `force`.

    `yes` accepts the licence without asking. Raises click.Abort when the person does not.
    """
    from loa.pull import pull

    if not force and _whole(bundle, paths):
        note(f"{bundle.name} is installed already; --force fetches it again")
        return
    print_facts(
        {bundle.kind: bundle.title, **licence_facts(bundle.to_json()), "source": bundle.source or None, "download": size(bundle.bytes)},
        err=True,
    )
    if not yes:
        ask()
    with byte_progress() as show_bytes:
        folder = pull(bundle, settings, progress=lambda now: show_bytes(now.file, now.done, now.total), force=force)
    note(f"{bundle.name} is installed in {folder}")


def _whole(bundle: Bundle, paths: Callable[[], object]) -> bool:
    """Whether all files are there and whole, whoever put them there."""
    try:
        paths()
    except (bundle.absent, bundle.damaged):
        return False
    return True


def ask() -> None:
    """Let the person accept the licence. Raises click.Abort, or click.UsageError when there is nobody to ask."""
    if nobody_to_ask():
        raise click.UsageError("there is nobody to ask here: accept the licence with --yes")
    click.confirm("Fetch it under this licence?", abort=True, err=True)


def nobody_to_ask() -> bool:
    """Whether standard input is no terminal."""
    return sys.stdin is None or not sys.stdin.isatty()


def licence_facts(bundle: dict[str, Any]) -> dict[str, Any]:
    """What a person must know before using a bundle, out of its JSON."""
    return {
        "licence": bundle["licence"],
        "licence text": bundle["licence_url"],
        "commercial use": yes_no(bundle["commercial_use"]),
        "notice": " ".join(bundle["notice"].split()) if bundle["notice"] else None,
    }


def file_rows(bundle: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A table of the bundle's files, out of its JSON; see FILE_COLUMNS."""
    return [(file["name"], file["role"], size(file["size"]), file["sha256"]) for file in bundle["files"]]


FILE_COLUMNS = ("file", "for", "size", "sha256")
