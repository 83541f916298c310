"""Run a program that ends when the process that started it ends, however that ended (Linux; elsewhere it is a plain `exec`).

`tethered(command, signal)` gives the command line. The kernel sends the signal when the *thread* that started the program ends
(PR_SET_PDEATHSIG), so start tethered programs from a thread that outlives them. A launcher of its own is used, not `preexec_fn`,
which is unsafe in a process with threads. This file runs by path, alone: it must import nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def tethered(command: Sequence[str], last_signal: signal.Signals) -> list[str]:
    """The command line that runs `command` and sends it `last_signal` when the thread that started it ends."""
    if sys.platform != "linux":
        return list(command)
    # -I -S: no site-packages, no environment; the launcher is replaced by the program after some 20 ms.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(last_signal)), *command]


def main(arguments: Sequence[str]) -> None:
    parent, last_signal, *command = arguments
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)
    if os.getppid() != int(parent):  # the parent ended before prctl took effect, so no signal will come
        sys.exit(0)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
