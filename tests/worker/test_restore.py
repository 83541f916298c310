"""Backup and restore as docs/operations.md tells it: Redis's files first, then the artifacts, both while the service works."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import redis

from loa.broker import Broker
from loa.states import State
from tests.waiting import wait_until
from tests.worker.fleet import START, Fleet

BOOK = " ".join(f"This is sentence number {number} of a book that is half spoken." for number in range(40))


def copy_redis(fleet: Fleet, folder: Path, target: Path) -> None:
    """As the document says: no rewrite may replace the files while they are copied."""
    client: redis.Redis = fleet.redis
    before = client.config_get("auto-aof-rewrite-percentage")["auto-aof-rewrite-percentage"]
    client.config_set("auto-aof-rewrite-percentage", 0)
    wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    client.config_set("auto-aof-rewrite-percentage", before)


def test_a_copy_made_while_it_works_goes_on_elsewhere(make_fleet: Callable[..., Fleet], tmp_path: Path) -> None:
    fleet = make_fleet(batch_max=2)
    fleet.worker("speak,plan,assemble", LOA_SINE_SECONDS="0.1").hot()
    done = fleet.ended(fleet.submit("This is finished before the copy."), START)
    book = fleet.submit(BOOK)
    wait_until(lambda: fleet.job(book).segments_done >= 4, START, "the book to be half spoken")
    wait_until(lambda: fleet.redis.info("persistence")["aof_last_write_status"] == "ok")
    elsewhere = tmp_path / "elsewhere"
    copy_redis(fleet, tmp_path / "redis", elsewhere / "redis")
    shutil.copytree(fleet.settings.artifacts, elsewhere / "data" / "artifacts")
    lost = next(iter(fleet.artifacts.walk("segments"))).path
    (elsewhere / "data" / "artifacts" / lost).unlink()  # a file that the copy missed
    fleet.store.jobs.cancel(book)  # here; what happens there is another matter

    with Broker(elsewhere / "redis") as broker:
        restored = Fleet(elsewhere, broker.url, data_dir=str(elsewhere / "data"), batch_max=2)
        copied = restored.job(done.id)
        assert copied.state is State.SUCCEEDED
        assert hashlib.sha256(restored.artifacts.read(copied.result["path"])).hexdigest() == done.result["sha256"]
        restored.worker("speak,plan,assemble").hot()
        job = restored.ended(book, START)
        assert job.state is State.SUCCEEDED, job.error
        assert hashlib.sha256(restored.artifacts.read(job.result["path"])).hexdigest() == job.result["sha256"]
        restored.close()
