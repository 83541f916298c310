"""Who may call, from where, and how much."""

from __future__ import annotations

from loa.errors.base import LoaError


class MissingKey(LoaError):
    """Send the header `Authorization: Bearer KEY`, or set LOA_API_KEY; `loa keys create NAME` on the server makes a key."""

    code, status = "missing_key", 401


class InvalidKey(LoaError):
    """Check that the key is whole and was not revoked: `loa keys list` on the server shows every key by the 12 digits in it."""

    code, status = "invalid_key", 401


class Forbidden(LoaError):
    """Use a key with the scope that is named: `loa keys create NAME --scope SCOPE` on the server makes one."""

    code, status = "forbidden", 403


class ForeignOrigin(LoaError):
    """Call the server from a program; or name the page's origin in LOA_CORS_ORIGINS, and the page may read answers, too."""

    code, status = "foreign_origin", 403


class UnknownHost(LoaError):
    """Call the server by its address, put the name into LOA_NAMES, or create a key (`loa keys create`): then any name will do."""

    code, status = "unknown_host", 421


class UnknownKey(LoaError):
    """Choose one of the ids that `loa keys list` shows."""

    code, status = "unknown_key", 404


class NoKeys(LoaError):
    """Create a key first (`loa keys create NAME`), listen on 127.0.0.1, or set LOA_OPEN=true: then anyone may do everything."""

    code, status = "no_keys", 500


class TooManyRequests(LoaError):
    """Wait for the seconds in Retry-After; ask with `?wait=60` instead of polling, or raise LOA_REQUESTS_PER_MINUTE on the server."""

    code, status = "too_many_requests", 429


class LimitExceeded(LoaError):
    """Send it again after the seconds in Retry-After, with the same Idempotency-Key; the server's settings name the limit."""

    code, status = "limit_exceeded", 429


class TooManyUploads(LoaError):
    """Send the file again after the seconds in Retry-After; or raise LOA_UPLOADS_LIMIT on the server."""

    code, status = "too_many_uploads", 503


class Overloaded(LoaError):
    """Send it again after the seconds in Retry-After, with the same Idempotency-Key; more workers, or LOA_BACKLOG, take more."""

    code, status = "overloaded", 503
