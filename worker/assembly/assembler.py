"""Assembly as work that is claimed: a job's audio, timings and subtitles, made and published.

Everything is written under the claim, and only a claim that the store still knows publishes: whoever was superseded removes its own files.
A book that takes longer than TASK_SECONDS to encode is handed back in between, with what was done kept, so that shutdowns stay short and
other jobs get their turn.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from loa.artifacts import Artifacts
from loa.errors import AssemblyFailed, LoaError, StoreUnavailable
from loa.formats import format_named
from loa.jobs import Job
from loa.store import Batch, Store
from loa.subtitles import Kind
from worker import paths
from worker.assembly.binding import bind
from worker.assembly.making import Effort, Joined, Making
from worker.assembly.segments import SegmentMissing, Shelf, StoredAudio
from worker.assembly.stock import Unfinished
from worker.assembly.transcript import write_transcript
from worker.assembly.workbench import own_folder, remove_leftovers
from worker.completeness import missing_facts, verify
from worker.plans import Plans

WRITERS = 4  # threads that write timings while the audio is written
TASK_SECONDS = 30.0  # of encoding; joining the parts of twenty hours takes about as long again
MOST_THREADS = 4  # that encode: each holds a part in memory
CAPTIONS: tuple[Kind, ...] = ("srt", "vtt")

log = logging.getLogger(__name__)


class Assembler:
    """Makes the audio of jobs whose segments are all spoken. Threads may share one."""

    def __init__(self, store: Store, artifacts: Artifacts, plans: Plans, work_folder: Path, *, loudness: float = 0.0) -> None:
        """`work_folder`: local disk with room for one job's audio; `loudness`: see LOA_LOUDNESS."""
        self._store, self._artifacts, self._plans, self._work_folder, self._loudness = store, artifacts, plans, work_folder, loudness
        self._beside = ThreadPoolExecutor(WRITERS, thread_name_prefix="timings")
        self._threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
        self._encoders = ThreadPoolExecutor(self._threads, thread_name_prefix="encoder")
        work_folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(work_folder)

    def assemble(self, batch: Batch) -> None:
        """Do the assembly that `batch` claims: to its end (published, failed, or its missing segments returned to the speakers), or for as
        long as a task may take."""
        (item,) = batch.items
        job = batch.jobs[item.job_id]
        remove_leftovers(self._work_folder)
        try:
            result = self.make(job, batch.claim, task_seconds=TASK_SECONDS)
        except Unfinished:
            log.info("job %s: a part of its audio is made; the next task goes on", job.id)
            self._store.claims.hand_back(batch.claim, batch.items)
        except SegmentMissing as gap:
            log.warning("job %s: segment %d is gone from the artifact store; it is spoken again", job.id, gap.index)
            self._store.claims.missing(batch.claim, job.id, sorted({gap.index, *self._missing(job)}))
        except StoreUnavailable:
            raise  # nothing can be said to the store; the lease will end
        except LoaError as error:
            log.error("job %s: %s", job.id, error.message)
            self._store.claims.fail(batch.claim, item, error)
        except Exception as error:
            log.exception("job %s: the assembly failed", job.id)
            self._store.claims.fail(batch.claim, item, AssemblyFailed(f"{type(error).__name__}: {error}"))
        else:
            self.publish(batch, result)

    def make(
        self, job: Job, attempt: str, at_hand: Mapping[str, StoredAudio] | None = None, *, task_seconds: float | None = None
    ) -> dict[str, Any]:
        """Write the audio, the timings and the subtitles of a job, and return what to publish.

        `attempt` is the claim under which this is done: no other attempt writes to the same place. `at_hand`: segments by address that are
        in memory anyway. `task_seconds`: after so many a long book is left for another task. Raises Unfinished, SegmentMissing or LoaError.
        """
        effort = None
        if task_seconds is not None:
            effort = Effort(pool=self._encoders, threads=self._threads, until=time.monotonic() + task_seconds)
        form, plan, shelf = format_named(job.format), self._plans.plan(job), Shelf(self._artifacts, at_hand)
        missing = {one.index: one for one in self._store.claims.left_out(job.id)} if job.segments_missing else {}
        making = Making(self._artifacts, job, plan, shelf, form, loudness=self._loudness, missing=missing)
        making.prepare(effort)
        # Of one passage there are no files of subtitles: they are made from its timings when somebody asks for them.
        captions = CAPTIONS if len(plan.segments) > 1 else ()
        written = {
            "path": (paths.audio(job.id, attempt, form.extension), f".{form.extension}"),
            "timings": (paths.timings(job.id, attempt), ".json"),
            **{kind: (paths.subtitles(job.id, attempt, kind), f".{kind}") for kind in captions},
        }
        with own_folder(self._work_folder, job.id) as folder:
            files = {name: folder / f"{name}{extension}" for name, (_, extension) in written.items()}
            samples = bind(making, self._artifacts, files["path"])
            joined = Joined(making)
            write_transcript(joined, making.facts(), files["timings"], {kind: files[kind] for kind in captions})
            verify(len(plan.segments), joined.placed, missing, samples, making.tolerance)
            with files["path"].open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            size = files["path"].stat().st_size
            # All wait for the disk, or for S3.
            beside = [self._beside.submit(self._artifacts.write, written[name][0], files[name]) for name in written if name != "path"]
            self._artifacts.write(written["path"][0], files["path"])
            for one in beside:
                one.result()
        result = {
            "path": written["path"][0],
            "timings": written["timings"][0],
            "sha256": sha256,
            "bytes": size,
            "duration_seconds": round(making.seconds, 3),
            "sample_rate": making.sample_rate,
        }
        extras = {
            "subtitles": {kind: written[kind][0] for kind in captions},
            "chapters": making.chapters(),
            "loudness_lufs": making.loudness,
        }
        return result | {name: value for name, value in extras.items() if value} | missing_facts(missing.values(), plan.segments)

    def publish(self, batch: Batch, result: dict[str, Any]) -> None:
        """End the job with `result`; where another attempt was faster, remove what this one wrote."""
        (item,) = batch.items
        if not self._store.claims.finish(batch.claim, item.job_id, result):
            log.info("job %s: this assembly was superseded", item.job_id)
            self.discard(result)

    def discard(self, result: dict[str, Any]) -> None:
        """Remove what `make` wrote."""
        for path in (result["path"], result["timings"], *result.get("subtitles", {}).values()):
            self._artifacts.delete(path)

    def _missing(self, job: Job) -> Iterator[int]:
        """Every segment whose audio is gone. Parts are made side by side: the first to be missed need not be the first of the book."""
        return (one.index for one in self._plans.segments(job) if not self._artifacts.exists(paths.segment(one.address)))
