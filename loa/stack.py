"""The supervisor behind `loa up`: broker, workers and API on this machine, started in order, kept alive, stopped in order.

    with Stack(Settings.load()) as stack:
        stack.wait_until_ready(lambda step: print(step.part, step.text))
        stack.wait()                                   # until Ctrl-C or SIGTERM

One thread starts, watches, restarts and stops everything, so the kernel's tether (loa.tether) ends the parts when this process is killed.
The rule for a part that ends: before the service was ever ready, leaving by itself is final, for it has said why; later, and whenever a
signal ended it, it is restarted after a pause that doubles; ending too often in a row stops the whole stack with the part's last lines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import redis

from loa.broker import Broker
from loa.client import Client
from loa.errors import Forbidden, InvalidKey, InvalidSetting, LoaError, MissingKey, PortInUse, StartFailed, StoreUnavailable
from loa.part import Output, Part, RunningPart
from loa.settings import Settings
from loa.urls import shown

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.1  # between looks at the parts
READY_SECONDS = 0.2  # between questions for readiness
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a restart
STEADY_SECONDS = 30.0  # a part that ran for this long has recovered: its earlier ends are forgotten
MOST_FALLS = 5  # ends in a row, each before it ran steadily
API_GRACE = 10.0  # seconds; a client in ?wait gets its answer or is cut
WORKER_GRACE = 10.0  # seconds above LOA_DRAIN_SECONDS
DELIVER_GRACE = 10.0  # seconds; attempts under way have five, then they are given back
UNREADY_GRACE = 5.0  # seconds; as long as nothing is hot there is no work to save


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happened on the way to a hot service."""

    part: str  # broker, api, or the worker process's id
    text: str
    seconds: float  # since the stack was started


@dataclass(kw_only=True)
class _Watched:
    """A part and its fortunes."""

    part: Part
    running: RunningPart | None = None
    falls: int = 0
    restart_at: float = 0.0  # monotonic time, while it is down


class Stack:
    """Everything that one machine needs. `url` and `settings` tell where it is, once it is started."""

    def __init__(
        self,
        settings: Settings,
        *,
        parts: Callable[[Settings], Sequence[Part]] | None = None,
        output: Output | None = None,
    ) -> None:
        """`settings` without a Redis URL means an embedded broker in LOA_DATA_DIR, port 0 any free port.

        `parts` makes the programs to run from the settings they get (default `service_parts`), in the order of their start.
        `output` receives every line of every part, and the supervisor's own under the name `loa`; default: standard error.
        """
        self.settings = settings
        self.url = ""
        self._make_parts = service_parts if parts is None else parts
        self._output = _to_stderr if output is None else output
        self._broker: Broker | None = None
        self._broker_falls = 0
        self._broker_revived_at = 0.0  # monotonic time
        self._watched: list[_Watched] = []
        self._thread: threading.Thread | None = None
        self._started = threading.Event()  # the first start is done, or has failed
        self._ended = threading.Event()
        self._stopping = False  # plain flags, because signal handlers set them: an Event's lock may be held by the code they interrupt
        self._hurrying = False  # no more grace
        self._failure: LoaError | None = None
        self._ready = False
        self._began = 0.0
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # --- what callers do

    def start(self) -> None:
        """Start every part; returns when all processes run, long before the service is hot.

        From here to `stop`, the first SIGTERM or SIGHUP raises SystemExit in the main thread, as Ctrl-C raises KeyboardInterrupt.
        Raises PortInUse, InvalidSetting, BrokerMissing, DataDirInUse, StoreUnavailable, StartFailed; then nothing is left running.
        """
        self._began = time.monotonic()
        port = _free_port(self.settings.host, self.settings.port)
        self.url = f"http://{_reachable(self.settings.host)}:{port}"
        self.settings = dataclasses.replace(self.settings, port=port, url=self.url)
        if self.settings.redis_url:
            _check_redis(self.settings.redis_url)
        self._catch_signals()
        try:
            self._thread = threading.Thread(target=self._supervise, name="supervisor")
            self._thread.start()
            _await(self._started)
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self, progress: Callable[[Step], None] | None = None, *, seconds: float | None = None) -> None:
        """Return when a worker is hot; tells each step of the start to `progress`. From then on, parts that end are restarted.

        Raises StartFailed when a part cannot be kept alive, or after `seconds`.
        """
        steps = _Steps(began=self._began, progress=progress)
        if self._broker is not None:
            steps.tell("broker", f"answers at {self._broker.url}")
        client = Client(self.url, patience=0)
        while True:
            if self._look(client, steps):
                self._ready = True
                return
            if self._ended.wait(READY_SECONDS):
                raise self._failure or StartFailed("the service was stopped before it was ready")
            if seconds is not None and time.monotonic() > self._began + seconds:
                raise StartFailed(f"the service was not ready after {seconds:.0f} s")

    def wait(self) -> None:
        """Block until `stop` is called elsewhere, or raise StartFailed when a part cannot be kept alive."""
        _await(self._ended)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop all parts in order; returns when no process is left. Ctrl-C or SIGTERM meanwhile ends the grace. May be called twice."""
        self._stopping = True
        if self._thread is not None and self._thread.is_alive():
            _await(self._ended)
            self._thread.join()
        self._release_signals()

    # --- the supervising thread

    def _supervise(self) -> None:
        try:
            self._start_all()
            self._started.set()
            while not self._stopping:
                self._watch()
                time.sleep(WATCH_SECONDS)
        except LoaError as error:
            self._failure = error
        except Exception as error:
            log.exception("the supervisor failed")
            self._failure = StartFailed(f"the supervisor failed: {error}")
        finally:
            self._stop_all()
            self._started.set()
            self._ended.set()

    def _start_all(self) -> None:
        if not self.settings.redis_url:
            self._broker = Broker(Path(self.settings.data_dir) / "redis")
            self._broker.start()
            self.settings = dataclasses.replace(self.settings, redis_url=self._broker.url)
        self._watched = [_Watched(part=part) for part in self._make_parts(self.settings)]
        for watched in self._watched:
            self._run(watched)

    def _run(self, watched: _Watched) -> None:
        watched.running = RunningPart(watched.part, self.settings.environment(), self._output)

    def _watch(self) -> None:
        if self._broker is not None and not self._broker.alive():
            self._revive_broker(self._broker)
        for watched in self._watched:
            if watched.running is None:
                if time.monotonic() >= watched.restart_at:
                    self._run(watched)
            elif (code := watched.running.exit_code()) is not None:
                watched.running.clear()
                self._fell(watched, watched.running, code)
            elif watched.falls and watched.running.seconds() >= STEADY_SECONDS:
                watched.falls = 0

    def _fell(self, watched: _Watched, running: RunningPart, code: int) -> None:
        """A part has ended: decide whether it comes back."""
        name, ending = watched.part.name, _ending(code)
        watched.falls += 1
        final = code >= 0 and not self._ready
        if final or watched.falls >= MOST_FALLS:
            often = "" if final else f" {watched.falls} times in a row"
            raise StartFailed(f"{name} {ending}{often}; its last lines:\n{running.tail()}")
        pause = min(FIRST_PAUSE * 2 ** (watched.falls - 1), LONGEST_PAUSE)
        self._say(f"{name} {ending}; it is restarted in {pause:.1f} s")
        watched.running, watched.restart_at = None, time.monotonic() + pause

    def _revive_broker(self, broker: Broker) -> None:
        steady = time.monotonic() - self._broker_revived_at >= STEADY_SECONDS
        self._broker_falls = 1 if steady else self._broker_falls + 1
        if self._broker_falls >= MOST_FALLS:
            raise StartFailed(f"the broker ended {self._broker_falls} times in a row; its last lines:\n{broker.tail()}")
        self._say("the broker ended; it is restarted with its data")
        broker.restart()
        self._broker_revived_at = time.monotonic()

    def _stop_all(self) -> None:
        """API first, so that nothing new comes in; then the workers together; the broker last, so that they can hand back their work."""
        up = [watched.running for watched in self._watched if watched.running is not None]
        for first in (True, False):
            group = [running for running in up if running.part.stops_first is first]
            for running in group:
                running.terminate()
            grace = max((running.part.grace_seconds for running in group), default=0.0)
            deadline = time.monotonic() + (grace if self._ready else min(grace, UNREADY_GRACE))
            while any(running.exit_code() is None for running in group) and time.monotonic() < deadline and not self._hurrying:
                time.sleep(WATCH_SECONDS)
            for running in group:
                if running.exit_code() is None:
                    self._say(f"{running.part.name} {'is killed at once' if self._hurrying else 'did not stop in time and is killed'}")
                running.clear()
        if self._broker is not None:
            self._broker.stop()

    def _say(self, text: str) -> None:
        self._output("loa", text)

    # --- readiness and signals

    def _look(self, client: Client, steps: _Steps) -> bool:
        """One look at the service: tell what is new; whether it is ready."""
        try:
            ready = client.ready()
            steps.tell("api", f"answers at {self.url}")
            with contextlib.suppress(MissingKey, InvalidKey, Forbidden):  # with keys configured, LOA_API_KEY may not be one for this
                for worker in client.workers()["workers"]:
                    steps.tell_worker(worker)
        except LoaError as error:  # not there yet, or restarted just now
            log.debug("not ready: %s", error)
            return False
        return ready

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                self._handlers[number] = signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The first one stops the stack, whatever the main thread makes of the exception; the next ends the grace."""
        if self._stopping:
            self._hurrying = True
            return
        self._stopping = True
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def _release_signals(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())


@dataclass(kw_only=True)
class _Steps:
    """Tells every step once."""

    began: float
    progress: Callable[[Step], None] | None
    told: set[tuple[str, str]] = field(default_factory=set)

    def tell(self, part: str, text: str) -> None:
        if (part, text) not in self.told:
            self.told.add((part, text))
            if self.progress is not None:
                self.progress(Step(part=part, text=text, seconds=time.monotonic() - self.began))

    def tell_worker(self, worker: dict[str, Any]) -> None:
        """A worker process as GET /v1/workers shows it."""
        if worker["state"] == "loading" and worker["message"]:
            self.tell(worker["id"], worker["message"])
        for name, seconds in worker["steps"].items():
            self.tell(worker["id"], f"{name}: {seconds:.2f} s")
        if worker["state"] != "loading":
            self.tell(worker["id"], " ".join(filter(None, (worker["state"], worker["device"] and f"on {worker['device']}"))))


def service_parts(settings: Settings) -> tuple[Part, ...]:
    """The programs of a whole service, in the order of their start."""
    worker = (sys.executable, "-m", "loa", "worker", "--queues")
    grace = settings.drain_seconds + WORKER_GRACE
    return (
        Part(name="speak", command=(*worker, "speak"), grace_seconds=grace),
        Part(name="cpu", command=(*worker, "plan,assemble"), grace_seconds=grace),
        Part(name="deliver", command=(sys.executable, "-m", "loa", "deliver"), grace_seconds=DELIVER_GRACE),
        Part(name="api", command=(sys.executable, "-m", "loa", "api"), grace_seconds=API_GRACE, stops_first=True),
    )


def _await(event: threading.Event) -> None:
    """Wait for it in short steps. The kernel may hand a signal to any thread, and gives the second of two to one that is not busy with
    the first; the main thread, where Python runs the handlers, sleeps on until it looks up by itself."""
    while not event.wait(WATCH_SECONDS):
        pass


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _free_port(host: str, port: int) -> int:
    """`port`, or any free one for 0. Raises PortInUse, InvalidSetting."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: connections that linger do not count
            probe.bind(address)
            probe.listen(1)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} of {host} is in use", port=port) from None
        raise InvalidSetting(f"cannot listen on LOA_HOST={host}, LOA_PORT={port}: {error.strerror}") from None


def _reachable(host: str) -> str:
    """How this machine reaches what listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        raise StoreUnavailable(f"no Redis answers at LOA_REDIS_URL: {error}") from error
    except ValueError:  # its words may quote a part of the URL that is a password
        raise InvalidSetting(f"LOA_REDIS_URL is {shown(url)!r}, which is no Redis URL") from None


def _to_stderr(part: str, line: str) -> None:
    sys.stderr.write(f"{part:>6} | {line}\n")
