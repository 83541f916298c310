"""A tethered program dies with the thread that started it, and is the program itself (same process id)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from loa.tether import tethered

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the tether is a Linux feature; elsewhere the program is started plainly")


def test_it_runs_the_program_with_its_arguments_and_exit_code() -> None:
    program = [sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b", ""]
    ended = subprocess.run(tethered(program, signal.SIGTERM), check=False, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout.strip()) == (7, "['a b', '']")


def test_the_program_takes_the_launchers_place() -> None:
    child = subprocess.Popen(
        tethered([sys.executable, "-c", "import os; print(os.getpid())"], signal.SIGTERM), stdout=subprocess.PIPE, text=True
    )
    answer, _ = child.communicate(timeout=30)
    assert int(answer) == child.pid


@linux_only
def test_the_signal_comes_when_the_starting_thread_ends() -> None:
    children: list[subprocess.Popen[bytes]] = []
    program = [sys.executable, "-c", "import sys, threading; print('up', flush=True); threading.Event().wait()"]

    def start() -> None:
        child = subprocess.Popen(tethered(program, signal.SIGTERM), stdout=subprocess.PIPE)
        assert child.stdout is not None
        children.append(child)
        child.stdout.readline()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(30)
    with children[0] as child:
        assert child.wait(30) == -signal.SIGTERM


@linux_only
def test_a_program_whose_parent_is_gone_does_not_start() -> None:
    command = tethered([sys.executable, "-c", "print('started')"], signal.SIGTERM)
    command[command.index(str(os.getpid()))] = "1"  # not our parent: as if it had died before the launcher ran
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "")
