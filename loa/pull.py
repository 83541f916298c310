"""`loa voices pull` and `loa engines pull`: bring a bundle's files to this machine, and record their source and their licence.

Files are fetched into LOA_DATA_DIR/voices/.pulling/<name> (`engines` for an engine's) and the whole folder is moved to
LOA_DATA_DIR/voices/<name> once every file is there and checked, so nothing is ever seen half installed. One pull of a bundle runs at
a time; another waits for it and finds it done.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loa.bundles import Bundle, BundleFile
from loa.download import download, full_disk
from loa.errors import NotPullable, StorageFull
from loa.installed import PULL_RECORD, pull_record, sha256_of
from loa.settings import Settings

SPARE = 10_000_000  # bytes that are left free beside the files

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a pull is."""

    file: str  # name of the file that is being fetched
    done: int  # bytes of it that are here
    total: int  # bytes of the whole; 0: unknown


def pull(bundle: Bundle, settings: Settings, *, progress: Callable[[Progress], None] | None = None, force: bool = False) -> Path:
    """Install a bundle and return the folder with its files; the licence is shown by whoever calls this, before.

    One that was pulled before and is whole is left alone, unless `force`. Run again after a failure, it goes on where it stopped.
    Raises NotPullable when the manifest names no addresses, DownloadFailed, ChecksumMismatch or StorageFull.
    """
    kind, name = bundle.kind, bundle.name
    missing = [file.name for file in bundle.files if not file.url]
    if missing or not bundle.files:
        where = f"; see {bundle.source}" if bundle.source else ""
        raise NotPullable(f"the manifest of {kind} {name!r} names no address for {', '.join(missing) or 'any file'}{where}", **{kind: name})
    target = bundle.folder(settings.data_dir)
    workshop = target.parent / ".pulling"
    workshop.mkdir(parents=True, exist_ok=True)
    with full_disk(workshop), _alone(workshop / f"{name}.lock", bundle):
        if not force and is_whole(bundle, target):
            return target
        folder = workshop / name
        folder.mkdir(exist_ok=True)
        _check_room(bundle, folder)
        files = [_bring(file, folder, progress or (lambda _: None)) for file in bundle.files]
        _record(bundle, folder, files)
        _move(folder, target, workshop / f"{name}.old")
    log.info("%s %s is installed in %s; licence: %s", kind, name, target, bundle.licence)
    return target


def is_whole(bundle: Bundle, target: Path) -> bool:
    """Whether the folder holds what a pull of this very manifest put there, going by sizes and the record."""
    recorded = {entry["name"]: entry for entry in pull_record(target).get("files", [])}
    for file in bundle.files:
        entry, path = recorded.get(file.name), target / file.name
        if entry is None or not path.is_file() or path.stat().st_size != entry["size"] or file.sha256 not in ("", entry["sha256"]):
            return False
    return True


def _bring(file: BundleFile, folder: Path, progress: Callable[[Progress], None]) -> dict[str, object]:
    """One file, fetched unless an earlier run has it whole; its entry in the record."""
    path = folder / file.name
    if file.sha256 and path.is_file() and sha256_of(path) == file.sha256:
        digest = file.sha256
    else:
        path.unlink(missing_ok=True)
        digest = download(
            file.url,
            path,
            size=file.size,
            sha256=file.sha256,
            progress=lambda done, total: progress(Progress(file=file.name, done=done, total=total)),
        )
    status = path.stat()
    return {
        "role": file.role,
        "name": file.name,
        "url": file.url,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "sha256": digest,
    }


def _record(bundle: Bundle, folder: Path, files: list[dict[str, object]]) -> None:
    record = {
        bundle.kind: bundle.name,
        "pulled_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": bundle.source,
        "licence": bundle.licence,
        "licence_url": bundle.licence_url,
        "commercial_use": bundle.commercial_use,
        "notice": bundle.notice,
        "files": files,
    }
    for leftover in set(folder.iterdir()) - {folder / file.name for file in bundle.files}:
        leftover.unlink()
    (folder / PULL_RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _move(folder: Path, target: Path, old: Path) -> None:
    """Put the new folder in the place of the old one. Only between two renames neither is there."""
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _check_room(bundle: Bundle, folder: Path) -> None:
    here = sum(path.stat().st_size for path in folder.iterdir())
    needed = bundle.bytes - here + SPARE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageFull(f"{bundle.kind} {bundle.name!r} needs {needed:,} bytes in {folder}, where {free:,} are free")


@contextlib.contextmanager
def _alone(lock: Path, bundle: Bundle) -> Iterator[None]:
    """Hold a lock that the kernel lets go when this process ends, however it ends."""
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process is pulling %s %s; waiting for it", bundle.kind, bundle.name)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
