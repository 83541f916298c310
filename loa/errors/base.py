"""The base of every error that Loa shows to a user.

One base class. A subclass carries a stable `code` (clients may branch on it), the HTTP `status` the API answers with, and a docstring that
says what to do: it is the `remedy` that the API, the command line and docs/errors.md show. `message` says what happened this time.
"""

from __future__ import annotations

import inspect
from typing import Any


class LoaError(Exception):
    """Look at the server's log for the cause; if it looks like a defect of Loa, report it with the log."""

    code = "internal_error"
    status = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details  # JSON-serialisable extras, e.g. the close names of an unknown voice

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.details))

    @classmethod
    def remedy(cls) -> str:
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split())

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "remedy": self.remedy(), **({"details": self.details} if self.details else {})}


def _rebuild(kind: type[LoaError], message: str, details: dict[str, Any]) -> LoaError:
    return kind(message, **details)


def error_kinds() -> dict[str, type[LoaError]]:
    """Every error class by its code, LoaError itself included."""
    kinds: dict[str, type[LoaError]] = {}
    todo: list[type[LoaError]] = [LoaError]
    while todo:
        kind = todo.pop()
        kinds[kind.code] = kind
        todo.extend(kind.__subclasses__())
    return dict(sorted(kinds.items()))
