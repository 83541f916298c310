"""From a document to segments: what is spoken in one go, by which voice, how long it will be, and where its audio is stored."""

from loa.plan.address import address, canonical_json
from loa.plan.length import estimate
from loa.plan.plan import Origin, Plan, PlannedChapter
from loa.plan.segment import Segment, Shift

__all__ = ["Origin", "Plan", "PlannedChapter", "Segment", "Shift", "address", "canonical_json", "estimate"]
