"""What the tests of delivering share: real `loa deliver` processes, and a receiver that verifies and does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier

from loa.settings import Settings
from loa.store import Store, connect_briefly
from loa.subscription import Subscription
from loa.webhooks.addresses import AllowList
from loa.webhooks.courier import Courier as Delivering
from loa.webhooks.deliveries import Delivery
from loa.webhooks.endpoints import Webhook
from loa.webhooks.places import Places
from loa.webhooks.sender import Sender
from loa.webhooks.signature import new_secret, parse_secrets
from tests.redis.ledger import an_order
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SECRET = new_secret().text
# A second of the tests is a thousand of the published schedule's.
QUICK: dict[str, Any] = {
    "webhook_secrets": SECRET,
    "webhook_schedule": "0 0.005 0.3 1.8 7.2 18 36 50.4 72 86.4",
    "webhook_timeout": 1.0,
    "lease": 1.0,
    "beat": 0.3,
}


@dataclass(frozen=True)
class Letter:
    """A message that came, verified."""

    path: str
    id: str
    at: float  # seconds since the epoch
    content: Any


class Receiver:
    """An HTTP server on the loopback interface. `/hang` never answers, `/gate` when it is opened; the others answer what `status` says."""

    def __init__(self, port: int = 0) -> None:
        self.letters: list[Letter] = []
        self.forged: list[str] = []
        self.status: dict[str, int] = {}
        self.gate, self.closed = threading.Event(), threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 100

        self._http = Server(("127.0.0.1", port), Handler)
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        at = time.time()
        try:
            content = Verifier(SECRET).verify(body, {name.lower(): value for name, value in request.headers.items()})
        except Exception as error:  # noqa: BLE001 - told to the test
            self.forged.append(repr(error))
            return
        self.letters.append(Letter(request.path, request.headers["webhook-id"], at, content))
        if request.path == "/hang":
            self.closed.wait()
            return
        if request.path == "/gate":
            self.gate.wait()
        with contextlib.suppress(ConnectionError):
            request.send_response(self.status.get(request.path, 204))
            request.send_header("Content-Length", "0")
            request.end_headers()

    def close(self) -> None:
        self.closed.set()
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Courier:
    """`loa deliver`, as a process of its own with its log in a file."""

    def __init__(self, settings: Settings, log_file: Path) -> None:
        self._log_file = log_file
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "loa", "deliver"],
                cwd=ROOT,
                env={**os.environ, **settings.environment()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self, seconds: float = 10.0) -> int:
        """SIGTERM and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@dataclass
class Office:
    """A store, couriers and receivers."""

    folder: Path
    settings: Settings
    couriers: list[Courier] = field(default_factory=list)
    receivers: list[Receiver] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store.for_thread(self.settings)

    def courier(self) -> Courier:
        """One more process, which delivers when this returns."""
        courier = Courier(self.settings, self.folder / f"courier-{len(self.couriers)}.log")
        self.couriers.append(courier)

        def ready() -> bool:
            assert courier.process.poll() is None, courier.log
            return any(name.endswith(f"-{courier.process.pid}") for name in self.store.deliveries.couriers())

        self.wait_for(ready, 30, "a courier")
        return courier

    def receiver(self, port: int = 0) -> Receiver:
        self.receivers.append(Receiver(port))
        return self.receivers[-1]

    def end_jobs(self, count: int, url: str) -> list[str]:
        """Jobs that are canceled at once."""
        ids = []
        for _ in range(count):
            order = an_order(webhook=Webhook.of(url))
            self.store.jobs.submit(order, deadline=self.store.jobs.deadline())
            self.store.jobs.cancel(order.id)
            ids.append(order.id)
        return ids

    def deliveries(self, **query: Any) -> list[Delivery]:
        found, cursor = self.store.deliveries.list(limit=100, **query)
        assert cursor is None
        return found

    def wait_for(self, condition: Callable[[], Any], seconds: float = 20.0, what: str = "") -> Any:
        try:
            return wait_until(condition, seconds, what)
        except AssertionError:
            for courier in self.couriers:
                sys.stderr.write(courier.log)
            raise

    def all_delivered(self, seconds: float = 20.0) -> None:
        self.wait_for(lambda: {one.state.value for one in self.deliveries()} == {"delivered"}, seconds, "all to be delivered")

    def close(self) -> None:
        for courier in self.couriers:
            courier.kill()
        for receiver in self.receivers:
            receiver.close()
        self.store.database.client.close()


@contextlib.asynccontextmanager
async def delivering(office: Office, places: Places) -> AsyncIterator[None]:
    """A courier in this very event loop, with other places than those of the product."""
    sender = Sender(parse_secrets(SECRET), AllowList.parse("127.0.0.1"), timeout=office.settings.webhook_timeout)
    courier = Delivering(office.store.deliveries, sender, name="here-1", places=places)
    url, channel = office.settings.redis_url, office.store.database.keys.deliveries_channel()

    def wake(*_: Any) -> None:
        loop.call_soon_threadsafe(courier.wake)

    loop = asyncio.get_running_loop()
    subscription = Subscription(connect_briefly(url), channel, heard=wake, renewed=wake, what="webhooks")
    subscription.start()
    running = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        await asyncio.to_thread(subscription.stop)
        courier.stop()
        await running


@contextlib.contextmanager
def opened(folder: Path, redis_url: str, **changes: Any) -> Iterator[Office]:
    """An office, closed at the end; what came to its receivers was signed as it should be, and no courier met what it does not know."""
    values = {**QUICK, "redis_url": redis_url, "data_dir": str(folder / "data"), "webhook_allow": "127.0.0.1", **changes}
    office = Office(folder, Settings.load({}, **values))
    try:
        yield office
        assert [receiver.forged for receiver in office.receivers if receiver.forged] == []
        for courier in office.couriers:
            assert "Traceback" not in courier.log, courier.log
    finally:
        office.close()
