"""What a webhook says: the event, when it happened, and the job as GET shows it."""

from __future__ import annotations

import json
from typing import Any

from loa.instants import iso
from loa.jobs import Job, job_json
from loa.standing import Standing
from loa.webhooks.endpoints import TEST_EVENT

MOST_BYTES = 20_000
SHORT = 200  # characters that are left of a long title or message


def job_payload(job: Job, event: str) -> bytes:
    """The body for a job that has ended: at most MOST_BYTES, and always the same one for the same job.

    Where the job is too large for that, `cut` names the fields of `data` that were emptied or shortened, in this order: the
    metadata, then the details and the message of its error, then the title.
    """
    assert job.finished is not None
    data = job_json(job, Standing(now=job.finished))
    cut: list[str] = []
    for name in (None, "metadata", "error", "title"):
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
    whole = data[name]
    if name == "metadata":
        data[name] = {}
    elif name == "error" and whole is not None:
        data[name] = {"code": whole["code"], "message": whole["message"][:SHORT]}
    elif name == "title" and whole is not None:
        data[name] = whole[:SHORT]
    return bool(data[name] != whole)
