"""What the commands print: data on standard output (tables, or JSON with --json), everything else on standard error."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loa import logs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

TITLE = 40  # characters of a chapter's title beside the bar

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(function: Function) -> Function:
    """`--json` for a command that prints data; the function gets it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, for scripts.")(function)


def log_to_stderr() -> None:
    """Log as LOA_LOG_LEVEL says; unless it is set, commands tell only what is unusual."""
    name = os.environ.get("LOA_LOG_LEVEL", "").strip().upper()
    level = logging.getLevelNamesMapping().get(name, logging.WARNING)
    quiet = level >= logging.WARNING
    logs.log_to_stderr(logging.getLevelName(level), "%(message)s" if quiet else "%(asctime)s %(name)s %(levelname)s %(message)s")


def note(text: str) -> None:
    """A line for the person, not for the pipe."""
    click.echo(text, err=True)


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


@functools.cache
def stderr_console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, err: bool = False) -> None:
    """A table without borders. It fits a terminal by folding cells; in a pipe nothing is folded or cut. None is shown as a dash."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row))
    console = Console(highlight=False, stderr=err)
    if not console.is_terminal:
        console.width = max(80, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)


def _cell(value: Any) -> str:
    """What a cell shows: titles and the like come from other people, and a terminal shall take no orders from them."""
    return "-" if value is None else "\n".join(map(logs.visible, str(value).split("\n")))


def print_facts(facts: Mapping[str, Any], *, err: bool = False) -> None:
    """One fact a line; those that are None are left out."""
    print_table(("", ""), [(name, value) for name, value in facts.items() if value is not None], err=err)


class JobProgress:
    """A progress bar of one job on standard error."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, detail="")
        self._reason: str | None = None

    def show(self, job: Mapping[str, Any]) -> None:
        """Draw the job as it is now; why it waits is said once, in a line of its own."""
        progress = job["progress"]
        detail = [f"{progress['segments_done']}/{progress['segments_total']} segments"] if progress["segments_total"] else []
        if progress.get("chapter"):
            detail = [
                f"chapter {progress['chapters_done'] + 1}/{progress['chapters_total']} {logs.visible(progress['chapter'])[:TITLE]}",
                *detail,
            ]
        detail += [f"{progress['audio_seconds']:.1f} s of audio"] if progress["audio_seconds"] else []
        detail += [f"{seconds(progress['eta_seconds'])} left"] if progress["eta_seconds"] else []
        total, done = progress["segments_total"] or None, progress["segments_done"]
        self._bar.update(self._task, description=job["state"], total=total, completed=done, detail=", ".join(detail))
        reason = job["waiting_reason"]
        if reason and reason != self._reason:
            self._bar.console.print(f"waiting: {logs.visible(reason)}", markup=False)
        self._reason = reason


@contextmanager
def job_progress() -> Iterator[JobProgress]:
    """A bar that follows a job through `show`."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    state, detail = TextColumn("{task.description}"), TextColumn("{task.fields[detail]}")
    with Progress(SpinnerColumn(), state, BarColumn(bar_width=30), detail, TimeElapsedColumn(), console=stderr_console()) as bar:
        yield JobProgress(bar)


@contextmanager
def byte_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Bars for transfers, one a file: the function takes the file's name, the bytes that are there and the bytes in all (0: unknown)."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr_console()) as bar:
        tasks: dict[str, TaskID] = {}

        def show(name: str, there: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None)
            bar.update(tasks[name], completed=there, total=total or None)

        yield show


def seconds(value: float | None) -> str | None:
    """0.0042 → 4 ms, 1.234 → 1.23 s, 75 → 75.0 s, 4000 → 66 min 40 s."""
    if value is None:
        return None
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.2f} s"
    if value < 600:
        return f"{value:.1f} s"
    return f"{round(value) // 60} min {round(value) % 60} s"


def size(count: int | None) -> str:
    """Bytes in the unit that a person would use: 63201294 → 63.2 MB."""
    if not count:
        return "unknown size"
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def yes_no(value: bool | None) -> str:
    """True → yes, False → no, None → unknown."""
    return {True: "yes", False: "no", None: "unknown"}[value]
