"""The HTTP server: waitress, with the few things that it does not do by itself.

Waitress reads requests and sends answers in one asynchronous thread and gives only whole requests to its worker threads, so a slow socket
costs a socket and no thread (benchmarks/servers.py compares it with gunicorn). Added here:

- A request that arrives too slowly is cut, also when a byte comes now and then (waitress itself cuts only silent connections).
- What waitress refuses on its own is a problem document like every other error.
- A client that is refused in the middle of its upload can read the refusal: for a short while its data is read and forgotten, where closing
  at once would reset the connection.
- A client that asks and asks and never reads is answered one request at a time, holds no thread, and is cut like any other slow one.
- SIGTERM lets running requests end.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import resource
import socket
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from api import problems
from api.bodies import MEMORY_BYTES, Held
from api.headers import SECURITY_HEADERS
from api.parsing import RequestParser
from api.requests import longest_body
from loa.errors import (
    BodyTooLarge,
    HeadersTooLarge,
    InvalidSetting,
    LoaError,
    MalformedHttp,
    PortInUse,
    StorageFull,
    TooManyUploads,
    UnsupportedHttp,
)
from loa.settings import Settings

log = logging.getLogger(__name__)

CLEANUP_SECONDS = 1  # between looks at slow connections
LEAST_UPLOAD_RATE = 20_000  # bytes a second on average, after the first LOA_SOCKET_TIMEOUT seconds
HEADER_BYTES = 65_536
RECEIVE_BYTES = 65_536  # at once from a client
ANSWER_BYTES = 1_048_576  # that may wait for a client to take them; files are not counted, they wait on the disk
MOST_CONNECTIONS = 4_000
SPARE_FILES = 100  # file descriptors beside client connections and one Redis connection a thread
LINGER_SECONDS = 5.0  # for reading and forgetting the rest of a refused upload
BACKLOG = 1_024

_REFUSALS: dict[int, tuple[type[LoaError], str]] = {
    400: (MalformedHttp, "this is not HTTP/1.1 as it should be"),
    413: (BodyTooLarge, "the body is over the limit"),
    431: (HeadersTooLarge, f"the headers are over {HEADER_BYTES:,} bytes"),
    501: (UnsupportedHttp, "this Transfer-Encoding is not supported"),
    503: (TooManyUploads, "this server is busy with as many large bodies as it may hold"),
    507: (StorageFull, "the server has no room for this body"),
}


class Refusal(ErrorTask):
    """A request that never reached the application."""

    def execute(self) -> None:
        found = self.request.error
        kind, message = _REFUSALS.get(found.code, (LoaError, "the server met an error that it did not expect; its log has the cause"))
        error = kind(message)
        content = problems.body(error)
        self.status = f"{error.status} {found.reason}"
        self.response_headers.extend((SECURITY_HEADERS | problems.headers(error)).items())
        self.set_close_on_finish()
        self.content_length = len(content)
        self.channel.lingers = True
        self.write(content)


class Channel(HTTPChannel):
    """One connection of a client."""

    error_task_class = Refusal

    began = 0.0  # when the first byte of the request came that is not whole yet; 0: none is under way
    held_back = False  # the next request waits until the client has taken the answers to those before it
    lingers = False  # refused: do not close while the client still sends
    _lingering_since = 0.0

    def parser_class(self, adj: Adjustments) -> RequestParser:
        return RequestParser(adj, self.server.held)

    def received(self, data: bytes) -> bool:
        taken = bool(super().received(data))
        if self.request is None:
            self.began = 0.0
        elif not self.began:
            self.began = time.time()
        return taken

    def too_slow(self, now: float, limit: float) -> bool:
        """Whether the client has had its time: for the first byte, for the headers, for each part of the body, for taking its answer."""
        if self._lingering_since:
            return now - self._lingering_since > LINGER_SECONDS
        if self.requests and not self.total_outbufs_len:
            return False  # the server's turn
        if self.request is not None and self.began:
            return now - self.began > limit + self.request.body_bytes_received / LEAST_UPLOAD_RATE
        return now - self.last_activity > limit

    def cut(self) -> None:
        """Close the connection, now: a client that takes nothing never lets its socket become writable, which waitress would wait for."""
        self.lingers = False
        self.will_close = True
        self.handle_close()

    def handle_close(self) -> None:
        if self.lingers and self.connected and not self._lingering_since:
            self._lingering_since = time.time()
            self.will_close = self.close_when_flushed = False
            with contextlib.suppress(OSError):  # the client was faster
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_close()
        for request in (self.request, *(self.requests if self.held_back else ())):
            if request is not None:
                request.close()  # half of it came, or nobody will answer it

    def writable(self) -> bool:
        return bool(super().writable()) or self.held_back

    def handle_write(self) -> None:
        super().handle_write()
        if self.held_back and self.connected and not self.total_outbufs_len:
            self.held_back = False
            self.server.add_task(self)

    def readable(self) -> bool:
        return True if self._lingering_since and not self.will_close else bool(super().readable())

    def handle_read(self) -> None:
        if not self._lingering_since:
            super().handle_read()
            return
        try:
            rest = self.recv(self.adj.recv_bytes)
        except OSError:
            rest = b""
        if not rest:
            super().handle_close()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.requests and self.request is None and not self.total_outbufs_len


class Server(TcpWSGIServer):
    """Listens from its creation on; `run` serves until `stop`."""

    channel_class = Channel

    def __init__(self, application: Callable[..., Any], settings: Settings) -> None:
        """Raises PortInUse, or InvalidSetting for an address that is not one of this machine."""
        adjustments = _adjustments(settings)
        self.held = Held(settings.uploads_limit)
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.queue_logger.setLevel(logging.ERROR)  # it warns of every request that waits for a thread
        try:
            super().__init__(application, dispatcher=dispatcher, adj=adjustments)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"{settings.host}:{settings.port} is in use", port=settings.port) from error
            raise InvalidSetting(f"cannot listen on LOA_HOST {settings.host}, LOA_PORT {settings.port}: {error.strerror}") from error
        dispatcher.set_thread_count(adjustments.threads)
        self._stopping = False
        self._overdue: list[Channel] = []

    @property
    def url(self) -> str:
        host = f"[{self.effective_host}]" if ":" in self.effective_host else self.effective_host
        return f"http://{host}:{self.effective_port}"

    def add_task(self, channel: Channel) -> None:
        """Let a thread answer the next request of a channel, once its client has taken what it asked for before."""
        if channel.total_outbufs_len:
            channel.held_back = True
        else:
            super().add_task(channel)

    def maintenance(self, now: float) -> None:
        """Note the connections whose client has had its time."""
        self._overdue = [channel for channel in self.active_channels.values() if channel.too_slow(now, self.adj.channel_timeout)]

    def stop(self) -> None:
        """Make `run` return; from a signal handler or another thread."""
        self._stopping = True
        self.pull_trigger()

    def run(self, closing: Callable[[], None] = lambda: None, grace: float = 8.0) -> None:
        """Serve until `stop`. Then take no new connection, call `closing`, and give requests that are under way `grace` seconds to end."""
        while not self._stopping:
            self._turn()
        self.accepting = False
        wasyncore.dispatcher.close(self)  # the listening socket only; the channels and the trigger stay in the map
        closing()
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(not channel.idle for channel in self.active_channels.values()):
            self._turn()
        self.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def _turn(self) -> None:
        """One round of reading and writing; at most a second."""
        wasyncore.loop(timeout=1, use_poll=True, map=self._map, count=1)
        while self._overdue:  # not during the round: a new connection would get the number of the closed one, and its end
            self._overdue.pop().cut()


def _connection_limit(threads: int) -> int:
    """As many clients as file descriptors allow; the soft limit is raised to the hard one first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + threads + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(100, min(MOST_CONNECTIONS, soft - threads - SPARE_FILES))


def _adjustments(settings: Settings) -> Adjustments:
    """Waitress's settings from ours. Raises InvalidSetting for a host that is unknown."""
    try:
        return Adjustments(
            host=settings.host,
            port=settings.port,
            threads=settings.api_threads,
            connection_limit=_connection_limit(settings.api_threads),
            backlog=BACKLOG,
            channel_timeout=settings.socket_timeout,
            cleanup_interval=CLEANUP_SECONDS,
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=longest_body(settings) + 1,  # it refuses what reaches the limit
            recv_bytes=RECEIVE_BYTES,
            outbuf_high_watermark=ANSWER_BYTES,
            inbuf_overflow=MEMORY_BYTES,
            channel_request_lookahead=1,  # else nobody notices that a waiting client has hung up
            asyncore_use_poll=True,  # select() ends at 1,024 sockets
            clear_untrusted_proxy_headers=True,
            ident="loa",
        )
    except ValueError as error:
        raise InvalidSetting(f"LOA_HOST is {settings.host!r}, which is no address or name that this machine knows") from error
