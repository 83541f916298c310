"""What a webhook says: the event, when it happened, and the job as GET shows it."""

from __future__ import annotations

import json
from typing import Any

from loa.instants import iso
from loa.jobs import Job, job_json
from loa.standing import Standing
from loa.webhooks.endpoints import TEST_EVENT

MOST_BYTES = 20_000
CUT = ("result.chapters", "result.missing", "metadata", "error", "title")  # what becomes smaller, in this order
SHORT = 200  # characters that are left of a long title or message


def job_payload(job: Job, event: str) -> bytes:
    """The body for a job that has ended: at most MOST_BYTES, and always the same one for the same job.

    Where the job is too large for that, `cut` names the fields of `data` that were emptied or shortened, in this order: the
    chapters and the missing segments of its result, the metadata, then the details and the message of its error, then the title.
    """
    assert job.finished is not None
    data = job_json(job, Standing(now=job.finished))
    cut: list[str] = []
    for name in (None, *CUT):
        if name is not None and _shorten(data, name):
            cut.append(name)
        body = _encode(event, iso(job.finished), data, cut)
        if len(body) <= MOST_BYTES:
            break
    return body


def trial_payload(created: float) -> bytes:
    """The body of a test."""
    return _encode(TEST_EVENT, iso(created), {"message": "This is a test of your webhook endpoint."}, [])


def _encode(event: str, timestamp: str, data: dict[str, Any], cut: list[str]) -> bytes:
    payload = {"type": event, "timestamp": timestamp, "data": data, "cut": cut}
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _shorten(data: dict[str, Any], name: str) -> bool:
    """Make a field small; whether that changed it."""
    outer, _, field = name.rpartition(".")
    holder = data[outer] if outer else data
    whole = None if holder is None else holder[field]
    if not whole:
        return False
    match name:
        case "result.chapters" | "result.missing":
            holder[field] = []
        case "metadata":
            holder[field] = {}
        case "error":
            holder[field] = {"code": whole["code"], "message": whole["message"][:SHORT]}
        case "title":
            holder[field] = whole[:SHORT]
    return bool(holder[field] != whole)
