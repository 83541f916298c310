"""Commands about engines: list, show, pull, verify. They speak of this machine: each machine that speaks needs an engine's files itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loa.cli.output import json_option, note, print_facts, print_json, print_table, seconds, size, stderr_console, yes_no
from loa.cli.pulling import FILE_COLUMNS, fetch, file_rows, licence_facts, pull_options
from loa.cli.stack import import_part

if TYPE_CHECKING:
    from loa.engine_files import EngineFiles
    from loa.settings import Settings
    from loa.verification import Check


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
@pull_options
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
    else:
        fetch(files.bundle, settings, files.paths, yes=yes, force=force)
    engine = named(name)
    if engine["obstacle"]:
        note(f"{name} cannot speak here yet: {engine['obstacle']}; {engine['remedy']}")
    if as_json:
        print_json(engine)


@engines.command()
@click.argument("name")
@click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with the engine's files. Default: where `loa engines pull` puts them.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the report and the spoken sentences. Default: ./NAME-verify.",
)
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Speak with the voice of this recording as well, one as for `loa voices add`; may be given more than once.",
)
@json_option
@click.pass_context
def verify(ctx: click.Context, name: str, weights: Path | None, output: Path | None, recordings: tuple[Path, ...], as_json: bool) -> None:
    """Check an engine with the real files of its model, on this machine.

    Names and checksums of the files, every weight, each network beside the model's own implementation where that is installed, and three
    sentences by each common voice that is installed, with what each network took for them. All of it goes into OUTPUT/report.json, and the
    sentences beside it as wav files. Takes minutes on a CPU. Exit code 1 if a check failed.
    """
    from loa.engine_files import EngineFiles
    from loa.engines import ENGINES
    from loa.errors import PartMissing
    from loa.settings import Settings
    from loa.verification import Report

    settings = Settings.load()
    named(name)
    facts = ENGINES[name]
    if not facts.verification:
        others = ", ".join(other.name for other in ENGINES.values() if other.verification)
        raise click.UsageError(f"{name} has nothing to verify: every voice brings a model of its own; this works with {others}")
    if facts.missing:
        raise PartMissing(f"verifying {name} needs {', '.join(facts.missing)}: pip install 'loa[worker,{name}]'", part=name)
    files = facts.files(settings)
    assert files is not None, "what is verified is files"
    if weights is not None:
        files = EngineFiles(files.bundle, weights)
    output = output or Path(f"{name}-verify")
    output.mkdir(parents=True, exist_ok=True)
    checks = []
    for check in _taken(facts.verification, files, settings, output, recordings):
        checks.append(check)
        if not as_json:
            print_check(check)
    report = Report(engine=name, weights=files.folder, checks=tuple(checks))
    path = report.write(output)
    if as_json:
        print_json(report.to_json())
    note(f"{', '.join(f'{count} {verdict}' for verdict, count in report.counts.items())}; {path} has all of it")
    ctx.exit(0 if report.passed else 1)


def _taken(module: str, files: EngineFiles, settings: Settings, output: Path, recordings: tuple[Path, ...]) -> Iterator[Check]:
    """Every check as it ends; while it lasts, its name and a spinner."""
    verification = import_part(module, "worker")
    status = stderr_console().status("")

    def begin(step: str) -> None:
        status.update(step)
        status.start()

    with closing(verification.verify(files, settings, output, recordings, begin)) as checks:
        try:
            for check in checks:
                status.stop()  # a line that is printed meanwhile would go where the spinner goes
                yield check
        finally:
            status.stop()


def print_check(check: Check) -> None:
    """A check of a verification."""
    took = f" ({seconds(check.seconds)})" if check.seconds >= 0.1 else ""
    click.echo(f"{click.style(f'{check.verdict:7}', fg=COLOURS[check.verdict])}  {check.name}{took}: {check.fact}")


COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow"}


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
