"""Where the files of an assembly are made: a folder of its own on the local disk, which does not outlive its process for long.

A folder is locked as long as its process makes something in it. The lock goes with the process, however that ends, so what can be locked is
of a dead one. A file's age would say less: a book on a slow disk is written for longer than a killed one should fill the disk.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

LEFTOVER_AGE = 3600.0  # seconds; of the files that earlier versions left beside the folders, which nobody locks


@contextmanager
def own_folder(work_folder: Path, name: str) -> Iterator[Path]:
    """A new folder whose name begins with `name`; gone afterwards, with whatever is in it."""
    with ExitStack() as stack:
        with _locked(work_folder):  # so that nobody takes it for a leftover before it is locked
            folder = work_folder / f"{name}-{secrets.token_hex(4)}"
            folder.mkdir()
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(_locked(folder))
        yield folder


def remove_leftovers(work_folder: Path) -> None:
    """Remove what dead processes of this host left behind."""
    with _locked(work_folder):
        for path in work_folder.iterdir():
            with suppress(FileNotFoundError, BlockingIOError):
                if path.is_dir():
                    with _locked(path, fcntl.LOCK_NB):
                        shutil.rmtree(path, ignore_errors=True)
                elif time.time() - path.stat().st_mtime > LEFTOVER_AGE:
                    path.unlink()


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    """Hold a folder's lock. With fcntl.LOCK_NB raises BlockingIOError where another has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(handle)
