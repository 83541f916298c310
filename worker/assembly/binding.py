"""From the parts of a job to the file that is delivered, with what it says of itself: title, author, cover, chapters."""

from __future__ import annotations

import secrets
import zipfile
from pathlib import Path

from loa.artifacts import Artifacts
from loa.audio import encode_blocks
from loa.errors import ArtifactMissing
from worker.assembly.files import new_file, samples_of, write_flac, write_mp4, write_packets
from worker.assembly.labels import Labels
from worker.assembly.making import Making
from worker.assembly.pictures import Picture, picture
from worker.assembly.timeline import Volume

MOST_COVER = 8_000_000  # bytes: a larger picture is left out
NAME_LIMIT = 80  # characters of a chapter's title in the name of its file
COPIED = 1 << 20  # bytes at once

_KEPT_MARKS = " .,()-'"


def bind(making: Making, artifacts: Artifacts, target: Path) -> int:
    """Write the file of a job that is prepared. Returns how many samples of audio it says that it holds.

    Raises StorageFull, SegmentMissing, Unfinished.
    """
    cover = _cover(making.plan.document.cover, artifacts)
    if making.format.name == "zip":
        return _write_zip(making, cover, target)
    (volume,) = making.volumes
    chapters = tuple(making.marks(volume))
    language = making.plan.document.language
    labels = Labels(title=_title(making), author=_author(making), language=language, cover=cover, chapters=chapters)
    return _write(making, volume, labels, target)


def _write(making: Making, volume: Volume, labels: Labels, target: Path) -> int:
    if making.encoder is None:
        if making.format.coding == "flac":
            write_flac(target, making.samples(volume), making.sample_rate, labels)
        else:
            found = labels.tags() if making.format.coding == "vorbis" else {}  # a WAV file stays what every reader knows
            tags = {name: value for name, value in found.items() if name in ("title", "artist", "album")}
            encode_blocks(making.samples(volume), making.sample_rate, making.format, target, samples=volume.samples, tags=tags)
    elif making.format.coding == "aac":
        audiobook = making.format.name == "m4b"
        write_mp4(target, making.encoder, making.pieces(volume), volume.packets, volume.samples, labels, audiobook=audiobook)
    else:
        container = "mp3" if making.format.coding == "mp3" else "ogg"
        write_packets(target, container, making.encoder, making.pieces(volume), volume.packets, volume.samples, labels)
    return samples_of(target, making.encoder)


def _write_zip(making: Making, cover: Picture | None, target: Path) -> int:
    """One file a chapter, numbered; not compressed a second time."""
    language, of, samples = making.plan.document.language, len(making.volumes), 0
    piece = target.with_name(f"{target.stem}-{secrets.token_hex(4)}.mp3")
    try:
        with new_file(target) as sink, zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]  # it has what is asked of it
            for number, volume in enumerate(making.volumes, 1):
                chapter = making.parts[volume.first].chapter
                title = _title(making) if chapter is None else making.plan.chapters[chapter].title
                album = None if chapter is None else _title(making)
                labels = Labels(title=title, author=_author(making), album=album, track=(number, of), language=language, cover=cover)
                samples += _write(making, volume, labels, piece)
                entry = zipfile.ZipInfo(_file_name(number, of, title))
                entry.file_size = piece.stat().st_size
                with piece.open("rb") as source, archive.open(entry, "w") as copy:
                    while block := source.read(COPIED):
                        copy.write(block)
                        sink.check(target)
    finally:
        piece.unlink(missing_ok=True)
    return samples


def _title(making: Making) -> str | None:
    return making.job.title or making.plan.document.title


def _author(making: Making) -> str | None:
    return making.job.author or making.plan.document.author


def _file_name(number: int, of: int, title: str | None) -> str:
    kept = "".join(letter if letter.isalnum() or letter in _KEPT_MARKS else "_" for letter in title or "")[:NAME_LIMIT].strip(" ._")
    return f"{number:0{max(2, len(str(of)))}} {kept}".strip() + ".mp3"


def _cover(path: str | None, artifacts: Artifacts) -> Picture | None:
    """None where there is none, or none that a player would show."""
    if path is None:
        return None
    try:
        return picture(artifacts.read(path)) if artifacts.size(path) <= MOST_COVER else None
    except ArtifactMissing:
        return None
