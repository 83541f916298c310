"""One pass over the artifact store: count everything, remove what nobody needs.

- jobs/: audio and timings of an ended job for LOA_AUDIO_DAYS; what a superseded claim wrote, for as long as its writer may be alive.
- segments/ and parts/ (of books, encoded): the least recently used beyond LOA_SEGMENT_CACHE_BYTES, all together, but none that was used
  since the oldest unfinished job was created.
- plans/, documents/: until their last job has ended; the list of chapters beside a plan as long as the audio.
- what killed writers left behind.

Files whose job the store does not know are kept for as long as its audio would be: a Redis that lost its data takes none with it. A reader
that has a file open reads it to its end (POSIX), and one that comes too late for a segment has it spoken anew.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from loa.artifacts import LEFTOVER_AGE, USED_EVERY, Artifacts, Stored
from loa.errors import ArtifactMissing
from loa.plan.listing import CHAPTERS
from loa.settings import Settings
from loa.store import House, Needs, Turn

log = logging.getLogger(__name__)

KINDS = {
    "segments": "segments",
    "parts": "parts",
    "jobs": "audio",
    "plans": "plans",
    "documents": "documents",
    "voices": "voices",
}  # by folder
CACHES = ("segments", "parts")  # what can be made again
BATCH = 500  # files whose jobs are asked for together
WRITER_AGE = 3600.0  # seconds: whoever lost a claim writes for no longer
SKEW = 600.0  # seconds that the clocks of machines and of Redis may differ
DAY = 86400.0

T = TypeVar("T")


class SweepLost(Exception):
    """This process lost its turn; another may sweep by now."""


@dataclass(kw_only=True)
class Tally:
    """Of one kind of artifact: what is there after the sweep, and what the sweep removed."""

    files: int = 0
    bytes: int = 0
    removed_files: int = 0
    removed_bytes: int = 0

    def count(self, size: int) -> None:
        self.files += 1
        self.bytes += size

    def remove(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        self.removed_files += 1
        self.removed_bytes += size


class Sweep:
    """Made anew for every turn."""

    def __init__(
        self, artifacts: Artifacts, house: House, settings: Settings, turn: Turn, go_on: Callable[[], None] = lambda: None
    ) -> None:
        """`go_on` is called again and again; it raises SweepLost when the turn is over."""
        self._artifacts, self._house, self._settings, self._turn, self._go_on = artifacts, house, settings, turn, go_on
        self._tallies = {kind: Tally() for kind in KINDS.values()}
        # Audio and its job's record end together where the record's time is the shorter one.
        self._keep = min(settings.audio_days, settings.job_retention_days) * DAY

    def run(self) -> dict[str, Any]:
        """Sweep; what was found and removed, as JSON. Raises SweepLost, StorageUnavailable, StoreUnavailable."""
        began = time.monotonic()
        self._sweep("jobs", self._audio_goes)
        self._sweep("plans", self._plan_goes)
        self._sweep_documents()
        self._sweep_caches()
        for stored in self._files("voices"):
            self._tallies["voices"].count(stored.size)
        leftovers = self._artifacts.remove_leftovers(LEFTOVER_AGE)
        report = {
            "at": self._turn.now,
            "seconds": round(time.monotonic() - began, 3),
            "leftovers": leftovers,
            "kinds": {kind: asdict(tally) for kind, tally in self._tallies.items()},
        }
        log.info("%s", in_words(report))
        return report

    # --- files of jobs

    def _sweep(self, folder: str, goes: Callable[[Stored, Needs | None], bool]) -> None:
        """Remove the files of a folder with one subfolder a job that `goes` says nobody needs, unless a living claim writes them."""
        tally = self._tallies[KINDS[folder]]
        for batch in _batches(self._files(folder), BATCH):
            for stored in batch:
                tally.count(stored.size)
            needs = self._house.needs(sorted({_job(stored) for stored in batch}))
            gone = [stored for stored in batch if goes(stored, needs.get(_job(stored)))]
            live = self._house.live({_claim(stored) for stored in gone})
            for stored in gone:
                if _claim(stored) not in live and self._artifacts.delete(stored.path):
                    tally.remove(stored.size)

    def _audio_goes(self, stored: Stored, needs: Needs | None) -> bool:
        if needs is None:
            return self._age(stored) > self._keep
        if needs.result and stored.path.startswith(needs.result):
            assert needs.finished is not None  # a result is what a job ends with
            return self._turn.now - needs.finished > self._keep
        return self._age(stored) > WRITER_AGE

    def _plan_goes(self, stored: Stored, needs: Needs | None) -> bool:
        if needs is None:
            return self._age(stored) > self._keep
        current = needs.plan != "" and stored.path.startswith(needs.plan.removesuffix(".json"))
        if current and needs.finished is not None and stored.path.endswith(CHAPTERS):  # people may ask for it as long as for the audio
            return self._turn.now - needs.finished > self._keep
        return not (current and needs.finished is None) and self._age(stored) > WRITER_AGE

    # --- files that jobs share

    def _sweep_documents(self) -> None:
        """A submission stores its document, or uses the one that is there, before the store knows of the job."""
        tally, needed = self._tallies["documents"], self._house.documents()
        age = USED_EVERY + WRITER_AGE
        for stored in self._files("documents"):
            tally.count(stored.size)
            if stored.path not in needed and self._age(stored) > age and self._unused(stored, age) and self._artifacts.delete(stored.path):
                tally.remove(stored.size)

    def _unused(self, stored: Stored, age: float) -> bool:
        """Whether it was not used since it was listed either."""
        try:
            return self._age(self._artifacts.look(stored.path)) > age
        except ArtifactMissing:
            return False

    def _sweep_caches(self) -> None:
        """Two walks and no list: the first weighs what was used in which hour, the second removes the oldest hours."""
        hours = Counter[int]()
        for tally, stored in self._cached():
            tally.count(stored.size)
            hours[_hour(stored)] += stored.size
        excess = sum(hours.values()) - self._settings.segment_cache_bytes
        if excess <= 0:
            return
        used_since = min(self._turn.now, self._turn.oldest or self._turn.now) - USED_EVERY - SKEW
        last = _hour_that_frees(hours, excess)
        of_last = excess - sum(size for hour, size in hours.items() if hour < last)  # what is to go of the last hour
        for tally, stored in self._cached():
            if stored.modified >= used_since or _hour(stored) > last or (_hour(stored) == last and of_last <= 0):
                continue
            if self._artifacts.delete(stored.path):
                tally.remove(stored.size)
                of_last -= stored.size if _hour(stored) == last else 0

    def _cached(self) -> Iterator[tuple[Tally, Stored]]:
        for folder in CACHES:
            for stored in self._files(folder):
                yield self._tallies[KINDS[folder]], stored

    def _files(self, folder: str) -> Iterator[Stored]:
        for place, stored in enumerate(self._artifacts.walk(folder)):
            if place % BATCH == 0:
                self._go_on()
            yield stored

    def _age(self, stored: Stored) -> float:
        return self._turn.now - stored.modified


def in_words(report: dict[str, Any]) -> str:
    """One line about a sweep."""
    kinds = report["kinds"]
    removed = ", ".join(
        f"{tally['removed_files']} {kind} ({tally['removed_bytes'] / 1e6:.1f} MB)"
        for kind, tally in kinds.items()
        if tally["removed_files"]
    )
    kept = ", ".join(f"{tally['files']} {kind} ({tally['bytes'] / 1e6:.1f} MB)" for kind, tally in kinds.items() if tally["files"])
    leftovers = f"; {report['leftovers']} unfinished files" if report["leftovers"] else ""
    return f"swept in {report['seconds']:.2f} s; removed: {removed or 'nothing'}{leftovers}; kept: {kept or 'nothing'}"


def _hour(stored: Stored) -> int:
    return int(stored.modified // USED_EVERY)


def _hour_that_frees(hours: Counter[int], excess: int) -> int:
    """The last of the hours that have to go, the oldest first, to free so many bytes."""
    for hour in sorted(hours):
        excess -= hours[hour]
        if excess <= 0:
            return hour
    return max(hours)


def _job(stored: Stored) -> str:
    """Of jobs/JOB/CLAIM/…, plans/JOB/CLAIM.json and plans/JOB/CLAIM/…"""
    return _part(stored, 1)


def _claim(stored: Stored) -> str:
    return _part(stored, 2).removesuffix(".json")


def _part(stored: Stored, place: int) -> str:
    """A part of its path; of a file that Loa did not put there it may be missing."""
    return dict(enumerate(stored.path.split("/"))).get(place, "")


def _batches(entries: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
