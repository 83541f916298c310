"""Runs the API: `main()` is what `loa api` calls."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from types import FrameType

from api import bodies
from api.app import create_app
from api.httpd import Server
from api.service import Service
from loa.broker import with_redis
from loa.errors import LoaError, StorageUnavailable, StoreUnavailable
from loa.logs import log_to_stderr
from loa.settings import Settings

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005  # between threads; with Python's 5 ms a request that computes holds up the one that only has to be woken


def main(settings: Settings | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code.

    Raises InvalidSetting, PortInUse, UnsupportedRedis, SchemaMismatch, ArtifactsNotShared, NoKeys. A Redis that is away is no reason not
    to start: requests are answered 503 until it is there.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = with_redis(settings or Settings.load())
    log_to_stderr(settings.log_level)
    logging.getLogger("waitress").setLevel(logging.WARNING)  # it tells of every client that hangs up
    bodies.keep_in(settings)
    service = Service(settings)
    try:
        service.open()
    except (StoreUnavailable, StorageUnavailable) as error:
        log.warning("%s; trying again until it is there", error.message)
    server = Server(create_app(settings, service), settings)  # listens from here on
    refused: list[LoaError] = []

    def refuse(error: LoaError) -> None:
        log.critical("%s", error.message)
        refused.append(error)
        server.stop()

    def stop(signum: int, _frame: FrameType | None) -> None:
        log.info("%s: stopping", signal.Signals(signum).name)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if settings.open and not settings.loopback:
        log.warning("LOA_OPEN: unless there are keys, anyone who reaches %s may submit jobs and hear all of them", server.url)
    service.start(refuse)
    log.info("listening on %s", server.url)
    gc.freeze()  # modules and routes live as long as the process: no collection inside a request needs to look at them
    server.run(closing=service.close)
    service.stop()
    if refused:
        raise refused[0]
    return 0
