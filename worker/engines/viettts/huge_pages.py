"""Memory that is read from end to end, on pages of 2 MB instead of 4 kB.

A processor reads ahead as far as a page reaches, and looks up where the next one is. Weights of half a gigabyte that are read for every
token are read a quarter faster so. Whoever allocates can ask for huge pages; FBGEMM, which holds the weights, does not. Linux 6.1 can also
move what is there already (madvise, MADV_COLLAPSE). Where that cannot be had, all stays as it is.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

MADV_COLLAPSE = 25
LEAST = 16 << 20  # bytes of a mapping that is worth it
ALLOWED, SIZE = (Path("/sys/kernel/mm/transparent_hugepage", name) for name in ("enabled", "hpage_pmd_size"))


def collapse() -> int:
    """Move this process's large memory onto huge pages. → bytes that lie on them now; 0 where the system cannot or must not."""
    if sys.platform != "linux" or not SIZE.is_file() or "[never]" in ALLOWED.read_text(encoding="ascii"):
        return 0
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    pieces = large(maps, page=int(SIZE.read_text(encoding="ascii")))
    moved = sum(end - start for start, end in pieces if not madvise(start, end - start, MADV_COLLAPSE))
    log.info("%.2f GB of memory lie on huge pages", moved / 1e9)
    return moved


def large(maps: str, page: int) -> Iterator[tuple[int, int]]:
    """/proc/self/maps → start and end, in whole huge pages, of each large piece of memory that is this process's own."""
    for line in maps.splitlines():
        addresses, access, _, _, _, *name = line.split()
        if access == "rw-p" and not name:
            start, end = (int(address, 16) for address in addresses.split("-"))
            start, end = -(-start // page) * page, end // page * page
            if end - start >= LEAST:
                yield start, end
