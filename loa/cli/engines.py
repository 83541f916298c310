"""Commands about engines: list, show, pull. They speak of this machine: each machine that speaks needs an engine's files itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loa.cli.output import json_option, note, print_facts, print_json, print_table, size, yes_no
from loa.cli.pulling import FILE_COLUMNS, fetch, file_rows, licence_facts

if TYPE_CHECKING:
    from loa.engine_files import EngineFiles


@click.group()
def engines() -> None:
    """Engines: which can speak on this machine, and how to get what one needs."""


@engines.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the engines and what keeps them from speaking here."""
    found = described()
    if as_json:
        print_json(list(found.values()))
        return
    print_table(("name", "state", "commercial use", "licence", "title"), [_row(engine) for engine in found.values()])
    for engine in found.values():
        if engine["obstacle"]:
            note(f"{engine['name']}: {engine['obstacle']}; {engine['remedy']}")


@engines.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show an engine with the files that it needs and their licence."""
    engine = named(name)
    if as_json:
        print_json(engine)
        return
    needs = engine["needs"]
    print_facts(
        {
            "name": engine["name"],
            "title": engine["title"],
            "state": _state(engine),
            "missing": engine["obstacle"],
            "remedy": engine["remedy"],
            "word timings": "exact" if engine["words_timed"] else "best effort",
            **({} if needs is None else {"size": size(needs["bytes"]), **licence_facts(needs), "source": needs["source"]}),
            "folder": needs and needs["folder"],
        }
    )
    if needs is not None:
        print_table(FILE_COLUMNS, file_rows(needs))


@engines.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Accept the licence without being asked.")
@click.option("--force", is_flag=True, help="Fetch the files again, even if they are there.")
@json_option
def pull(name: str, yes: bool, force: bool, as_json: bool) -> None:
    """Fetch the files that an engine needs to this machine (LOA_DATA_DIR).

    Shows first what the licence allows, and asks. A pull that was interrupted goes on where it stopped. Workers find the files when they
    start.
    """
    from loa.engines import ENGINES
    from loa.settings import Settings

    settings = Settings.load()
    named(name)
    files = ENGINES[name].files(settings)
    if files is None:
        note(f"{name} needs no files of its own: its voices bring all it needs")
    elif force or not usable(files):
        fetch(files.bundle, settings, yes=yes, force=force)
    else:
        note(f"{name} is installed already; --force fetches it again")
    engine = named(name)
    if engine["obstacle"]:
        note(f"{name} cannot speak here yet: {engine['obstacle']}; {engine['remedy']}")
    if as_json:
        print_json(engine)


def usable(files: EngineFiles) -> bool:
    """Whether an engine's files are there and whole, whoever put them there."""
    from loa.errors import BrokenEngine, EngineNotInstalled

    try:
        files.paths()
    except (BrokenEngine, EngineNotInstalled):
        return False
    return True


def described() -> dict[str, dict[str, Any]]:
    """Every engine that is no test's, as it is on this machine."""
    from loa.engines import ENGINES
    from loa.settings import Settings

    settings = Settings.load()
    return {name: facts.describe(settings) for name, facts in ENGINES.items() if not facts.for_tests}


def named(name: str) -> dict[str, Any]:
    """The engine `name`. Raises click.UsageError where there is none."""
    found = described()
    if name not in found:
        raise click.UsageError(f"there is no engine {name!r}; this version of Loa has {', '.join(found)}")
    return found[name]


def _state(engine: dict[str, Any]) -> str:
    if engine["installed"]:
        return "installed"
    return "to pull" if engine["needs"] and not engine["needs"]["installed"] else "not installed"


def _row(engine: dict[str, Any]) -> tuple[Any, ...]:
    needs = engine["needs"] or {"commercial_use": None, "licence": "its voices' own"}
    commercial = "its voices tell" if engine["needs"] is None else yes_no(needs["commercial_use"])
    return engine["name"], _state(engine), commercial, needs["licence"], engine["title"]
