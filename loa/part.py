"""One program that the supervisor runs: its command line, its process group, what it prints."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loa.tether import tethered

TAIL_LINES = 30  # what is shown of a part that cannot be kept alive
GROUP_SECONDS = 2.0  # SIGKILL takes effect within this, unless the kernel holds the process
POLL_SECONDS = 0.02

Output = Callable[[str, str], None]  # (name of the part, one line without its end); called from the part's own thread


@dataclass(frozen=True, kw_only=True)
class Part:
    """What to run, and how long it may take to end."""

    name: str
    command: tuple[str, ...]
    grace_seconds: float  # from SIGTERM until its whole process group is killed
    stops_first: bool = False  # before the parts that work for it


class RunningPart:
    """A started part, alone in its process group. Its output goes to `output` line by line; the last lines are kept.

    Start it from a thread that outlives it: the kernel kills it when that thread ends (see loa.tether).
    """

    def __init__(self, part: Part, environment: Mapping[str, str], output: Output) -> None:
        self.part = part
        self.started_at = time.monotonic()
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._process = subprocess.Popen(
            tethered(part.command, signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # a group of its own, which Ctrl-C in the terminal does not reach
        )
        self._reader = threading.Thread(target=self._read, args=(output,), name=f"{part.name}-output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.started_at

    def tail(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._lines)

    def terminate(self) -> None:
        """SIGTERM to the part itself, which tells its children as it sees fit."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # a frozen one would not hear the next
            self._process.terminate()

    def clear(self) -> None:
        """Kill what is left of the process group, the part itself included, and read its last lines."""
        group = self._process.pid  # stays the group's name for as long as it has a member
        _signal_group(group, signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + GROUP_SECONDS
        while _signal_group(group, 0) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._reader.join(GROUP_SECONDS)

    def _read(self, output: Output) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip("\r\n")
                self._lines.append(line)
                with contextlib.suppress(OSError):  # nobody listens any more; the part must not block on a full pipe
                    output(self.part.name, line)


def _signal_group(group: int, number: int) -> bool:
    """Whether the group had a process to signal."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS answers so for a group of nothing but zombies
        return False
    return True
