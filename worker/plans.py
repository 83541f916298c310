"""Plans as artifacts: the segments of a long text, and the few plans that a process keeps in memory."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing
from loa.jobs import Job
from loa.plan import Segment

KEPT_SEGMENTS = 200_000  # of all plans in memory: two or three of the longest texts, about 100 MB


def pack_plan(segments: Sequence[Segment]) -> bytes:
    return json.dumps([segment.to_json() for segment in segments], ensure_ascii=False).encode()


def unpack_plan(data: bytes) -> tuple[Segment, ...]:
    return tuple(Segment.from_json(entry) for entry in json.loads(data))


class Plans:
    """The segments of jobs. Threads may share one."""

    def __init__(self, artifacts: Artifacts, *, kept_segments: int = KEPT_SEGMENTS) -> None:
        self._artifacts, self._kept_segments = artifacts, kept_segments
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Segment, ...]] = OrderedDict()

    def segments(self, job: Job) -> tuple[Segment, ...]:
        """All segments of a job, in order. Raises ArtifactMissing when its plan is gone."""
        if job.segment is not None:
            return (job.segment,)
        if job.plan is None:
            raise ArtifactMissing(f"job {job.id} has no plan")
        with self._lock:
            if job.plan in self._kept:
                self._kept.move_to_end(job.plan)
                return self._kept[job.plan]
        segments = unpack_plan(self._artifacts.read(job.plan))
        with self._lock:
            self._kept[job.plan] = segments
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._kept_segments:
                self._kept.popitem(last=False)
        return segments
