"""Which WSGI server keeps answering while 200 clients wait in ?wait and 200 slow sockets never finish their headers?

    python benchmarks/servers.py            # api/httpd.py (waitress); and gunicorn's workers, where `pip install gunicorn gevent` was done

Ceiling: an idle /healthz takes 1 to 2 ms here, most of it the new connection. Mark: p95 ≤ 1 s. The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loa.broker import Broker
from loa.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CALLS = 40  # of /healthz in each state; a server that stands still takes PATIENCE for each
WAITING, SLOW = 200, 200  # clients
PATIENCE = 2.0  # seconds; what takes longer counts as this
SERVERS = {
    "loa": ["-c", "import sys; from api.server import main; sys.exit(main())"],
    "gunicorn-gthread": [
        "-m",
        "gunicorn",
        "-k",
        "gthread",
        "--threads",
        "{threads}",
        "-b",
        "127.0.0.1:{port}",
        "benchmarks.servers:application()",
    ],
    "gunicorn-gevent": ["-m", "gunicorn", "-k", "gevent", "-b", "127.0.0.1:{port}", "benchmarks.servers:application()"],
}


def application() -> Any:
    """The API for a server that is not ours."""
    from api.app import create_app
    from api.service import Service

    settings = Settings.load()
    service = Service(settings)
    service.open()
    service.start(lambda _: os._exit(1))
    return create_app(settings, service)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("servers", nargs="*", default=[name for name in SERVERS if available(name)], help=", ".join(SERVERS))
    figures = {name: measure(name) for name in parser.parse_args().servers}
    print(json.dumps({"benchmark": "servers", "waiting": WAITING, "slow": SLOW, "figures": figures}))


def available(name: str) -> bool:
    needed = name.split("-") if "-" in name else []
    return all(importlib.util.find_spec(module) for module in needed if module != "gthread")


def measure(name: str) -> dict[str, Any]:
    """p95 of /healthz in milliseconds: idle, with waiting clients, with slow ones too."""
    with tempfile.TemporaryDirectory(prefix="loa-") as folder, Broker(Path(folder) / "redis") as broker, contextlib.ExitStack() as stack:
        port = free_port()
        settings = Settings.load(
            {}, redis_url=broker.url, data_dir=folder, voices=str(ROOT / "tests" / "voices"), port=port, socket_timeout=600
        )
        stack.enter_context(running(name, settings))
        found: dict[str, Any] = {"idle_p95_ms": p95(port)}
        job_id = submit(port)
        for _ in range(WAITING):
            waiting = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            waiting.sendall(f"GET /v1/jobs/{job_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        found["waiting_p95_ms"] = p95(port)
        for _ in range(SLOW):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-")
        found["waiting_and_slow_p95_ms"] = p95(port)
        print(f"{name:18}" + "".join(f"  {key} {value:8.1f}" for key, value in found.items()), flush=True)
        return found


@contextlib.contextmanager
def running(name: str, settings: Settings) -> Iterator[None]:
    arguments = [part.format(port=settings.port, threads=settings.api_threads) for part in SERVERS[name]]
    environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, *arguments], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while call(settings.port) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} did not start")
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def p95(port: int) -> float:
    """95 % of the calls were answered within so many milliseconds."""
    call(port)
    return round(1000 * statistics.quantiles([call(port) or PATIENCE for _ in range(CALLS)], n=20)[-1], 1)


def call(port: int) -> float | None:
    """Seconds that /healthz took; None: no answer within PATIENCE."""
    began = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        try:
            connection.request("GET", "/healthz")
            return time.monotonic() - began if connection.getresponse().status == 200 else None
        except (OSError, http.client.HTTPException):
            return None


def submit(port: int) -> str:
    body = json.dumps({"input": "Nobody will speak this.", "voice": "sine"})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/v1/jobs", body, {"Content-Type": "application/json"})
        return str(json.load(connection.getresponse())["id"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
