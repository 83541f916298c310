"""The one place where errors become HTTP: application/problem+json (RFC 9457) with a stable `code`."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import werkzeug.exceptions
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from loa.errors import BodyTooLarge, InvalidRequest, LoaError, MethodNotAllowed, NotFound, RangeNotSatisfiable, UnsupportedMediaType

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1  # a restart of Redis or of a worker takes about that; clients double it

# What Werkzeug refuses by itself.
_KINDS: Mapping[int, type[LoaError]] = {413: BodyTooLarge, 415: UnsupportedMediaType}


def problem(error: LoaError) -> dict[str, Any]:
    """An error as a problem document."""
    return {
        "type": f"/docs#{error.code}",
        "title": title(type(error)),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "remedy": error.remedy(),
        **({"details": error.details} if error.details else {}),
    }


def title(kind: type[LoaError]) -> str:
    """`VoiceNotInstalled` → "Voice not installed"."""
    return "Internal error" if kind is LoaError else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).capitalize()


def body(error: LoaError) -> bytes:
    """The problem document as bytes."""
    return json.dumps(problem(error), ensure_ascii=False, default=str).encode(errors="replace")


def headers(error: LoaError) -> dict[str, str]:
    """The headers that go with it, beside those of a page."""
    found = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    if error.status in (429, 503):
        found["Retry-After"] = str(error.details.get("retry_after", RETRY_SECONDS))
    if error.status == 401:
        found["WWW-Authenticate"] = 'Bearer realm="loa"'
    if isinstance(error, MethodNotAllowed):
        found["Allow"] = ", ".join(error.details["allowed"])
    if isinstance(error, RangeNotSatisfiable):
        found["Content-Range"] = f"bytes */{error.details['size']}"
    return found


def install(app: Flask) -> None:
    """Every error of a request goes through here, whoever raised it."""

    @app.errorhandler(Exception)
    def answer(error: Exception) -> Response:
        if not isinstance(error, LoaError):
            error = _translated(error)
        elif error.status >= 500 and error.status != 503:
            log.error("%s: %s", error.code, error.message)
        return Response(body(error), status=error.status, headers=headers(error))


def _translated(error: Exception) -> LoaError:
    if isinstance(error, werkzeug.exceptions.MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        return MethodNotAllowed(f"this address takes {', '.join(allowed)}", allowed=allowed)
    if isinstance(error, werkzeug.exceptions.NotFound):
        return NotFound(f"there is nothing at {request.path[:100]}")
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return _KINDS.get(error.code, InvalidRequest)(error.description or error.name)
    log.error("a request failed unexpectedly", exc_info=error)
    return LoaError("the server met an error that it did not expect; its log has the cause")
