"""Commands about the service: workers, doctor."""

from __future__ import annotations

from typing import Any

import click

from loa.cli.output import json_option, note, print_json, print_table, seconds, stderr_console


@click.command()
@json_option
def workers(as_json: bool) -> None:
    """Show every worker process: state, device, engines, voices, and how long its start took."""
    from loa.client import Client

    answer = Client().workers()
    if as_json:
        print_json(answer)
        return
    if not answer["workers"]:
        note("no workers; `loa up` starts everything, `loa worker` adds one")
        return
    print_table(("process", "state", "device", "queues", "engines", "voices", "start", "doing"), [_row(slot) for slot in answer["workers"]])
    for voice in sorted({voice for slot in answer["workers"] for voice in slot["skipped"]}):
        note(f"common voice not installed: {voice} (loa voices pull {voice})")
    for name, told in sorted({pair for slot in answer["workers"] for pair in slot["unserved"].items()}):
        note(f"engine not installed: {name} ({told})")
    print_table(
        ("queue", "ready segments", "seconds of compute", "hot processes"),
        [(name, queue["ready_segments"], f"{queue['ready_seconds']:.1f}", queue["hot_slots"]) for name, queue in answer["queues"].items()],
    )


def _row(slot: dict[str, Any]) -> tuple[Any, ...]:
    names = (" ".join(slot[field]) or None for field in ("queues", "engines", "voices"))
    start = seconds(sum(slot["steps"].values())) if slot["steps"] else None
    return slot["id"], slot["state"], slot["device"], *names, start, slot["message"] or None


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this machine: Python, torch, broker, engines, voices, folders, server, Redis.

    Exit code 1 if a check failed.
    """
    from loa.cli.checks import CHECKS
    from loa.settings import Settings

    settings = Settings.load()
    findings = []
    for name, check in CHECKS.items():
        with stderr_console().status(name):
            found = check(settings)
        findings += found
        if not as_json:
            for finding in found:
                click.echo(f"{click.style(f'{finding.verdict:4}', fg=COLOURS[finding.verdict])}  {finding.subject}: {finding.fact}")
                if finding.remedy:
                    click.echo(f"      {finding.remedy}")
    if as_json:
        print_json([finding.to_json() for finding in findings])
    ctx.exit(1 if any(finding.verdict == "fail" for finding in findings) else 0)


COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
