"""What a view promises: the decorator that every view of the API wears, and the schemas it names.

openapi.py turns these promises into /openapi.json and /docs; requests.py validates with the same schemas, so document and behaviour
cannot part.

Why not a library: spectree reads malformed JSON as an empty object, and each of its errors would have to be caught and put into our form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from loa.api_keys import Scope
from loa.errors import Forbidden, ForeignOrigin, InvalidKey, LoaError, MissingKey, StoreUnavailable, TooManyRequests, UnknownHost

View = TypeVar("View", bound=Callable[..., Any])

ACCESS = (MissingKey, InvalidKey, Forbidden, ForeignOrigin, UnknownHost, TooManyRequests)  # what access.py may answer instead of a view
JSON = "application/json"
FORM = "multipart/form-data"


class Schema(BaseModel):
    """A JSON object of the API; a field that it does not have is an error."""

    model_config = ConfigDict(extra="forbid")


def without_null(schema: dict[str, Any]) -> None:
    """Forms and queries have texts and no null: what may be left out is left out."""
    for described in schema["properties"].values():
        if "anyOf" in described:
            (kind,) = (kind for kind in described.pop("anyOf") if kind != {"type": "null"})
            described |= kind
            del described["default"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One kind of success."""

    what: str
    schema: type[BaseModel] | None = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # name → description


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call of the API, as its view promises it."""

    name: str  # unique: the operationId
    summary: str
    description: str
    tag: str
    query: type[BaseModel] | None
    bodies: Mapping[str, type[BaseModel]]  # media type → schema
    headers: Mapping[str, str]  # request headers: name → description
    answers: Mapping[int, Answer]
    errors: tuple[type[LoaError], ...]
    scope: Scope | None  # that a key must have, where keys are configured; None: anybody may


def operation(
    summary: str,
    *,
    tag: str,
    scope: Scope | None,
    answers: Mapping[int, Answer],
    query: type[BaseModel] | None = None,
    bodies: Mapping[str, type[BaseModel]] | None = None,
    headers: Mapping[str, str] | None = None,
    errors: tuple[type[LoaError], ...] = (),
    needs_redis: bool = True,
) -> Callable[[View], View]:
    """Attach the promise to a view; the view's docstring is the description."""

    def attach(view: View) -> View:
        view.operation = Operation(  # type: ignore[attr-defined]
            name=view.__name__,
            summary=summary,
            description=" ".join((view.__doc__ or "").split()),
            tag=tag,
            query=query,
            bodies=bodies or {},
            headers=headers or {},
            answers=answers,
            errors=(*errors, *(ACCESS if scope else ()), *((StoreUnavailable,) if needs_redis or scope else ())),
            scope=scope,
        )
        return view

    return attach
