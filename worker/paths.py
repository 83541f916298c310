"""Where a worker's artifacts lie (the legend is in loa/artifacts.py)."""

from __future__ import annotations


def segment(address: str) -> str:
    """The audio of a segment, shared by every job that says the same."""
    return f"segments/{address[:2]}/{address}.zip"


def audio(job_id: str, claim: str, extension: str) -> str:
    """A job's audio. The claim is part of it: a superseded worker never writes where another's result lies."""
    return f"jobs/{job_id}/{claim}/audio.{extension}"


def timings(job_id: str, claim: str) -> str:
    return f"jobs/{job_id}/{claim}/timings.json"


def plan(job_id: str, claim: str) -> str:
    return f"plans/{job_id}/{claim}.json"


def measure(part: str) -> str:
    """What is known of a part of a book, under the part's address (worker/assembly/parts.py)."""
    return f"parts/{part[:2]}/{part}.json"


def packets(encoded: str) -> str:
    """A part of a book as it is encoded, under its own address."""
    return f"parts/{encoded[:2]}/{encoded}.packets"


def subtitles(job_id: str, claim: str, extension: str) -> str:
    return f"jobs/{job_id}/{claim}/subtitles.{extension}"
