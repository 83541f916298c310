"""The process that reads one document: `python -m loa.reading ORDER < document`, started by `loa.reading.apart`.

It loads what it needs, gives up the right to open anything more, and only then looks into the document.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

from loa.errors import DocumentTooLarge, LoaError, UnreadableDocument
from loa.reading import READERS, encoding, load, read
from loa.reading.apart import END, READ, REFUSED
from loa.reading.kinds import TEXTS, Kind, kind_of
from loa.reading.limits import Limits
from loa.reading.packed import pack

LATE: dict[Kind, tuple[str, ...]] = dict.fromkeys(("html", "md", "epub"), ("loa.reading.html5",))  # loaded on the way otherwise


def main(order: str) -> None:
    wish = json.loads(order)
    limits = Limits(**wish["limits"])
    content = sys.stdin.buffer.read()
    answer = sys.stdout.buffer
    try:
        kind = wish["kind"] or kind_of(content, wish["name"])
        for module in (READERS[kind], *LATE.get(kind, ())):
            load(module)
        if not (kind in TEXTS and encoding.is_utf8(content)):
            encoding.prepare()
        confine(limits)
        lines = list(pack(read(content, limits=limits, kind=kind)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the process that asked has to know
        lines = [json.dumps(refusal(error, limits)).encode() + b"\n"]
        answer.write(REFUSED + b"\n")
    else:
        answer.write(READ + b"\n")
    answer.writelines(lines)
    answer.write(END)


def confine(limits: Limits) -> None:
    """From here on no file, no connection and no other process can be opened, and time and memory end. The kernel sees to it."""
    seconds = math.ceil(limits.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for nothing in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE):
        resource.setrlimit(nothing, (0, 0))


def refusal(error: Exception, limits: Limits) -> dict[str, Any]:
    """What the process that asked is told."""
    if isinstance(error, LoaError):
        known = error
    elif isinstance(error, MemoryError):
        known = DocumentTooLarge(f"reading the document takes more than {limits.memory / 1e6:,.0f} MB of memory")
    elif isinstance(error, RecursionError):
        known = DocumentTooLarge("the document is nested too deeply")
    else:
        known = UnreadableDocument(f"the document could not be read ({type(error).__name__})")
        return known.to_json() | {"traceback": "".join(traceback.format_exception(error))}
    return known.to_json()


if __name__ == "__main__":
    main(sys.argv[1])
