"""What receivers can do to the sender: nothing beyond their own attempt.

Marks: every retry has the same id; an attempt ends by its deadline and one second; memory grows by 5 MB at most; endpoints that are well
get their messages within 2 s (p95), whatever the others do.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from loa.broker import Broker
from loa.webhooks import names as names_module
from loa.webhooks.addresses import AllowList
from loa.webhooks.door import READ_BYTES, MeteredSocket
from loa.webhooks.names import NEW_THREADS, Names
from loa.webhooks.places import PLACES, Places, allow_open_files
from loa.webhooks.sender import KEPT_BYTES, Attempt, Message, Sender
from loa.webhooks.signature import new_secret
from loa.webhooks.states import Pace
from tests.faults.memory import PeakMemory
from tests.faults.misbehaviour import (
    BLOCK,
    BOMB,
    GIGABYTE,
    Behaviour,
    Receiver,
    answering,
    breaking_off,
    deaf,
    dripping,
    flooding,
    leaving,
    receiving,
    resetting,
    silence,
)
from tests.faults.rows import Row, sized
from tests.waiting import until
from tests.webhooks.conftest import DATABASE
from tests.webhooks.office import Office, delivering, opened

DEADLINE = sized(1.0, 15.0)  # seconds
DRIP = sized(0.2, 1.0)  # seconds between two bytes
RETRIES = sized(2, 3)
WELL = 30  # messages to endpoints that are well
HANGING = sized(500, 2000)  # endpoints that never answer
MEMORY = 5 * 1024**2
BODY = json.dumps({"type": "job.succeeded", "data": {"text": "x" * 15_000}}).encode()
SECRET = new_secret()
OK = b"HTTP/1.1 200 OK\r\n"
CUT = "the connection was cut before an answer came"
LATE = f"no answer within {DEADLINE:g} s"
NO_HTTP = "the answer is not HTTP as it should be"
ENDLESS = f"{NO_HTTP}|{CUT}"  # which of them, depends on what comes first: the limit of the parser or of the connection


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A receiver that misbehaves, and what the attempt has to say about it."""

    behaviour: Behaviour
    status: int | None
    error: str | None  # a pattern
    answer: str = ""  # how it begins
    window: int | None = None


FAULTS = {
    "500": Fault(behaviour=answering(500, body=b"no disk"), status=500, error="answered 500", answer="no disk"),
    "timeout": Fault(behaviour=silence, status=None, error=LATE),
    "reads nothing": Fault(behaviour=deaf, status=None, error=LATE, window=1024),
    "1 byte/s": Fault(behaviour=dripping(b"", DRIP), status=None, error=LATE),
    "1 byte/s after 200": Fault(behaviour=dripping(OK + b"Content-Length: 1000\r\n\r\n", DRIP), status=200, error=None, answer="H"),
    "1 GB": Fault(behaviour=flooding(OK + f"Content-Length: {GIGABYTE}\r\n\r\n".encode()), status=200, error=None, answer="aaa"),
    "1 GB in chunks": Fault(
        behaviour=flooding(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + BLOCK + b"\r\n"), status=200, error=None, answer="aaa"
    ),
    "1 GB without an end": Fault(behaviour=flooding(OK + b"\r\n"), status=200, error=None, answer="aaa"),
    "1 GB of headers": Fault(behaviour=flooding(OK, b"X-More: " + b"a" * 4000 + b"\r\n"), status=None, error=ENDLESS),
    "1 GB in one header": Fault(behaviour=flooding(OK + b"X-More: "), status=None, error=ENDLESS),
    "1 GB of interim answers": Fault(behaviour=flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), status=None, error=CUT),
    "zip bomb": Fault(
        behaviour=answering(200, "OK", "Content-Encoding: gzip", body=BOMB), status=200, error=None, answer="\ufffd\ufffd\ufffd"
    ),
    "reset": Fault(behaviour=resetting, status=None, error=CUT),
    "reset in the answer": Fault(behaviour=breaking_off, status=None, error=CUT),
    "closed": Fault(behaviour=leaving, status=None, error=CUT),
    "no HTTP": Fault(behaviour=flooding(b"SSH-2.0-OpenSSH_9.9\r\n", b"\x00\xff" * 30_000), status=None, error=NO_HTTP),
}


def message(number: int = 0) -> Message:
    return Message(f"msg_{number}", BODY)


def make_sender(timeout: float = DEADLINE, **options: Any) -> Sender:
    return Sender([SECRET], AllowList.parse("127.0.0.1"), timeout=timeout, **options)


async def retries(sender: Sender, receiver: Receiver) -> list[Attempt]:
    """Attempts to send one message, one after the other."""
    return [await sender.send(receiver.url, message()) for _ in range(RETRIES)]


async def deliveries(well: Receiver) -> list[float]:
    """Messages to endpoints that are well, ten at a time; the seconds of each."""
    sender = make_sender(15.0)

    async def deliver(number: int) -> float:
        began = time.monotonic()
        attempt = await sender.send(f"{well.url}{number % 10}", message(number))
        assert attempt.succeeded, attempt
        return time.monotonic() - began

    return [seconds for start in range(0, WELL, 10) for seconds in await asyncio.gather(*map(deliver, range(start, start + 10)))]


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


@pytest.mark.parametrize("name", FAULTS)
def test_a_receiver_that_misbehaves(name: str, fault_row: Callable[..., Row]) -> None:
    fault = FAULTS[name]
    row = fault_row(f"receiver: {name}", "same id; attempt ≤ deadline + 1 s; ≤ +5 MB; others p95 ≤ 2 s", within=DEADLINE + 1.0)

    async def run() -> None:
        sockets = Sockets()
        sender = make_sender(make_socket=sockets)
        async with receiving(fault.behaviour, window=fault.window) as receiver, receiving(answering(204)) as well:
            await asyncio.gather(sender.send(receiver.url, message()), deliveries(well))  # what is loaded once, is
            receiver.requests.clear()
            with PeakMemory() as memory:
                attempts, seconds = await asyncio.gather(retries(sender, receiver), deliveries(well))
            assert memory.growth <= MEMORY
            assert p95(seconds) <= 2.0
            for attempt in attempts:
                assert attempt.status == fault.status
                assert attempt.error == fault.error or re.fullmatch(fault.error or "", attempt.error or "")
                row.injected += 1
                row.recovered(attempt.seconds)
                assert attempt.answer.startswith(fault.answer)
                assert len(attempt.answer) <= KEPT_BYTES
                assert attempt.succeeded is (fault.error is None)
            assert len(receiver.requests) == RETRIES
            for headers, attempt in zip(receiver.requests, attempts, strict=True):
                assert headers["webhook-id"] == "msg_0"
                assert headers["webhook-timestamp"] == str(int(attempt.at))
                assert Webhook(SECRET.text).verify(BODY, headers) == json.loads(BODY)
            row.mark += f"; saw {memory.growth / 1024**2:+.1f} MB, p95 {p95(seconds):.3f} s"
            assert len(sockets) == RETRIES + 1
            await until(lambda: sockets.open == 0, what="every connection is closed with its attempt")
            row.check()

    asyncio.run(run())


class Sockets(list[MeteredSocket]):
    """Makes the sockets of a sender, and keeps them to look at."""

    def __call__(self, family: int, kind: int, protocol: int) -> MeteredSocket:
        self.append(MeteredSocket(family, kind, protocol))
        return self[-1]

    @property
    def open(self) -> int:
        return sum(made.fileno() >= 0 for made in self)


def test_a_gigabyte_is_cut_off() -> None:
    async def run() -> None:
        reads: list[int] = []

        class Counted(MeteredSocket):
            def recv(self, size: int, flags: int = 0) -> bytes:
                data = super().recv(size, flags)
                reads.append(len(data))
                return data

        async with receiving(FAULTS["1 GB"].behaviour) as receiver:
            attempt = await make_sender(make_socket=Counted).send(receiver.url, message())
            assert attempt.answer == "a" * KEPT_BYTES
            assert sum(reads) == READ_BYTES

    asyncio.run(run())


def test_thousands_of_receivers_that_hang_delay_nobody(fault_row: Callable[..., Row], tmp_path: Path, broker: Broker) -> None:
    row = fault_row(f"{HANGING} receivers that hang", "others p95 ≤ 2 s; ≤ 100 kB each")
    allow_open_files()  # both ends of every connection are in this process
    redis_url = broker.url.replace("db=0", f"db={DATABASE}")

    async def run(office: Office) -> None:
        async with receiving(silence) as hanging, receiving(answering(204)) as well:
            urls = [f"{hanging.url}{number}" for number in range(HANGING)]
            await asyncio.to_thread(hang_for_a_while, office, urls)
            with PeakMemory() as memory:
                async with delivering(office, Places()):
                    await until(lambda: len(hanging.open) == min(HANGING, PLACES[Pace.SLOW]), 60)
                    seconds = [await event(office, well) for _ in range(WELL)]
                    under_way = len(hanging.open)
                    for conversation in list(hanging.open):
                        await conversation.end()
            assert under_way == min(HANGING, PLACES[Pace.SLOW])
            assert p95(seconds) <= 2.0
            assert memory.growth <= under_way * 100_000
            row.injected = HANGING
            row.mark += f"; saw p95 {p95(seconds):.3f} s, {memory.growth / under_way / 1000:.0f} kB"
            row.check()

    with opened(tmp_path, redis_url, webhook_timeout=60.0, webhook_schedule="0 0.001 86400") as office:
        asyncio.run(run(office))
        office.store.database.client.flushdb()


def hang_for_a_while(office: Office, urls: list[str]) -> None:
    """An event for each of them, at which it hung before."""
    for url in urls:
        office.end_jobs(1, url)
    due, _ = office.store.deliveries.claim("before-1", {Pace.NEW: len(urls)})
    assert len(due) == len(urls)
    for one in due:
        late = Attempt(at=time.time(), status=None, seconds=15.0, answer="", error=LATE, retry_after=None)
        office.store.deliveries.attempted(one, late)


async def event(office: Office, well: Receiver) -> float:
    """The seconds that an event takes to a receiver that is well."""
    before, began = len(well.requests), time.monotonic()
    await asyncio.to_thread(office.end_jobs, 1, well.url)
    await until(lambda: len(well.requests) > before)
    return time.monotonic() - began


def test_name_servers_that_never_answer_hold_up_no_name_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "KEPT_SECONDS", 0.0)  # every attempt asks

    async def run() -> None:
        answer, asked = threading.Event(), list[str]()

        def lookup(host: str) -> list[str]:
            asked.append(host)
            assert not host.startswith("slow") or answer.wait(60)
            return ["127.0.0.1"]

        names = Names(lookup)
        hasty, patient = make_sender(resolver=names), make_sender(60.0, resolver=names)
        async with receiving(answering(204)) as well:
            url = well.url.replace("127.0.0.1", "well.example")
            assert (await patient.send(url, message())).succeeded
            stuck = [asyncio.create_task(hasty.send(f"http://slow{number}.example/", message())) for number in range(2 * NEW_THREADS)]
            await until(lambda: len(asked) == 1 + NEW_THREADS)
            assert (await patient.send(url, message())).succeeded
            for attempt in await asyncio.gather(*stuck):
                assert (attempt.status, attempt.error) == (None, LATE)
                assert attempt.seconds <= DEADLINE + 1.0
            assert sorted(asked)[-2:] == ["well.example"] * 2
            assert len(asked) == 2 + NEW_THREADS
            answer.set()

    asyncio.run(run())


def test_410_and_retry_after_are_told(fault_row: Callable[..., Row]) -> None:
    row = fault_row("410", "told after 1 attempt, so that the endpoint is disabled")

    async def run() -> None:
        async with receiving(answering(410)) as gone, receiving(answering(503, "-", "Retry-After: 120")) as busy:
            sender = make_sender()
            attempt = await sender.send(gone.url, message())
            assert (attempt.status, attempt.gone, attempt.succeeded, attempt.retry_after) == (410, True, False, None)
            row.injected = 1
            row.check()
            attempt = await sender.send(busy.url, message())
            assert (attempt.status, attempt.gone, attempt.retry_after) == (503, False, 120.0)

    asyncio.run(run())


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_to_the_metadata_service_is_a_failure_and_nothing_more(status: int, fault_row: Callable[..., Row]) -> None:
    row = fault_row(f"{status} to 169.254.169.254", "0 connects to the target")

    async def run() -> None:
        sockets = Sockets()
        async with receiving(answering(status, "-", "Location: http://169.254.169.254/latest/meta-data/")) as receiver:
            attempt = await make_sender(make_socket=sockets).send(receiver.url, message())
            assert (attempt.status, attempt.error) == (status, f"answered {status}; redirects are not followed")
            assert not attempt.succeeded
            assert (receiver.connects, len(sockets)) == (1, 1)
            row.injected = 1
            row.check()

    asyncio.run(run())
