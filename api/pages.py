"""What a person sees in a browser: the front page and the API reference, without scripts and without anything from elsewhere."""

from __future__ import annotations

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
    described = _document()
    sections: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in described["tags"]}
    for path, calls in described["paths"].items():
        for method, call in calls.items():
            sections[call["tags"][0]].append({"method": method.upper(), "path": path, **call})
    errors = [
        {"code": code, "status": kind.status, "title": problems.title(kind), "remedy": kind.remedy()}
        for code, kind in error_kinds().items()
    ]
    return _page("docs.html", document=described, sections=sections, errors=errors, requests=("JobRequest", "JobForm"))


@blueprint.get("/")
def front() -> Response:
    """Where to go from here."""
    return _page("front.html", version=loa.__version__)


@blueprint.get("/loa.css")
def style() -> Response:
    """How the pages look."""
    return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "max-age=3600"})


def _document() -> dict[str, Any]:
    """Made once a process: it depends on nothing but the code."""
    made: dict[str, Any] | None = current_app.extensions.get("loa.openapi")
    if made is None:
        made = current_app.extensions["loa.openapi"] = document(current_app)
    return made


def _page(template: str, **values: Any) -> Response:
    return Response(render_template(template, **values), mimetype="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
