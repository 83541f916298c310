"""The command itself: help, version, what becomes of errors, and how little it loads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from loa import __version__
from loa.cli.app import App, ExitCode, app, exit_code
from loa.cli.reference import help_texts, reference
from loa.errors import EmptyText, NotReady, ServerUnreachable, WaitTimedOut
from tests.cli.small_server import JOB, SmallServer, job_json

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
HEAVY = ("rich", "urllib3", "redis", "numpy", "soundfile", "torch", "celery", "flask")


def test_version(loa: Callable[..., Result]) -> None:
    assert loa("--version").stdout == f"loa {__version__}\n"


def test_docs_have_the_help_of_every_command() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    for path, text in help_texts(app, "loa"):
        assert f"## `{path}`\n\n```text\n{text}\n```\n" in docs, f"run: python -m loa.cli.reference > docs/cli.md ({path})"
    assert docs == reference()


def test_every_command_and_option_explains_itself() -> None:
    for path, text in help_texts(app, "loa"):
        assert text.count("\n") > 3, path
    for command in all_commands(app):
        assert command.help, command.name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, (command.name, option.name)


def all_commands(command: click.Command) -> list[click.Command]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return [command, *(found for one in below for found in all_commands(one))]


def test_the_docs_name_every_exit_code() -> None:
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCS.read_text(), re.MULTILINE)}
    assert {0, 2, *ExitCode} == named


def test_help_loads_nothing_heavy() -> None:
    program = f"import sys, loa.cli.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_client_command_loads_neither_redis_nor_numpy(server: SmallServer) -> None:
    program = f"""if True:
        import sys
        from loa.cli.app import app
        app(["workers"], standalone_mode=False)
        print([name for name in {HEAVY[2:]!r} if name in sys.modules])
    """
    environment = os.environ | {"LOA_URL": server.url}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["workers", "jobs", "voices list"])
def test_an_unreachable_server(dead_url: str, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("LOA_URL", dead_url)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == ExitCode.UNREACHABLE
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"error: no answer from {dead_url}: Connection refused",
        "Start the service with `loa up`, or set LOA_URL to where it runs.",
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [(EmptyText("x"), 1), (NotReady("x"), 1), (ServerUnreachable("x"), 3), (WaitTimedOut("x"), 4)],
)
def test_exit_codes_of_errors(error: Exception, code: int) -> None:
    assert exit_code(error) == code  # type: ignore[arg-type]


class Raising:
    """A command line whose only command raises."""

    def __init__(self, error: BaseException) -> None:
        self.app = App(name="loa")

        @self.app.command()
        def fall() -> None:
            raise error

    def run(self) -> Result:
        return CliRunner().invoke(self.app, ["fall"])


def test_an_error_is_a_message_and_a_remedy() -> None:
    done = Raising(EmptyText("the text has nothing to say")).run()
    assert done.exit_code == 1
    message, remedy = done.stderr.splitlines()
    assert message == "error: the text has nothing to say"
    assert remedy == EmptyText.remedy()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/etc/out.wav"), "error: /etc/out.wav: Permission denied"),
        (OSError(28, "No space left on device"), "error: No space left on device"),
        (KeyError("voice"), "error: KeyError: 'voice'"),
    ],
)
def test_other_errors_are_told_in_the_same_form(error: Exception, message: str) -> None:
    done = Raising(error).run()
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == message
    assert "Traceback" not in done.stderr


def test_the_traceback_is_there_for_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_LOG_LEVEL", "debug")
    assert "Traceback" in Raising(KeyError("voice")).run().stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c(error: BaseException) -> None:
    done = Raising(error).run()
    assert done.exit_code == 130
    assert done.stderr.strip() == "stopped"


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_PORT", "eighty")
    done = CliRunner().invoke(app, ["workers"])
    assert done.exit_code == 1
    assert "LOA_PORT is 'eighty'" in done.stderr


def test_a_missing_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)  # importing it raises ModuleNotFoundError
    for name in [name for name in sys.modules if name == "api" or name.startswith("api.")]:
        monkeypatch.delitem(sys.modules, name)
    done = CliRunner().invoke(app, ["api"])
    assert done.exit_code == 1
    assert "needs flask, which is not installed: pip install 'loa[api]'" in done.stderr


@pytest.mark.parametrize("arguments", [["jobs"], ["jobs", "--json"]])
def test_a_reader_that_has_left_gets_no_complaint(server: SmallServer, arguments: list[str]) -> None:
    server.jobs = {JOB: [job_json()]}
    reading, writing = os.pipe()
    os.close(reading)
    environment = os.environ | {"LOA_URL": server.url}
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run([sys.executable, "-m", "loa", *arguments], stdout=pipe, stderr=subprocess.PIPE, env=environment, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
