"""Commands that run the service: up, worker, deliver, api."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from loa.cli.output import note
from loa.errors import PartMissing
from loa.logs import visible

if TYPE_CHECKING:
    from loa.stack import Step

data_dir_type = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--host", help="The address to listen on. Default: LOA_HOST, or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="0: any free port. Default: LOA_PORT, or 8298.")
@click.option("--processes", type=click.IntRange(1, 64), help="Speaking processes per device. Default: LOA_PROCESSES, or 1.")
@click.option("--data-dir", type=data_dir_type, help="Where everything is kept. Default: LOA_DATA_DIR.")
def up(host: str | None, port: int | None, processes: int | None, data_dir: Path | None) -> None:
    """Run everything on this machine: broker, workers, API and webhooks.

    Ctrl-C stops all of it; a second Ctrl-C does so at once.
    """
    from loa.settings import Settings
    from loa.stack import Stack

    settings = Settings.load(host=host, port=port, processes=processes, data_dir=str(data_dir) if data_dir else None)
    with Stack(settings, output=print_line) as stack:
        try:
            stack.wait_until_ready(print_step)
            click.echo(WELCOME.format(url=stack.url))
            sys.stdout.flush()
            stack.wait()
        except KeyboardInterrupt:
            note("\nstopping; Ctrl-C again stops at once")
            raise


WELCOME = """
Loa is ready at {url}

  loa say "Good morning." -o morning.wav

  curl -s '{url}/v1/jobs?wait=60' -H 'Content-Type: application/json' -d '{{"input": "Good morning."}}'
  curl -s -o morning.wav {url}/v1/jobs/ID/audio      (ID: from the answer above)

Ctrl-C stops everything."""


@click.command()
@click.option("--queues", default="speak", show_default=True, metavar="NAMES", help="speak, or plan,assemble, which need no engine.")
def worker(queues: str) -> None:
    """Run one worker: its processes start hot and take work from Redis (LOA_REDIS_URL)."""
    import_part("worker.main", "worker").main(queues)


@click.command()
@click.pass_context
def deliver(ctx: click.Context) -> None:
    """Send webhooks of jobs that have ended, from Redis (LOA_REDIS_URL).

    Without it jobs are spoken all the same, and their webhooks wait. Several may run.
    """
    ctx.exit(import_part("loa.webhooks.courier", "deliver").main())


@click.command()
@click.pass_context
def api(ctx: click.Context) -> None:
    """Run the HTTP server (LOA_HOST, LOA_PORT) on the jobs in Redis (LOA_REDIS_URL)."""
    ctx.exit(import_part("api.server", "api").main())


def import_part(module: str, extra: str) -> ModuleType:
    """A shell around the core, which is installed only where it is used. Raises PartMissing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("loa", "api", "worker"):
            raise  # ours, so it is a defect
        raise PartMissing(f"`loa {extra}` needs {error.name}, which is not installed: pip install 'loa[{extra}]'", part=extra) from error


def print_step(step: Step) -> None:
    """A step of the start."""
    note(f"{step.seconds:6.1f} s  {step.part}: {step.text}")


def print_line(part: str, line: str) -> None:
    """What a part printed."""
    note(f"{click.style(f'{part:>6} |', dim=True)} {visible(line)}")
