"""`python -m loa.health api|worker|deliver`: is this container's own process well? For its health check; exit code 0 or 1, and why.

api: /healthz answers. worker: a process of this host is hot, or is finishing its work before it leaves. deliver: a process of this host
asks for webhooks that are due. Whether *the service* is ready is another question; /readyz answers that.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

import urllib3

from loa.errors import InvalidSetting, LoaError
from loa.settings import Settings
from loa.store import Store

ANSWER_SECONDS = 3.0
USEFUL = ("hot", "draining")


def api_is_well(settings: Settings) -> str:
    """What it answered. Raises LoaError or urllib3's HTTPError."""
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", f"http://127.0.0.1:{settings.port}/healthz", timeout=ANSWER_SECONDS, retries=False)
    if response.status != 200:
        raise LoaError(f"/healthz answered {response.status}")
    return "/healthz answers"


def worker_is_well(settings: Settings) -> str:
    """What its processes do. Raises LoaError."""
    if not settings.redis_url:
        raise InvalidSetting("LOA_REDIS_URL is not set")
    host = socket.gethostname()
    here = [slot for slot in Store.for_thread(settings).slots.all() if slot.host == host]
    told = ", ".join(f"{slot.id} is {slot.state}" for slot in here) or f"no worker process of {host} has a heartbeat"
    if not any(slot.state in USEFUL for slot in here):
        raise LoaError(told)
    return told


def deliver_is_well(settings: Settings) -> str:
    """Which processes of this host deliver. Raises LoaError."""
    if not settings.redis_url:
        raise InvalidSetting("LOA_REDIS_URL is not set")
    host = socket.gethostname()
    here = [courier for courier in Store.for_thread(settings).deliveries.couriers() if courier.rpartition("-")[0] == host]
    if not here:
        raise LoaError(f"no process of {host} has asked for webhooks of late")
    return f"{', '.join(here)} asks for webhooks"


CHECKS = {"api": api_is_well, "worker": worker_is_well, "deliver": deliver_is_well}


def main(arguments: Sequence[str]) -> int:
    """Write one line and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stderr.write(f"usage: python -m loa.health {'|'.join(CHECKS)}\n")
        return 2
    try:
        sys.stdout.write(CHECKS[arguments[0]](Settings.load()) + "\n")
    except (LoaError, urllib3.exceptions.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
