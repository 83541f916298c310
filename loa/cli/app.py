"""The command `loa`: its sub-commands, and what becomes of an error.

Whatever goes wrong ends as one or two lines on standard error (what happened, what to do) and an exit code. The command modules import
heavy libraries only inside their functions, so that `loa --help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum
from typing import Any

import click

from loa import __version__
from loa.cli import deliveries, demo, diagnosis, engines, jobs, keys, narrating, stack, voices, webhooks
from loa.errors import LoaError, ServerUnreachable, WaitTimedOut
from loa.logs import visible
from loa.urls import shown

EXIT_CODES = """\b
Exit codes:
  0    done
  1    the job failed, or something else went wrong
  2    the command was not understood
  3    the server cannot be reached
  4    waiting timed out; the job goes on
  130  stopped with Ctrl-C"""


class ExitCode(IntEnum):
    FAILED = 1
    UNREACHABLE = 3
    TIMED_OUT = 4
    INTERRUPTED = 130  # 128 + SIGINT, as shells count


class App(click.Group):
    """A click group that turns every error into a message with a remedy and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)  # in the order below, not of the alphabet

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            self._leave(ctx, ExitCode.INTERRUPTED, "stopped")
        except BrokenPipeError:  # the reader of our output has gone, as in `loa jobs | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains once more when it flushes
            ctx.exit(ExitCode.FAILED)
        except LoaError as error:
            self._leave(ctx, exit_code(error), error.message, error.remedy())
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._leave(ctx, ExitCode.FAILED, f"{where}{error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - the outermost handler: a defect of ours, told in the same form
            remedy = "Run it again with LOA_LOG_LEVEL=DEBUG and report what it prints."
            self._leave(ctx, ExitCode.FAILED, f"{type(error).__name__}: {error}", remedy)

    def _leave(self, ctx: click.Context, code: ExitCode, message: str, remedy: str = "") -> None:
        if os.environ.get("LOA_LOG_LEVEL", "").strip().upper() == "DEBUG":
            click.echo(shown(traceback.format_exc()), err=True)
        message = visible(shown(message))
        click.echo(f"{click.style('error:', fg='red', bold=True)} {message}" if code != ExitCode.INTERRUPTED else message, err=True)
        if remedy:
            click.echo(remedy, err=True)
        ctx.exit(code)


def exit_code(error: LoaError) -> ExitCode:
    """The exit code that tells scripts about `error`."""
    if isinstance(error, ServerUnreachable):
        return ExitCode.UNREACHABLE
    return ExitCode.TIMED_OUT if isinstance(error, WaitTimedOut) else ExitCode.FAILED


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="loa", message="%(prog)s %(version)s")
def app() -> None:
    """Loa turns text into speech: submit a sentence or a whole book, get finished audio.

    `loa up` starts the service on this machine; the other commands find it by LOA_URL.
    """
    from loa.cli.output import log_to_stderr

    log_to_stderr()


for command in (
    *(stack.up, stack.worker, stack.deliver, stack.api, demo.demo),
    *(jobs.say, narrating.narrate, narrating.preview, jobs.submit, jobs.status, jobs.wait, jobs.cancel, jobs.jobs),
    *(voices.voices, engines.engines, keys.keys, webhooks.webhooks, deliveries.deliveries),
    *(diagnosis.workers, diagnosis.doctor),
):
    app.add_command(command)
for command in (deliveries.test_endpoint, deliveries.show_secret):
    webhooks.webhooks.add_command(command)
