"""The append-only file of a real server reaches the disk every second, whoever writes it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
from pathlib import Path

import pytest
import redis

from loa import append_file
from loa.broker import Broker
from tests.waiting import wait_until


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Inodes, in the order in which they were synced."""
    inodes: list[int] = []
    fsync = os.fsync

    def record(file: int) -> None:
        fsync(file)
        inodes.append(os.fstat(file).st_ino)

    monkeypatch.setattr(append_file, "SYNC_SECONDS", 0.05)
    monkeypatch.setattr(append_file.os, "fsync", record)
    return inodes


def appended(folder: Path) -> set[int]:
    return {path.stat().st_ino for path in (folder / "appendonlydir").glob("*.incr.aof")}


def test_what_the_server_appends_is_synced_also_after_it_began_a_new_file(tmp_path: Path, synced: list[int]) -> None:
    with Broker(tmp_path) as broker, redis.Redis.from_url(broker.url) as client:
        client.set("kept", "yes")
        first = appended(tmp_path)
        wait_until(lambda: first <= {*synced})
        client.bgrewriteaof()
        second = wait_until(lambda: appended(tmp_path) - first)
        wait_until(lambda: second <= {*synced})
        assert tmp_path in syncing()
    assert tmp_path not in syncing(), "it ends with the broker"


def syncing() -> list[Path]:
    """Folders of brokers whose files are being synced."""
    return [thread.folder for thread in threading.enumerate() if isinstance(thread, append_file.AppendFileSync)]


def test_a_server_that_was_killed_knows_what_it_acknowledged(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        for _ in range(5):
            with redis.Redis.from_url(broker.url) as client:
                said = [client.incr("count") for _ in range(200)][-1]
            assert broker.pid is not None
            os.kill(broker.pid, signal.SIGKILL)
            wait_until(lambda: not broker.alive())
            broker.restart()
            with redis.Redis.from_url(broker.url, decode_responses=True) as client:
                assert client.get("count") == str(said)


def test_the_one_file_of_older_servers_is_synced(tmp_path: Path, synced: list[int]) -> None:
    file = tmp_path / "appendonly.aof"
    file.write_bytes(b"*1\r\n$4\r\nPING\r\n")
    append_file.sync(tmp_path)
    assert synced == [file.stat().st_ino]


def test_a_disk_that_fails_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"")

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(append_file.os, "fsync", fail)
    with caplog.at_level(logging.ERROR):
        append_file.sync(tmp_path)
    assert "is not safe from a loss of power" in caplog.text
    assert "appendonly.aof" in caplog.text
