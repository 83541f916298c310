"""What a person sees in a browser: the front page and the API reference, without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template

import loa
from api import problems
from api.openapi import document
from loa.errors import error_kinds

blueprint = Blueprint("pages", __name__)

PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLE = (Path(__file__).parent / "static" / "loa.css").read_bytes()


@blueprint.get("/openapi.json")
def openapi_json() -> dict[str, Any]:
    """The OpenAPI document of this very server."""
    return _document()


@blueprint.get("/docs")
def docs() -> Response:
    """The API reference."""
    return _page(_once("loa.docs", _reference))


def _reference() -> str:
    described = _document()
    sections: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in described["tags"]}
    for path, calls in described["paths"].items():
        for method, call in calls.items():
            sections[call["tags"][0]].append({"method": method.upper(), "path": path, **call})
    errors = [
        {"code": code, "status": kind.status, "title": problems.title(kind), "remedy": kind.remedy()}
        for code, kind in error_kinds().items()
    ]
    return render_template("docs.html", document=described, sections=sections, errors=errors, requests=("JobRequest", "JobForm"))


@blueprint.get("/")
def front() -> Response:
    """Where to go from here."""
    return _page(render_template("front.html", version=loa.__version__))


@blueprint.get("/loa.css")
def style() -> Response:
    """How the pages look."""
    return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "max-age=3600"})


def _document() -> dict[str, Any]:
    made: dict[str, Any] = _once("loa.openapi", lambda: document(current_app))
    return made


def _once(name: str, make: Callable[[], Any]) -> Any:
    """What depends on nothing but the code is made once a process."""
    extensions = current_app.extensions
    if name not in extensions:
        extensions[name] = make()
    return extensions[name]


def _page(html: str) -> Response:
    return Response(html, mimetype="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
