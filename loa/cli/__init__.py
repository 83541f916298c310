"""The command line. `main` is what the program `loa` runs."""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from loa.cli.app import app

    app(prog_name="loa")
