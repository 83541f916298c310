"""Receivers of webhooks as they should not be, on real sockets of this machine, in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

GIGABYTE = 1024**3
BLOCK = b"a" * 64 * 1024
BOMB = gzip.compress(bytes(100_000_000))  # 100 kB that stand for 100 MB


class Conversation(asyncio.Protocol):
    """One connection. As soon as a request's headers are there, the receiver's behaviour begins."""

    transport: asyncio.Transport

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._unread = b""
        self._writable = asyncio.Event()
        self._behaving: asyncio.Task[None] | None = None
        self.headers: dict[str, str] = {}

    async def write(self, data: bytes) -> None:
        """Send, at the pace of the other side."""
        await self._writable.wait()
        self.transport.write(data)
        self._receiver.written += len(data)

    def reset(self) -> None:
        """Cut the connection as a crashed machine does."""
        made = self.transport.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def end(self) -> None:
        self.transport.abort()
        if self._behaving is not None:
            self._behaving.cancel()
            await asyncio.wait([self._behaving])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._writable.set()
        self._receiver.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._behaving is None:
            head, separator, _ = (self._unread + data).partition(b"\r\n\r\n")
            self._unread += data
            if separator:
                lines = head.decode().split("\r\n")[1:]
                self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                self._receiver.requests.append(self.headers)
                self._behaving = asyncio.ensure_future(self._behave())

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiver.open.discard(self)
        if self._behaving is not None:
            self._behaving.cancel()

    async def _behave(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._receiver.behaviour(self)


Behaviour = Callable[[Conversation], Awaitable[None]]


class Receiver:
    """Does `behaviour` to everybody who connects, and counts."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[dict[str, str]] = []  # their headers, names in small letters
        self.open: set[Conversation] = set()
        self.connects = self.most_open = self.written = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def opened(self, conversation: Conversation) -> None:
        self.connects += 1
        self.open.add(conversation)
        self.most_open = max(self.most_open, len(self.open))


@asynccontextmanager
async def receiving(behaviour: Behaviour, *, window: int | None = None) -> AsyncIterator[Receiver]:
    """A receiver for as long as the block lasts; then all its connections are gone. `window`: bytes that it takes without reading them."""
    receiver = Receiver(behaviour)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    if window is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    receiver.port = listener.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(receiver), sock=listener)
    try:
        yield receiver
    finally:
        server.close()
        for conversation in list(receiver.open):
            await conversation.end()


# --- behaviours


def answering(status: int, reason: str = "-", *headers: str, body: bytes = b"") -> Behaviour:
    """Whoever asks gets this answer."""
    lines = (f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *headers, "", "")

    async def behave(conversation: Conversation) -> None:
        await conversation.write("\r\n".join(lines).encode() + body)
        conversation.transport.close()

    return behave


async def silence(conversation: Conversation) -> None:
    """The request is read, and that is all."""
    await asyncio.Event().wait()


async def deaf(conversation: Conversation) -> None:
    """Nothing more is read, and nothing is said."""
    conversation.transport.pause_reading()
    await asyncio.Event().wait()


def dripping(before: bytes, seconds: float) -> Behaviour:
    """`before` at once, then one byte after the other, `seconds` apart."""

    async def behave(conversation: Conversation) -> None:
        await conversation.write(before)
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            await conversation.write(bytes([byte]))
            await asyncio.sleep(seconds)

    return behave


def flooding(before: bytes, block: bytes = BLOCK) -> Behaviour:
    """`before` once, then `block` until a gigabyte is full."""

    async def behave(conversation: Conversation) -> None:
        await conversation.write(before)
        for _ in range(GIGABYTE // len(block)):
            await conversation.write(block)

    return behave


async def resetting(conversation: Conversation) -> None:
    """The connection is reset instead of an answer."""
    conversation.reset()


async def breaking_off(conversation: Conversation) -> None:
    """The connection is reset in the middle of the status line."""
    await conversation.write(b"HTTP/1.1 2")
    conversation.reset()


async def leaving(conversation: Conversation) -> None:
    """The connection is closed without an answer."""
    conversation.transport.close()
