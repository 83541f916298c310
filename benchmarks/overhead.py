"""What does Loa add to the synthesis of a one-sentence job?

    python benchmarks/overhead.py [JOBS]

One client submits JOBS (default 100) different sentences one after the other with ?wait and measures submit → finished; the overhead is
that less the job's `synthesis_seconds` (phonemes to PCM): HTTP, validation, the store, the wake-up through Celery, encoding, storing,
publishing. The floor is about 6 ms: two hops between processes (Celery's consumer and its child), some ten Redis round trips and two
fsyncs. Marks: p50 ≤ 20 ms, p95 ≤ 40 ms.
"""

from __future__ import annotations

import sys
import time

from stage import SENTENCES, median, percentile, report, service


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    overhead, synthesis, queued = [], [], []
    with service() as (_, client):
        for index in range(jobs):
            began = time.perf_counter()
            job = client.submit(f"{SENTENCES[index % len(SENTENCES)][:-1]}, number {index}.", voice="joe", wait=60)
            total = time.perf_counter() - began
            if job["state"] != "succeeded":
                raise SystemExit(f"a job ended as {job['state']}: {job['error']}")
            overhead.append(total - job["timings"]["synthesis_seconds"])
            synthesis.append(job["timings"]["synthesis_seconds"])
            queued.append(job["timings"]["queued_seconds"])
    report(
        "overhead",
        {
            "jobs": jobs,
            "overhead_p50_ms": round(median(overhead) * 1000, 1),
            "overhead_p95_ms": round(percentile(overhead, 0.95) * 1000, 1),
            "marks_ms": {"p50": 20, "p95": 40},
            "queued_p50_ms": round(median(queued) * 1000, 1),
            "synthesis_p50_ms": round(median(synthesis) * 1000, 1),
            "overhead_over_synthesis": round(median(overhead) / median(synthesis), 3),
        },
    )


if __name__ == "__main__":
    main()
