"""The one way from an attempt to the network.

A name is looked up once; all its addresses have to be permitted; the connection goes to one of them, and is checked again as its socket is
made, so nothing can change in between. An address in the URL itself, which no resolver sees, is checked there as well.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from aiohttp.abc import AbstractResolver, ResolveResult

from loa.webhooks.addresses import Address, AllowList, Target, unmapped

log = logging.getLogger(__name__)

READ_BYTES = 64 * 1024  # taken from a connection, headers and TLS included; more is cut off
TRIED_ADDRESSES = 4  # of one name

Resolver = Callable[[str], Awaitable[Sequence[str]]]
SocketMaker = Callable[[int, int, int], socket.socket]
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class Refused(OSError):
    """No connection is made: the address is neither public nor allowed."""


class MeteredSocket(socket.socket):
    """A connection that ends after READ_BYTES, whatever comes: no parser above it ever sees more."""

    _left = READ_BYTES

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(min(size, self._left), flags) if self._left else b""
        self._left -= len(data)
        return data

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int = 0, flags: int = 0) -> int:  # type: ignore[override]
        size = super().recv_into(buffer, min(nbytes or len(buffer), self._left), flags) if self._left else 0
        self._left -= size
        return size


class Door(AbstractResolver):
    """The one way from an attempt to the network; when it is left, everything is cut. Raises Refused where it leads nowhere."""

    def __init__(self, target: Target, allowed: AllowList, resolve: Resolver, make_socket: SocketMaker) -> None:
        self._target, self._allowed, self._resolve, self._make_socket = target, allowed, resolve, make_socket
        self._sockets: list[socket.socket] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """A receiver that takes nothing more could keep a connection for ever: closing waits until all is sent, this does not."""
        for made in self._sockets:
            if made.fileno() >= 0:
                with contextlib.suppress(OSError):  # it was not connected
                    made.shutdown(socket.SHUT_RDWR)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses of a name: every single one is permitted, or none is given."""
        addresses = await self._resolve(host)
        checked = [str(self._checked(address, port)) for address in addresses]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in checked[:TRIED_ADDRESSES]
        ]

    def open(self, info: AddressInfo) -> socket.socket:
        """The socket for one connection, after a look at where it goes: nothing is between this and connecting."""
        family, kind, protocol, _, sockaddr = info
        self._checked(sockaddr[0], sockaddr[1])
        self._sockets.append(made := self._make_socket(family, kind, protocol))
        return made

    async def close(self) -> None:
        pass

    def _checked(self, text: str, port: int) -> Address:
        """The address that `text` writes, if it and `port` are permitted."""
        with contextlib.suppress(ValueError):  # it writes none
            address = unmapped(ipaddress.ip_address(text))
            if port == self._target.port and self._allowed.permits(self._target.host, address, port):
                return address
        log.warning("a webhook for %s was refused: %s is neither public nor in LOA_WEBHOOK_ALLOW", self._target.host, text)
        raise Refused(f"{self._target.host} is not public; LOA_WEBHOOK_ALLOW may list it")
