"""What counts as a request: waitress's parser, stricter, and with a bound on everything that it gathers.

Where two programs can read the same bytes as different requests, one of them can be deceived about where the next request begins. So what
is ambiguous is refused, and the connection closed: a Content-Length beside a Transfer-Encoding, several Hosts, another version of HTTP.
"""

from __future__ import annotations

import logging
import re
import tempfile

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest, Error

from api.bodies import MEMORY_BYTES, Held
from loa.artifacts import FULL

VERSIONS = ("1.0", "1.1")
CHUNK_LINE_BYTES = 4_096  # of the line before a chunk and of what follows the last one, which waitress would gather without end

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

log = logging.getLogger(__name__)


class Shed(Error):
    """Too many large bodies are under way."""

    code, reason = 503, "Service Unavailable"


class DiskFull(Error):
    """A body has no room on the disk."""

    code, reason = 507, "Insufficient Storage"


class RequestParser(HTTPRequestParser):
    """A request that is being received. It counts what it holds on the disk, and gives it back when it is closed."""

    def __init__(self, adj: Adjustments, held: Held) -> None:
        super().__init__(adj)
        self._held, self._taken = held, 0

    def parse_header(self, header_plus: bytes) -> None:
        """Raises ParsingError, or waitress's TransferEncodingNotImplemented."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a Content-Length of thousands of digits
            raise ParsingError("Content-Length is invalid") from error
        if self.version not in VERSIONS:
            raise ParsingError("this is no version of HTTP/1")
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("the length of the body is not clear")
        if self.version == "1.1" and "HOST" not in self.headers:
            raise ParsingError("Host is missing")
        if not _HOST.fullmatch(self.headers.get("HOST", "")):
            raise ParsingError("Host is invalid")

    def received(self, data: bytes) -> int:
        try:
            consumed = int(super().received(data))
        except OSError as error:
            if error.errno not in FULL:
                raise
            log.error("%s has no room for the body of a request: %s", tempfile.gettempdir(), error.strerror)
            return self._refuse(DiskFull(""), data)
        if self.chunked and len(self.body_rcv.control_line) + len(self.body_rcv.trailer) > CHUNK_LINE_BYTES:
            return self._refuse(BadRequest(""), data)
        if self.body_bytes_received > MEMORY_BYTES and self.error is None:
            more = self.body_bytes_received - self._taken
            if not self._held.add(more):
                return self._refuse(Shed(""), data)
            self._taken += more
        return consumed

    def _refuse(self, error: Error, data: bytes) -> int:
        self.error, self.completed = error, True
        return len(data)

    def close(self) -> None:
        super().close()
        self._held.add(-self._taken)
        self._taken = 0
