"""What the benchmarks share: a service of their own, the machine's name, percentiles, and the last line."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loa.client import Client
from loa.settings import Settings
from loa.stack import Stack

VOICES = Path(__file__).parent.parent / "tests" / "voices"  # the sine voice

# One sentence each, 58 to 66 characters, so that one job is as much work as another.
SENTENCES = (
    "The harbour lights came on one by one as the evening fog rolled in.",
    "She carried the old radio up four flights of stairs without a stop.",
    "Nobody had told the baker that the market would close so early on.",
    "A long freight train passed the crossing while the children waited.",
    "He wrote the number on his hand because he had no paper with him.",
    "The river was low that summer and the stones were white and warm.",
    "They painted the kitchen yellow and left the windows open all day.",
    "My uncle kept bees behind the barn and sold the honey in the town.",
    "The second letter arrived on Monday, much thinner than the first.",
    "Every spring the swallows built their nests under the same bridge.",
    "The teacher asked them to read the poem slowly and then once more.",
    "It rained so hard that the music from the square could not be heard.",
    "We found a quiet table near the back and ordered soup and bread.",
    "The clock in the station hall has been ten minutes late for years.",
    "Her brother sailed around the cape in a boat that he built himself.",
    "The dog slept through the storm and woke up hungry in the morning.",
    "An engineer from the water works came to look at the broken pump.",
    "Snow covered the vineyard and only the tops of the posts were seen.",
    "They took the night bus home and watched the empty streets go by.",
    "The carpenter measured the door twice and cut the board only once.",
    "Old maps of the coast show an island that nobody has ever found.",
)


@contextmanager
def service(**changes: Any) -> Iterator[tuple[Stack, Client]]:
    """A whole service in a folder of its own, hot. `changes` are settings."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        settings = Settings.load({}, data_dir=folder, port=0, voices=str(VOICES), log_level="WARNING", **changes)
        with Stack(settings, output=lambda _part, _line: None) as stack:
            stack.wait_until_ready(seconds=settings.start_limit)
            client = Client(stack.url)
            client.workers()  # the connection is there
            yield stack, client


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"date": datetime.now(UTC).date().isoformat(), "cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


def report(name: str, figures: dict[str, Any]) -> None:
    """The last line: one JSON object."""
    print(json.dumps({"benchmark": name, **machine(), **figures}))
