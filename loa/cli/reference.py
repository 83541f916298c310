"""Writes docs/cli.md out of the commands themselves: `python -m loa.cli.reference > docs/cli.md`. A test compares the two."""

from __future__ import annotations

from collections.abc import Iterator

import click

from loa.cli.app import app

WIDTH = 100  # characters, as the commands themselves use at most
INTRODUCTION = """\
# The command line

Every command finds the server by `LOA_URL` (default `http://127.0.0.1:8298`). Data goes to standard output, as a table or, with `--json`,
as JSON; progress, notes and errors go to standard error. An error is one line that says what happened and one that says what to do;
`LOA_LOG_LEVEL=DEBUG` adds the traceback.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the job failed or was canceled, a check of `loa doctor` or `loa engines verify` failed, or something else went wrong |
| 2 | the command was not understood; nothing was sent |
| 3 | the server cannot be reached |
| 4 | waiting timed out; the job goes on |
| 130 | stopped with Ctrl-C (143: with SIGTERM) |

This file is made by `python -m loa.cli.reference > docs/cli.md`.
"""


def reference() -> str:
    """The whole of docs/cli.md."""
    sections = [f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in help_texts(app, "loa")]
    return "\n".join([INTRODUCTION, *sections])


def help_texts(command: click.Command, path: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """What `--help` says of a command and of all below it."""
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=WIDTH, **command.context_settings)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from help_texts(below, f"{path} {name}", context)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
