"""What keeping house needs of the store: whose turn it is to sweep, what the jobs still need, what the last sweep found."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loa.states import TERMINAL
from loa.store.database import Database
from loa.store.scripts import milliseconds

PAGE = 1000  # jobs a round trip


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Leave to sweep. Instants are seconds since the epoch (Redis clock)."""

    now: float
    oldest: float | None  # when the oldest job that has not ended was created; None: there is none


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Which files a job needs."""

    finished: float | None  # seconds since the epoch; None: it has not ended
    result: str  # folder of its audio and timings, with its final stroke, or empty
    plan: str  # artifact path, or empty


class House:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, holder: str, interval: float, lease: float) -> Turn | None:
        """Take the turn for `lease` seconds; None: somebody else sweeps, or did so within the interval."""
        granted, now, oldest = self._database.run("sweep_begin", holder, milliseconds(0.8 * interval), milliseconds(lease))
        return Turn(now=now / 1000, oldest=oldest / 1000 if oldest else None) if granted else None

    def go_on(self, holder: str, lease: float) -> bool:
        """Keep the turn for as long again. False: it was lost, and may be another's."""
        return bool(self._database.run("sweep_go_on", holder, milliseconds(lease)))

    def end(self, holder: str, report: Mapping[str, Any]) -> bool:
        """Give the turn back and leave the report. False: it was lost."""
        return bool(self._database.run("sweep_end", holder, json.dumps(report)))

    def report(self) -> dict[str, Any] | None:
        """What the last sweep found and removed (see loa/house/sweep.py); None: there was none yet."""
        raw = self._database.command("hget", self._database.keys.sweeper(), "report")
        return json.loads(raw) if raw else None

    def needs(self, job_ids: Sequence[str]) -> dict[str, Needs]:
        """Of jobs that the store still knows."""
        with self._database.pipeline() as pipeline:
            for job_id in job_ids:
                pipeline.hmget(self._database.keys.job(job_id), "state", "finished", "result", "plan")
            rows = pipeline.execute()
        return {job_id: _needs(*row) for job_id, row in zip(job_ids, rows, strict=True) if row[0]}

    def live(self, claims: Collection[str]) -> set[str]:
        """Those of these claims whose lease has not ended."""
        ordered = list(claims)
        with self._database.pipeline() as pipeline:
            for claim in ordered:
                pipeline.exists(self._database.keys.claim(claim))
            return {claim for claim, there in zip(ordered, pipeline.execute(), strict=True) if there}

    def documents(self) -> set[str]:
        """Artifact paths of the documents and lexicons of all jobs that have not ended."""
        found: set[str] = set()
        for job_ids in self._unfinished():
            with self._database.pipeline() as pipeline:
                for job_id in job_ids:
                    pipeline.hmget(self._database.keys.job(job_id), "document", "lexicon")
                found.update(path for paths in pipeline.execute() for path in paths if path)
        return found

    def _unfinished(self) -> Iterator[list[str]]:
        """Every job that has not ended, in pages. One that is submitted or ends meanwhile may be in them or not."""
        cursor = -1
        while cursor:
            cursor, rows = self._database.command("zscan", self._database.keys.unfinished(), cursor=max(cursor, 0), count=PAGE)
            if rows:
                yield [job_id for job_id, _ in rows]


def _needs(state: str, finished: str | None, result: str | None, plan: str | None) -> Needs:
    audio: str = json.loads(result).get("path", "") if result else ""
    return Needs(
        finished=int(finished or 0) / 1000 if state in TERMINAL else None,
        result=audio[: audio.rfind("/") + 1],
        plan=plan or "",
    )
