"""The files of a bundle as they lie in a folder: which are there, whether they are whole, what their checksums are."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loa.bundles import Bundle, BundleFile

PULL_RECORD = "pulled.json"  # what a pull leaves beside the files: source, date, licence, checksums


def sizes(folder: Path, files: tuple[BundleFile, ...]) -> dict[str, int]:
    """The size in bytes of each file that is there, by its name."""
    found = {}
    for file in files:
        with contextlib.suppress(OSError):
            found[file.name] = (folder / file.name).stat().st_size
    return found


def check(bundle: Bundle, folder: Path, found: dict[str, int], recorded: Mapping[str, int] | None = None) -> None:
    """Look at the sizes that were found: `bundle.absent` is raised for a file that is not there, `bundle.damaged` for a wrong size.

    The size of a file is what the manifest says or, where that does not know it, what was `recorded` when it was pulled.
    """
    kind, name = bundle.kind, bundle.name
    if missing := [file.name for file in bundle.files if file.name not in found]:
        raise bundle.absent(
            f"{kind} {name!r} is not installed ({', '.join(missing)} not found); install it with: loa {kind}s pull {name}",
            **{kind: name},
            missing=missing,
        )
    for file in bundle.files:
        size = file.size or (recorded or {}).get(file.name, found[file.name])
        if found[file.name] != size:
            says = f"the manifest of {kind} {name!r}" if file.size else "the record of its pull"
            raise bundle.damaged(f"{folder / file.name} has {found[file.name]} bytes; {says} says {size}", **{kind: name})


class Digests:
    """The sha256s of files: from the pull record where it knows this very version of the file, else computed, once each."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}  # (path, size, mtime in ns) → sha256

    def of(self, path: Path) -> str:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._known:
            recorded = next((entry for entry in pull_record(path.parent).get("files", []) if entry["name"] == path.name), None)
            same = recorded is not None and (recorded["size"], recorded["mtime_ns"]) == key[1:]
            self._known[key] = recorded["sha256"] if same else sha256_of(path)
        return self._known[key]


def pull_record(folder: Path) -> dict[str, Any]:
    """What a pull recorded in the folder; empty where nothing was pulled."""
    try:
        return json.loads((folder / PULL_RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # a damaged record proves nothing; the files can still be hashed
        return {}


def sha256_of(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
