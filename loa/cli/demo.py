"""The command demo: a whole service for the length of one job, to see and hear that it works."""

from __future__ import annotations

import collections
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import click

from loa.cli.jobs import check_folder, chosen_voice, follow, format_of, target_type
from loa.cli.output import byte_progress, json_option, note, print_facts, print_json, seconds, size
from loa.cli.stack import data_dir_type, print_step
from loa.errors import LoaError
from loa.settings import Settings

TEXT = (
    "Good morning. This is a loudspeaker that runs on your own machine. Every worker loads its model once, when it starts. "
    "After that each sentence is spoken at once, many times faster than anyone could read it."
)
TAIL_LINES = 30  # of what the parts printed; shown when something failed


@click.command()
@click.option("--text", default=TEXT, show_default=False, help="What to say. Default: a few words about Loa.")
@click.option("--voice", metavar="NAME", help="Default: by the language of the text.")
@click.option("-o", "--output", "target", type=target_type, default=Path("demo.wav"), show_default=True, help="The audio file to write.")
@click.option("--data-dir", type=data_dir_type, help="Keep everything there. Default: a temporary folder, removed at the end.")
@json_option
def demo(text: str, voice: str | None, target: Path, data_dir: Path | None, as_json: bool) -> None:
    """Start a service of its own, speak a text, show what it took, and stop again."""
    check_folder(target)
    format_ = format_of(target)
    with tempfile.TemporaryDirectory(prefix="loa-demo-") as scratch:
        settings = private_settings(data_dir or Path(scratch))
        job, start = run(settings, text, voice, format_, target)
    report(job, start, target, as_json)


def private_settings(data_dir: Path) -> Settings:
    """A service that meets no other: broker and artifacts of its own in `data_dir`, any free port; it shares the voices of this machine."""
    usual = Path(Settings.load().data_dir)
    settings = Settings.load(data_dir=str(data_dir), redis_url="", artifacts="", host="127.0.0.1", port=0)
    voices = Path(settings.data_dir) / "voices"
    if (usual / "voices").is_dir() and not voices.exists():
        voices.parent.mkdir(parents=True, exist_ok=True)
        voices.symlink_to(usual / "voices")
    return settings


def run(settings: Settings, text: str, voice: str | None, format_: str, target: Path) -> tuple[dict[str, Any], float]:
    """The ended job, its audio written, and the seconds that the start of the service took."""
    from loa.client import Client, error_of
    from loa.stack import Stack

    lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
    began = time.monotonic()
    note("starting broker, workers and API")
    try:
        with Stack(settings, output=lambda part, line: lines.append(f"{part:>6} | {line}")) as stack:
            stack.wait_until_ready(print_step, seconds=settings.start_limit + 30)
            start = time.monotonic() - began
            client = Client(stack.url)
            voice = voice or chosen_voice(client, text)
            job = follow(client, client.submit(text, voice=voice, format=format_)["id"])
            if error := error_of(job):
                raise error
            with byte_progress() as show_bytes:
                client.download(job["id"], target, progress=partial(show_bytes, target.name))
            note("stopping")
    except LoaError:
        note("\n".join(lines))
        raise
    return job, start


def report(job: dict[str, Any], start: float, target: Path, as_json: bool) -> None:
    """What the job took, in figures."""
    timings, result = job["timings"], job["result"]
    factor = timings["synthesis_seconds"] / result["duration_seconds"]
    if as_json:
        print_json({"file": str(target), "start_seconds": round(start, 3), "real_time_factor": round(factor, 4), "job": job})
        return
    print_facts(
        {
            "start of the service, paid once": seconds(start),
            "queue wait": seconds(timings["queued_seconds"]),
            "set-up paid by this job": seconds(timings["setup_seconds"]),
            "synthesis": seconds(timings["synthesis_seconds"]),
            "from submission to the end": seconds(timings["total_seconds"]),
            "audio length": seconds(result["duration_seconds"]),
            "real-time factor": f"{factor:.3f} (synthesis ÷ audio; below 1 is faster than real time)",
            "written": f"{target} ({size(result['bytes'])})",
        }
    )
