"""No webhook reaches what it must not: for every hostile URL, not one connection. And for every proper one, exactly one.

The trap is real: servers on 127.0.0.1 and ::1, a recorder of every socket that is made, and Python's own audit of every connect. The
last test takes the guard away and sees the trap filled, so that an empty one means something.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from yarl import URL

from loa.webhooks import sender as sender_module
from loa.webhooks.addresses import AllowList, Target
from loa.webhooks.door import MeteredSocket
from loa.webhooks.sender import Attempt, Message, Sender
from loa.webhooks.signature import new_secret
from tests.faults.certificate import certificate
from tests.faults.hostile_urls import ANSWERS, CONTROLS, HOSTILE, ILL_FORMED, PUBLIC
from tests.faults.rows import Row

MESSAGE = Message("msg_1", b'{"type":"test"}')
NOTHING = AllowList()
EVERYTHING = AllowList.parse("0.0.0.0/0 ::/0 cloud.example")
CONNECTS: list[object] = []  # every address that the thread of the tests, and so the sender, connects to


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and threading.current_thread() is threading.main_thread():
        CONNECTS.append(arguments[1])


sys.addaudithook(_audit)  # for ever: there is no way to take one away


class _Handler(BaseHTTPRequestHandler):
    server: Trap

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.hosts.append(self.headers["Host"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Trap(ThreadingHTTPServer):
    """Notes everybody who connects."""

    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, address: str, port: int) -> None:
        self.address_family = family
        self.connections = 0
        self.hosts: list[str] = []
        super().__init__((address, port), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that wants TLS where there is none."""


@contextlib.contextmanager
def running(trap: Trap) -> Iterator[Trap]:
    thread = threading.Thread(target=trap.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with trap:
            yield trap
            trap.shutdown()
    finally:
        thread.join()


@pytest.fixture(scope="module")
def traps() -> Iterator[list[Trap]]:
    """One on each loopback address, on the same port."""
    with contextlib.ExitStack() as stack:
        traps = [stack.enter_context(running(Trap(socket.AF_INET, "127.0.0.1", 0)))]
        if socket.has_ipv6:
            with contextlib.suppress(OSError):  # a machine without ::1
                traps.append(stack.enter_context(running(Trap(socket.AF_INET6, "::1", traps[0].server_port))))
        yield traps


class Recorder:
    """Makes sockets that note where they connect to; only loopback is really reached, whatever the test."""

    def __init__(self, divert_to: int | None = None) -> None:
        self.made = 0
        self.targets: list[tuple[str, int]] = []
        self._divert_to = divert_to

    def __call__(self, family: int, kind: int, protocol: int) -> MeteredSocket:
        recorder, divert_to = self, self._divert_to
        self.made += 1

        class Recorded(MeteredSocket):
            def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
                recorder.targets.append(address[:2])
                if divert_to is not None:
                    return super().connect(("127.0.0.1" if family == socket.AF_INET else "::ffff:127.0.0.1", divert_to))
                if not (ipaddress.ip_address(address[0]).is_loopback or ipaddress.ip_address(address[0]).is_unspecified):
                    raise ConnectionRefusedError("no test leaves this machine")
                return super().connect(address)

        return Recorded(family, kind, protocol)


async def resolve(host: str) -> Sequence[str]:
    """Name servers that say what is written down, and the system's way with numbers."""
    host = host.lower().rstrip(".")
    if host in ANSWERS:
        return ANSWERS[host]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def attempt(url: str, recorder: Recorder, allowed: AllowList = NOTHING, tls: ssl.SSLContext | None = None) -> Attempt:
    return asyncio.run(Sender([new_secret()], allowed, timeout=5, resolver=resolve, make_socket=recorder, tls=tls).send(url, MESSAGE))


def written(url: str, traps: list[Trap]) -> str:
    port = traps[0].server_port
    return url.replace("{port}", str(port)).replace("{overflow}", str(port + 65536))


def lenient(url: str) -> Target:
    """What an HTTP library makes of a URL, when nobody looks at how it is written."""
    parsed = URL(url)
    return Target(scheme=parsed.scheme, host=parsed.host or "", port=parsed.port or 0)


@pytest.fixture
def naive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line of defence is gone: only the check of addresses is left."""
    monkeypatch.setattr(sender_module, "check_url", lenient)
    monkeypatch.setattr(sender_module, "URL", lambda url, encoded: URL(url))


def assert_nothing_was_reached(url: str, traps: list[Trap], allowed: AllowList = NOTHING) -> None:
    recorder = Recorder()
    before = len(CONNECTS), [trap.connections for trap in traps]
    done = attempt(written(url, traps), recorder, allowed)
    assert (done.status, done.answer) == (None, "")
    assert done.error
    assert not done.succeeded
    assert (recorder.made, recorder.targets) == (0, [])
    assert (len(CONNECTS), [trap.connections for trap in traps]) == before


def test_the_corpus_is_large_and_without_repeats() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", [*HOSTILE, *ILL_FORMED])
def test_a_hostile_url_connects_to_nothing(url: str, traps: list[Trap]) -> None:
    assert_nothing_was_reached(url, traps)


def test_all_of_them_after_each_other(traps: list[Trap], fault_row: Callable[..., Row]) -> None:
    row = fault_row(f"{len(HOSTILE)} SSRF URLs", "0 connects; each public control URL is allowed")
    for url in HOSTILE:
        assert_nothing_was_reached(url, traps)
        row.injected += 1
    for url in CONTROLS:
        recorder = Recorder()
        attempt(url, recorder)
        assert [address for address, _ in recorder.targets] == [CONTROLS[url]]
    row.check()


@pytest.mark.usefixtures("naive")
@pytest.mark.parametrize("url", HOSTILE)
def test_nor_does_it_when_only_addresses_are_checked(url: str, traps: list[Trap]) -> None:
    assert_nothing_was_reached(url, traps)


@pytest.mark.parametrize("url", [url for url in HOSTILE if "169" in url or "a9fe" in url or "A9FE" in url or "cloud" in url])
def test_no_allow_list_opens_a_metadata_service(url: str, traps: list[Trap]) -> None:
    assert_nothing_was_reached(url, traps, EVERYTHING)


@pytest.mark.parametrize("name", ["cloud.example", "metadata.google.internal", "instance-data"])
def test_nor_one_that_has_a_name(name: str, traps: list[Trap]) -> None:
    assert_nothing_was_reached(f"http://{name}/", traps, EVERYTHING)


def test_an_answer_tells_nothing_of_the_network_inside() -> None:
    done = attempt("http://private.example/", Recorder())
    assert done.error == "private.example is not public; LOA_WEBHOOK_ALLOW may list it"


def test_a_name_that_changes_its_mind_is_looked_up_once_an_attempt(traps: list[Trap]) -> None:
    """DNS rebinding: public when it is checked, private when it is used."""
    answers = iter([[PUBLIC], ["127.0.0.1"], [PUBLIC], ["127.0.0.1"]])
    lookups: list[str] = []

    async def rebinding(host: str) -> Sequence[str]:
        lookups.append(host)
        return next(answers)

    async def run() -> list[Attempt]:
        sender = Sender([new_secret()], AllowList(), timeout=5, resolver=rebinding, make_socket=recorder)
        return [await sender.send(f"http://rebinding.example:{port}/", MESSAGE) for _ in range(4)]

    recorder, port, before = Recorder(), traps[0].server_port, [trap.connections for trap in traps]
    first, second, third, fourth = asyncio.run(run())
    assert first.error == third.error == "no connection: it was not accepted"  # of the recorder
    assert second.error == fourth.error == "rebinding.example is not public; LOA_WEBHOOK_ALLOW may list it"
    assert len(lookups) == 4
    assert recorder.targets == [(PUBLIC, port)] * 2
    assert [trap.connections for trap in traps] == before


@pytest.fixture(scope="module")
def tls_trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trap, ssl.SSLContext, list[str]]]:
    """A server that speaks TLS for the names of the controls, a client's context that trusts it, and the names that clients asked for."""
    file: Path = certificate(tmp_path_factory.mktemp("tls"), "public.example", "public6.example")
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.sni_callback = lambda _connection, name, _context: names.append(name)
    trap = Trap(socket.AF_INET, "127.0.0.1", 0)
    trap.socket = context.wrap_socket(trap.socket, server_side=True)
    with running(trap):
        yield trap, ssl.create_default_context(cafile=file), names


@pytest.mark.parametrize("url", CONTROLS)
def test_a_public_url_gets_its_message(url: str, traps: list[Trap], tls_trap: tuple[Trap, ssl.SSLContext, list[str]]) -> None:
    """The connection goes to the address that was checked (here, it is diverted), and says the name in Host and in TLS."""
    secure, tls, names = tls_trap
    parsed = URL(url)
    trap = secure if parsed.scheme == "https" else traps[0]
    recorder = Recorder(divert_to=trap.server_port)
    done = attempt(url, recorder, tls=tls)
    assert done.succeeded, done
    assert recorder.targets == [(CONTROLS[url], parsed.port)]
    assert trap.hosts[-1].lower() == (parsed.host_port_subcomponent or "").rstrip(".")
    assert parsed.scheme == "http" or names[-1] == parsed.host


def test_the_certificate_has_to_be_the_names(tls_trap: tuple[Trap, ssl.SSLContext, list[str]]) -> None:
    secure, tls, _ = tls_trap
    done = attempt("https://1.public.example/", Recorder(divert_to=secure.server_port), tls=tls)
    assert done.error is not None
    assert done.error.startswith("the certificate is not valid: Hostname mismatch")


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://127.0.0.1:{port}/", "127.0.0.1:{port}"),
        ("http://127.0.0.1:{port}/", "127.0.0.0/8"),
        ("http://loop.example:{port}/", "loop.example"),
        ("http://loop.example:{port}/", "loop.example:{port}"),
        ("http://mixed-first.example:{port}/", "127.0.0.1"),
        ("http://mapped.example:{port}/", "127.0.0.1"),
    ],
)
def test_the_allow_list_opens_what_it_lists(url: str, listed: str, traps: list[Trap]) -> None:
    recorder, before = Recorder(), traps[0].connections
    assert attempt(written(url, traps), recorder, AllowList.parse(written(listed, traps))).succeeded
    assert traps[0].connections == before + 1


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://127.0.0.1:{port}/", "127.0.0.1:9"),
        ("http://127.0.0.1:{port}/", "loop.example"),
        ("http://loop.example:{port}/", "loop.example:9 other.example 10.0.0.0/8"),
        ("http://mixed6.example:{port}/", "127.0.0.1"),
    ],
)
def test_and_nothing_beside_it(url: str, listed: str, traps: list[Trap]) -> None:
    assert_nothing_was_reached(url, traps, AllowList.parse(listed))


@pytest.mark.usefixtures("naive")
def test_without_the_guard_the_trap_is_filled(traps: list[Trap], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AllowList, "permits", lambda *_: True)
    reached = 0
    for url in HOSTILE:
        recorder = Recorder()
        with contextlib.suppress(Exception):
            attempt(written(url, traps), recorder)
        reached += bool(recorder.targets)
    assert reached >= 60
    assert traps[0].connections >= 10
