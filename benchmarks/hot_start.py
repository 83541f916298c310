"""Does the first job after a start pay anything that later jobs do not?

    python benchmarks/hot_start.py [STARTS]

Starts the whole service STARTS times (default 5) and speaks 21 sentences one after the other, none of them cached: the figure is the time
to finished of the first job after *hot*, divided by the median of the next 20. The floor is 1.0: the first job is a job like any other.
Beside it, in the same run and in turns, "before": the same engine with warm-up, preload and voice cache switched off (LOA_WARM=false),
nothing else changed. Last, the voice cache alone: lookups by time, and the files that they open (none).
"""

from __future__ import annotations

import sys
import time

import torch
from stage import SENTENCES, median, percentile, report, service

from loa.settings import Settings
from loa.voices import VoiceRegistry
from worker.engines import load_engine
from worker.voice_cache import VoiceCache

MARK = 1.15
LOOKUPS = 20_000


def one_start(warm: bool, turn: int) -> dict[str, float | list[float]]:
    """Seconds of the start, and of every job in order; `turn` decides which sentence comes first."""
    began = time.perf_counter()
    with service(warm=warm) as (_, client):
        start = time.perf_counter() - began
        seconds, setup = [], []
        for index in range(len(SENTENCES)):
            text = SENTENCES[(index + turn * 5) % len(SENTENCES)]
            sent = time.perf_counter()
            job = client.submit(text, voice="joe", wait=60)
            seconds.append(time.perf_counter() - sent)
            if job["state"] != "succeeded":
                raise SystemExit(f"a job ended as {job['state']}: {job['error']}")
            setup.append(job["timings"]["setup_seconds"])
    return {"start": start, "seconds": seconds, "setup": setup}


def lookups() -> dict[str, float | int]:
    """The voice cache, hot: the time of a lookup, and the files it opens."""
    registry = VoiceRegistry(Settings.load({}))
    engine = load_engine("vits")
    engine.load(torch.device("cpu"), Settings.load({}))
    voice = registry.get("joe")
    fingerprint = registry.fingerprint(voice)
    cache = VoiceCache(lambda name, *_: engine.make_voice(registry.get(name), registry.files(voice)), max_bytes=2**31)
    cache.get("joe", fingerprint)
    opened = 0

    def count(event: str, _: tuple[object, ...]) -> None:
        nonlocal opened
        opened += event == "open"

    sys.addaudithook(count)
    seconds = []
    before = opened
    for _ in range(LOOKUPS):
        began = time.perf_counter()
        cache.get("joe", fingerprint)
        seconds.append(time.perf_counter() - began)
    return {"lookup_p99_ms": round(percentile(seconds, 0.99) * 1000, 4), "files_opened": opened - before, "lookups": LOOKUPS}


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hot, before = [], []
    for turn in range(starts):
        for warm, rounds in ((True, hot), (False, before)):
            rounds.append(one_start(warm, turn))
            first, rest = rounds[-1]["seconds"][0], median(rounds[-1]["seconds"][1:])
            print(
                f"{'hot   ' if warm else 'before'} start {rounds[-1]['start']:6.2f} s  first {first * 1000:7.1f} ms  "
                f"median of the next 20 {rest * 1000:7.1f} ms  ratio {first / rest:.3f}  set-up in jobs {sum(rounds[-1]['setup']):.3f} s"
            )
    ratios = [one["seconds"][0] / median(one["seconds"][1:]) for one in hot]
    report(
        "hot_start",
        {
            "starts": starts,
            "first_over_median_of_next_20": round(median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "mark": MARK,
            "setup_seconds_inside_jobs": sum(sum(one["setup"]) for one in hot),
            "start_seconds": round(median([one["start"] for one in hot]), 2),
            "job_ms": round(median([value for one in hot for value in one["seconds"]]) * 1000, 1),
            "before": {
                "first_job_ms": round(median([one["seconds"][0] for one in before]) * 1000, 1),
                "job_ms": round(median([value for one in before for value in one["seconds"]]) * 1000, 1),
                "setup_ms_of_a_job": round(median([value for one in before for value in one["setup"]]) * 1000, 1),
            },
            "job_before_over_job_hot": round(
                median([value for one in before for value in one["seconds"]]) / median([value for one in hot for value in one["seconds"]]),
                2,
            ),
            **lookups(),
        },
    )


if __name__ == "__main__":
    main()
