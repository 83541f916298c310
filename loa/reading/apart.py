"""A document from a stranger, read in a process of its own (`python -m loa.reading`) that may do nothing else.

Parsers are large, and some are written in C; a document that breaks one breaks that process and no other. Before it looks into the document
it gives up the right to open anything: no file, no connection, no program. Time and memory have limits that the kernel keeps. It has no
environment and so knows no secret, and it ends with the process that asked.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import loa
from loa.errors import DocumentTooLarge, LoaError, UnreadableDocument, error_kinds
from loa.reading.document import Document
from loa.reading.kinds import Kind
from loa.reading.limits import Limits
from loa.reading.packed import unpack
from loa.tether import tethered

KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME")  # of the environment: what finds Python and its libraries
WALL = 2.0  # seconds that may pass for each second of work: the machine does other things, too
READ, REFUSED, END = b"read", b"refused", b"end\n"  # the first line of an answer, and its last
ENCODED = 8  # bytes that a character of text takes in the answer, at most
ABORTED = ("SIGABRT", "SIGTRAP")  # how PDFium and other libraries in C end when they are refused memory
BLOCK = 64  # bytes around a block's text

log = logging.getLogger(__name__)


def read_apart(path: Path, name: str = "", limits: Limits | None = None, *, kind: Kind | None = None) -> Document:
    """As `loa.reading.read`, of a file, and with the same errors; UnreadableDocument, too, for one that the reader died of."""
    limits = limits or Limits()
    order = json.dumps({"name": name, "kind": kind, "limits": dataclasses.asdict(limits)})
    command = tethered([sys.executable, "-m", "loa.reading", order], signal.SIGKILL)
    most = ENCODED * limits.characters + BLOCK * limits.blocks + 2 * limits.entry_bytes  # the last: a cover
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with path.open("rb") as document, subprocess.Popen(command, stdin=document, **streams, cwd="/", env=_environment()) as child:
        assert child.stdout is not None
        deadline = threading.Timer(WALL * limits.seconds, child.kill)
        deadline.start()
        try:
            answer = child.stdout.read(most)
        finally:
            deadline.cancel()
            child.kill()  # it has ended, or says more than any document could
    kind_of_answer, _, rest = answer.partition(b"\n")
    if not rest.endswith(END):
        raise _died(child.returncode, limits) if len(answer) < most else UnreadableDocument("the document says more than it can hold")
    try:
        if kind_of_answer == READ:
            return unpack(rest.removesuffix(END))
        error = json.loads(rest.removesuffix(END))
    except ValueError:
        raise UnreadableDocument("the document is damaged: what was read of it makes no sense") from None
    raise _refusal(error)


def _died(status: int, limits: Limits) -> UnreadableDocument:
    cause = signal.Signals(-status).name if status < 0 else f"exit code {status}"
    if cause in ("SIGXCPU", "SIGKILL"):
        return DocumentTooLarge(f"reading the document takes more than {limits.seconds:g} s, or more memory than there is")
    log.error("the process that read a document died of it (%s)", cause)
    if cause in ABORTED:
        return DocumentTooLarge(f"reading the document needs more than {limits.memory / 1e6:,.0f} MB of memory ({cause})")
    return UnreadableDocument(f"the document is damaged, or needs more than {limits.memory / 1e6:,.0f} MB of memory ({cause})")


def _refusal(error: dict[str, Any]) -> LoaError:
    if "traceback" in error:
        log.error("a document could not be read:\n%s", error["traceback"])
    kind = error_kinds().get(error["code"], UnreadableDocument)
    return kind(error["message"], **error.get("details", {}))


def _environment() -> dict[str, str]:
    """So that the child finds this very Loa, whether it is installed or run from its sources, and nothing in the folder where it runs."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(loa.__file__).parents[1]), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
