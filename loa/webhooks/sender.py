"""Sends webhooks: one signed POST an attempt, to checked addresses only, within a deadline, whatever the receiver does.

Each attempt has a connection of its own, which goes through a door of its own (loa/webhooks/door.py). The name stays in the Host header
and in TLS. Redirects are not followed, proxies of the environment not used.

What decides is the status: a receiver that says 200 has the message, even if the rest of its answer never comes.
"""

from __future__ import annotations

import asyncio
import email.utils
import errno
import logging
import os
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

import aiohttp
from yarl import URL

from loa import __version__
from loa.errors import InvalidWebhook
from loa.webhooks.addresses import AllowList, check_url
from loa.webhooks.door import Door, MeteredSocket, Refused, Resolver, SocketMaker
from loa.webhooks.names import Names
from loa.webhooks.signature import Secret, sign

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 20_000  # bytes
KEPT_BYTES = 1024  # of an answer, to show
LONGEST_PAUSE = 24 * 3600.0  # seconds that a Retry-After is honoured for: the longest pause of the schedule
USER_AGENT = f"loa/{__version__}"
OUR_FAULTS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)  # not the receiver's: no attempt was made


@dataclass(frozen=True)
class Message:
    """What is sent, the same in every attempt and to every endpoint."""

    id: str  # the header webhook-id, by which receivers know a message again
    body: bytes  # JSON

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", self.id):
            raise ValueError(f"{self.id!r} is no message id: it takes up to 128 letters, digits, _ and -")
        if len(self.body) > LONGEST_MESSAGE:
            raise ValueError(f"message {self.id} has {len(self.body)} bytes; {LONGEST_MESSAGE} is the limit")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What became of one attempt."""

    at: float  # seconds since the epoch, when it began; webhook-timestamp is this
    status: int | None  # of the answer; None: there was none
    seconds: float  # until it was over
    answer: str  # the first 1024 bytes; what cannot be shown is replaced
    error: str | None  # why it failed; None: it did not
    retry_after: float | None  # seconds that the receiver asks to wait, at most 24 hours

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no message ever again (410)."""
        return self.status == 410


class Sender:
    """Makes attempts. Belongs to one event loop; any number of them may be under way at once."""

    def __init__(
        self,
        secrets: Sequence[Secret],
        allowed: AllowList,
        *,
        timeout: float = 15.0,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        make_socket: SocketMaker | None = None,
    ) -> None:
        """`secrets` sign, newest first. `timeout` is of a whole attempt, in seconds, looking up the name included.

        `resolver` gives all addresses of a name (default: the system's). `tls` checks certificates (default: as the system does).
        """
        self.secrets, self.allowed, self.timeout = tuple(secrets), allowed, timeout
        self._resolve = Names() if resolver is None else resolver
        self._tls = True if tls is None else tls
        self._make_socket = MeteredSocket if make_socket is None else make_socket
        self._closed = False

    async def send(self, url: str, message: Message) -> Attempt:
        """Make one attempt.

        Whatever is wrong with the URL or the receiver is in the answer. Raises OSError when this process is out of files or memory.
        """
        if self._closed:
            raise RuntimeError("the sender is closed")
        return await self._attempt(url, message)

    async def close(self) -> None:
        """No more attempts begin. Those under way go on: cancel their tasks to end them."""
        self._closed = True

    async def _attempt(self, url: str, message: Message) -> Attempt:
        at, began = time.time(), time.monotonic()
        answer = _Answer()
        error: str | None = None
        try:
            async with asyncio.timeout(self.timeout) as deadline:
                await self._exchange(url, message, int(at), answer)
        except Exception as raised:  # noqa: BLE001 - whatever a receiver makes of this, the next one gets its message
            error = f"no answer within {self.timeout:g} s" if deadline.expired() else _reason(raised)
        if answer.status is not None:
            error = None if 200 <= answer.status < 300 else _refusal(answer.status)
        return Attempt(
            at=at,
            status=answer.status,
            seconds=time.monotonic() - began,
            answer=_shown(answer.body),
            error=error,
            retry_after=_pause(answer.retry_after, time.time()),
        )

    async def _exchange(self, url: str, message: Message, timestamp: int, answer: _Answer) -> None:
        """Send the message and read the answer into `answer`, so that what came before an error is not lost."""
        door = Door(check_url(url), self.allowed, self._resolve, self._make_socket)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.secrets, message.id, timestamp, message.body),
        }
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=door, socket_factory=door.open, use_dns_cache=False, force_close=True, ssl=self._tls
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the deadline is around all of it
                auto_decompress=False,  # a few bytes may stand for gigabytes
                trust_env=False,
            ) as session,
            door,
            session.post(URL(url, encoded=True), data=message.body, headers=headers, allow_redirects=False) as response,
        ):
            answer.status, answer.retry_after = response.status, response.headers.get("Retry-After")
            try:
                async for chunk in response.content.iter_any():
                    answer.body += chunk[: KEPT_BYTES - len(answer.body)]
            finally:
                response.close()


@dataclass
class _Answer:
    """As much of an answer as has come."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""


def _refusal(status: int) -> str:
    return f"answered {status}; redirects are not followed" if 300 <= status < 400 else f"answered {status}"


def _reason(error: Exception) -> str:
    """What to tell about an attempt without an answer; nothing of the network behind this process. Raises what is our own fault."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno in OUR_FAULTS:
        raise error
    if isinstance(error, InvalidWebhook):
        return error.message
    if isinstance(cause, Refused):
        return str(cause)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name is not known"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not valid: {getattr(error.certificate_error, 'verify_message', '') or 'see the log'}"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection: the other side does not speak it, or not as it should"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {os.strerror(cause.errno) if cause.errno and cause.errno > 0 else 'it was not accepted'}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError):
        return "the connection was cut before an answer came"
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return "the answer is not HTTP as it should be"
    log.error("a webhook failed in a way that is not foreseen", exc_info=error)
    return f"the attempt failed: {type(error).__name__}"


def _pause(retry_after: str | None, now: float) -> float | None:
    """The seconds that a Retry-After asks for, as a number or as a date; None where it is neither."""
    text = (retry_after or "").strip()
    try:
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), LONGEST_PAUSE)
        when = email.utils.parsedate_to_datetime(text)
        return min(max((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now, 0.0), LONGEST_PAUSE)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _shown(body: bytes) -> str:
    """`body` as text that is safe to show in a terminal."""
    text = body.decode("utf-8", "replace")
    return "".join(character if character.isprintable() or character in "\n\t" else "\ufffd" for character in text)
