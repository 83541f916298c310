"""A voice as it was when a job was accepted: the job speaks with that one, or not at all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pinned:
    name: str
    fingerprint: str  # of everything that makes it sound as it does
    engine: str
