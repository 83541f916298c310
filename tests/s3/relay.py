"""A TCP relay that passes so many bytes on to a server and then no more, with the connections open: an upload stands still half way."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

BLOCK = 64 * 1024


class Relay:
    def __init__(self, target: str, limit: int) -> None:
        """`limit`: bytes from clients, of all connections together."""
        self._target, self._left = urlsplit(target), limit
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.stalled = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._target.hostname, self._target.port))
                self._sockets += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(BLOCK):
                if counted:
                    with self._lock:
                        self._left -= len(block)
                    if self._left < 0:
                        self.stalled.set()
                        continue  # it is read and forgotten, until the client is gone
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(target: str, limit: int) -> Iterator[Relay]:
    made = Relay(target, limit)
    try:
        yield made
    finally:
        made.close()
