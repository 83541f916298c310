"""The plans that a process keeps in memory: a speaker asks for the same one batch after batch."""

from __future__ import annotations

import threading
from collections import OrderedDict

from loa.artifacts import Artifacts
from loa.errors import ArtifactMissing
from loa.jobs import Job
from loa.plan import Plan, Segment

KEPT_SEGMENTS = 200_000  # of all plans in memory: two or three of the longest texts, about 100 MB


class Plans:
    """The plans of jobs. Threads may share one."""

    def __init__(self, artifacts: Artifacts, *, kept_segments: int = KEPT_SEGMENTS) -> None:
        self._artifacts, self._kept_segments = artifacts, kept_segments
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Plan] = OrderedDict()

    def plan(self, job: Job) -> Plan:
        """What a job speaks. Raises ArtifactMissing when its plan is gone, ValueError or TypeError when it is damaged."""
        if job.segment is not None:
            return Plan(segments=(job.segment,))
        if job.plan is None:
            raise ArtifactMissing(f"job {job.id} has no plan")
        with self._lock:
            if job.plan in self._kept:
                self._kept.move_to_end(job.plan)
                return self._kept[job.plan]
        plan = Plan.unpack(self._artifacts.read(job.plan))
        with self._lock:
            self._kept[job.plan] = plan
            while len(self._kept) > 1 and sum(len(kept.segments) for kept in self._kept.values()) > self._kept_segments:
                self._kept.popitem(last=False)
        return plan

    def segments(self, job: Job) -> tuple[Segment, ...]:
        """All segments of a job, in order. Raises what `plan` raises."""
        return self.plan(job).segments
