"""The supervisor with small stand-ins for the parts and a real broker: order, restarts, stopping, and no process left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from loa import stack as stack_module
from loa.broker import Broker
from loa.errors import DataDirInUse, InvalidSetting, PortInUse, StartFailed, StoreUnavailable
from loa.part import Part
from loa.settings import Settings
from loa.stack import Stack, Step, service_parts
from tests.waiting import wait_until

# What GET /v1/workers shows; the stand-in for the API is ready as soon as the worker wrote `hot` into Redis.
API = """
import http.server, json, os, redis
store = redis.Redis.from_url(os.environ["LOA_REDIS_URL"])
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        hot = store.get("hot") is not None
        state, steps = ("hot", {"load": 1.5}) if hot else ("loading", {})
        worker = {"id": "host/0", "state": state, "message": "loading the model", "device": "cpu", "steps": steps}
        refused = self.path == "/readyz" and not hot
        body = {"code": "not_ready", "detail": "no hot worker"} if refused else {"workers": [worker], "queues": {}}
        self.send_response(503 if "code" in body else 200)
        self.send_header("Content-Type", "application/problem+json" if "code" in body else "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *arguments):
        pass
print("serving", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["LOA_PORT"])), Api).serve_forever()
"""

# Has a child of its own, as a pool of workers has, and hands back its work when it is told to stop.
WORKER = """
import os, redis, signal, subprocess, sys
store = redis.Redis.from_url(os.environ["LOA_REDIS_URL"])
def leave(number, frame):
    store.rpush("stopped", "worker")
    print("handed back", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
store.rpush("pids", os.getpid(), child.pid)
store.set("hot", 1)
print("hot", flush=True)
while True:
    signal.pause()
"""


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def part(name: str, program: str, *, grace: float = 10.0, stops_first: bool = False) -> Part:
    return Part(name=name, command=(sys.executable, "-c", program), grace_seconds=grace, stops_first=stops_first)


def small_service(settings: Settings) -> tuple[Part, ...]:
    return (part("speak", WORKER), part("api", API, stops_first=True))


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loa-test-") as name:
        yield Path(name)


class Lines(list[tuple[str, str]]):
    """The output of a stack."""

    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))

    def of(self, name: str) -> str:
        return "\n".join(line for part, line in self if part == name)


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def make_stack(data_dir: Path, lines: Lines) -> Iterator[Callable[..., Stack]]:
    made: list[Stack] = []

    def make(parts: Callable[[Settings], tuple[Part, ...]] = small_service, **settings: object) -> Stack:
        values = {"data_dir": str(data_dir), "port": 0, **settings}
        made.append(Stack(Settings.load({}, **values), parts=parts, output=lines))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


def store_of(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.settings.redis_url, decode_responses=True)


# --- starting -------------------------------------------------------------------------------------------------------


def test_it_tells_every_step_until_a_worker_is_hot(make_stack: Callable[..., Stack], lines: Lines) -> None:
    steps: list[Step] = []
    with make_stack() as stack:
        stack.wait_until_ready(steps.append)
    told = [(step.part, step.text) for step in steps]
    assert told[0] == ("broker", f"answers at {stack.settings.redis_url}")
    assert {("api", f"answers at {stack.url}"), ("host/0", "load: 1.50 s"), ("host/0", "hot on cpu")} <= set(told)
    assert [step.seconds for step in steps] == sorted(step.seconds for step in steps)
    assert "hot" in lines.of("speak")
    assert "serving" in lines.of("api")


def test_it_gets_ready_where_its_own_key_shows_no_workers(make_stack: Callable[..., Stack]) -> None:
    """With keys configured, LOA_API_KEY may be absent, or not of an administrator; the steps are only for people."""
    closed = API.replace(
        'body = {"code": "not_ready"', 'body = {"code": "missing_key"} if "workers" in self.path else {"code": "not_ready"'
    )
    steps: list[Step] = []
    with make_stack(lambda _: (part("speak", WORKER), part("api", closed, stops_first=True))) as stack:
        stack.wait_until_ready(steps.append)
    assert [step.part for step in steps] == ["broker", "api"]


def test_parts_get_the_settings_of_the_stack(make_stack: Callable[..., Stack], data_dir: Path, lines: Lines) -> None:
    show = (
        "import os, signal; print(*(os.environ['LOA_' + name] for name in ('DATA_DIR', 'REDIS_URL', 'PORT')), flush=True); signal.pause()"
    )
    with make_stack(lambda settings: (part("show", show),)) as stack:
        wait_until(lambda: lines.of("show"))
        port = stack.url.rpartition(":")[2]
        assert lines.of("show").split() == [str(data_dir), stack.settings.redis_url, port]


def test_a_port_in_use_is_told_before_anything_starts(make_stack: Callable[..., Stack], data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUse, match=r"port \d+ of 127\.0\.0\.1 is in use"):
            make_stack(port=taken.getsockname()[1]).start()
    assert not (data_dir / "redis").exists()


def test_an_address_of_another_machine_is_told(make_stack: Callable[..., Stack]) -> None:
    with pytest.raises(InvalidSetting, match=r"LOA_HOST=192\.0\.2\.1"):
        make_stack(host="192.0.2.1").start()


def test_a_second_stack_on_the_same_data_is_refused(make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loa.broker.LOCK_SECONDS", 0.1)
    with make_stack() as first:
        with pytest.raises(DataDirInUse):
            make_stack().start()
        assert store_of(first).ping()


def test_a_redis_of_ones_own_is_used_and_left_alone(make_stack: Callable[..., Stack], broker: Broker, data_dir: Path) -> None:
    url = broker.url
    with make_stack(redis_url=url) as stack:
        assert stack.settings.redis_url == url
    assert not (data_dir / "redis").exists()
    with redis.Redis.from_url(url) as client:
        assert client.ping()


def test_a_redis_that_does_not_answer_is_told_before_anything_starts(make_stack: Callable[..., Stack]) -> None:
    with pytest.raises(StoreUnavailable, match="no Redis answers at LOA_REDIS_URL"):
        make_stack(redis_url="redis://127.0.0.1:1/0").start()


def test_a_part_that_leaves_before_the_service_was_ready_ends_it_with_its_words(make_stack: Callable[..., Stack]) -> None:
    def parts(settings: Settings) -> tuple[Part, ...]:
        return (part("speak", "import sys; print('no such voice'); sys.exit(70)"), part("api", API, stops_first=True))

    stack = make_stack(parts)
    with pytest.raises(StartFailed, match=r"(?s)speak ended with exit code 70.*no such voice"), stack:  # a slow `start` says so
        stack.wait_until_ready()
    with pytest.raises(StartFailed, match="no such voice"):
        stack.wait()


def test_waiting_for_readiness_has_an_end(make_stack: Callable[..., Stack]) -> None:
    with make_stack(lambda settings: (part("api", API),)) as stack, pytest.raises(StartFailed, match="not ready after 1 s"):
        stack.wait_until_ready(seconds=1)


# --- keeping alive --------------------------------------------------------------------------------------------------


def test_a_killed_part_comes_back_and_its_children_do_not_linger(make_stack: Callable[..., Stack], lines: Lines) -> None:
    with make_stack() as stack, store_of(stack) as store:
        stack.wait_until_ready()
        first, orphan = (int(pid) for pid in store.lrange("pids", 0, 1))
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: store.llen("pids") == 4)
        assert not running(orphan)
        assert int(store.lrange("pids", 2, 2)[0]) != first
        assert "speak was ended by SIGKILL; it is restarted in 0.5 s" in lines.of("loa")


def test_a_part_that_leaves_after_readiness_is_restarted_too(make_stack: Callable[..., Stack], lines: Lines) -> None:
    with make_stack() as stack, store_of(stack) as store:
        stack.wait_until_ready()
        os.kill(int(store.lrange("pids", 0, 0)[0]), signal.SIGTERM)
        wait_until(lambda: store.llen("pids") == 4)
        assert "speak ended with exit code 0; it is restarted" in lines.of("loa")


def test_a_killed_broker_comes_back_with_its_data_at_the_same_url(make_stack: Callable[..., Stack], lines: Lines) -> None:
    with make_stack() as stack, store_of(stack) as store:
        stack.wait_until_ready()
        url = stack.settings.redis_url
        os.kill(store.info("server")["process_id"], signal.SIGKILL)

        def answers() -> bool:
            try:
                return store.get("hot") == "1"
            except redis.RedisError:
                return False

        wait_until(lambda: "the broker ended" in lines.of("loa"))
        wait_until(answers)
        assert stack.settings.redis_url == url


def test_a_part_that_keeps_falling_ends_the_stack_with_its_words(
    make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(stack_module, "FIRST_PAUSE", 0.01)
    falling = part("falling", "import os; print('oh no', flush=True); os.kill(os.getpid(), 9)")
    with make_stack(lambda settings: (falling,)) as stack:
        with pytest.raises(StartFailed, match=r"(?s)falling was ended by SIGKILL 5 times in a row.*oh no"):
            stack.wait()
        assert lines.of("falling").count("oh no") == stack_module.MOST_FALLS


# --- stopping -------------------------------------------------------------------------------------------------------


def test_the_api_stops_first_the_workers_hand_back_and_the_broker_is_last(
    make_stack: Callable[..., Stack], lines: Lines, data_dir: Path
) -> None:
    leaving_api = API.replace(
        "print(", "import signal, sys; signal.signal(15, lambda *_: (store.rpush('stopped', 'api'), os._exit(0))); print("
    )
    stack = make_stack(lambda settings: (part("speak", WORKER), part("api", leaving_api, stops_first=True)))
    with stack, store_of(stack) as store:
        stack.wait_until_ready()
        pids = [int(pid) for pid in store.lrange("pids", 0, -1)]
        pids.append(store.info("server")["process_id"])
    assert lines.of("speak").endswith("handed back")
    assert not [pid for pid in pids if running(pid)]
    with Broker(data_dir / "redis") as again, redis.Redis.from_url(again.url, decode_responses=True) as store:
        assert store.lrange("stopped", 0, -1) == ["api", "worker"]


DEAF = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(os.getpid(), child.pid, flush=True)
signal.pause()
"""


def test_a_part_deaf_to_sigterm_is_killed_with_its_children(make_stack: Callable[..., Stack], lines: Lines) -> None:
    with make_stack(lambda settings: (part("deaf", DEAF, grace=0.2),)):
        wait_until(lambda: lines.of("deaf"))
        pids = [int(pid) for pid in lines.of("deaf").split()]
    assert not [pid for pid in pids if running(pid)]
    assert "deaf did not stop in time and is killed" in lines.of("loa")


def test_stop_may_be_called_twice_and_before_start(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.stop()
    with make_stack() as other:
        other.stop()
    other.stop()


SUPERVISOR = f"""
import sys
from loa.part import Part
from loa.settings import Settings
from loa.stack import Stack
deaf = Part(name="deaf", command=(sys.executable, "-c", {DEAF!r}), grace_seconds=float(sys.argv[2]))
with Stack(Settings.load({{}}, data_dir=sys.argv[1], port=0), parts=lambda settings: (deaf,)) as stack:
    print(stack.url, file=sys.stderr)
    exec(sys.argv[3])
    stack.wait()
"""
SIGNALS_ASIDE = """
import signal, threading, time
def signal_here():
    for _ in range(2):
        time.sleep(1)  # as a person would: the second is sent when the first has been heard
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
threading.Thread(target=signal_here, daemon=True).start()
"""


class Supervisor:
    """A process that runs a stack with one part that is deaf to SIGTERM."""

    def __init__(self, data_dir: Path, grace: float, also: str) -> None:
        command = [sys.executable, "-c", SUPERVISOR, str(data_dir), str(grace), also]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.pids = [int(pid) for pid in self.line_with("deaf | ").partition("| ")[2].split()]
        self.pids += [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def line_with(self, words: str) -> str:
        assert self.process.stderr is not None
        return next(line for line in self.process.stderr if words in line)

    def end(self, *, seconds: float = 20) -> int:
        with self.process:
            return self.process.wait(seconds)


@pytest.fixture
def supervise(data_dir: Path) -> Iterator[Callable[..., Supervisor]]:
    """Starts one with the grace it is given; nothing of it outlives the test, whatever that does."""
    made: list[Supervisor] = []

    def start(grace: float, *, also: str = "") -> Supervisor:
        made.append(Supervisor(data_dir, grace, also))
        return made[-1]

    yield start
    for supervisor in made:
        for pid in (supervisor.process.pid, *supervisor.pids):
            if running(pid):
                os.kill(pid, signal.SIGKILL)
        supervisor.end()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 128 + signal.SIGHUP)]
)
def test_one_signal_stops_all_of_it(supervise: Callable[..., Supervisor], number: signal.Signals, code: int) -> None:
    supervisor = supervise(0.2)
    supervisor.process.send_signal(number)
    assert supervisor.end() == code  # after KeyboardInterrupt, Python ends itself by SIGINT
    assert not [pid for pid in supervisor.pids if running(pid)]


def test_a_second_signal_ends_the_grace(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(600)
    started = time.monotonic()
    supervisor.process.send_signal(signal.SIGTERM)
    supervisor.process.send_signal(signal.SIGINT)  # in whatever order they are noticed
    supervisor.line_with("deaf is killed at once")
    supervisor.end()
    assert time.monotonic() - started < stack_module.UNREADY_GRACE
    assert not [pid for pid in supervisor.pids if running(pid)]


def test_signals_that_another_thread_is_given_are_noticed(supervise: Callable[..., Supervisor]) -> None:
    """The kernel gives the second of two signals that come at once to a thread that has none to attend to."""
    supervisor = supervise(600, also=SIGNALS_ASIDE)
    supervisor.line_with("deaf is killed at once")
    assert supervisor.end() == 128 + signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="the tether is a Linux feature")
def test_a_killed_supervisor_takes_its_parts_along(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(0.2)
    supervisor.process.kill()
    supervisor.end()
    part_pid, _, *rest = supervisor.pids  # the part's own child is the part's affair
    wait_until(lambda: not running(part_pid))
    os.killpg(part_pid, signal.SIGKILL)
    wait_until(lambda: not [pid for pid in rest if running(pid)])


# --- the parts of Loa -----------------------------------------------------------------------------------------------


def test_the_service_has_a_speak_worker_a_cpu_worker_a_courier_and_the_api() -> None:
    parts = service_parts(Settings.load({}, drain_seconds=7))
    loa = (sys.executable, "-m", "loa")
    assert [(one.name, one.command) for one in parts] == [
        ("speak", (*loa, "worker", "--queues", "speak")),
        ("cpu", (*loa, "worker", "--queues", "plan,assemble")),
        ("deliver", (*loa, "deliver")),
        ("api", (*loa, "api")),
    ]
    assert [one.stops_first for one in parts] == [False, False, False, True]
    assert all(one.grace_seconds > 7 for one in parts)
