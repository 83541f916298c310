"""The application factory."""

from __future__ import annotations

from flask import Flask, Request, Response, request

from api import deliveries, jobs, operations, pages, problems, voices
from api.access import Gate
from api.requests import UploadRequest
from api.service import Service
from loa.errors import BodyTooLarge
from loa.settings import Settings

FORM_FIELD_BYTES = 500_000  # of all form fields beside the file


def create_app(settings: Settings, service: Service | None = None) -> Flask:
    """The API as a WSGI application. Who runs it opens and starts the service (see server.py); `service` None makes one."""
    app = Flask(__name__)
    app.request_class = UploadRequest
    service = app.extensions["loa"] = service or Service(settings)
    app.config.update(MAX_CONTENT_LENGTH=settings.body_limit, MAX_FORM_MEMORY_SIZE=FORM_FIELD_BYTES, MAX_FORM_PARTS=50)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # a redirect would be the only answer that is neither JSON nor a page
    for area in (jobs, voices, deliveries, operations, pages):
        app.register_blueprint(area.blueprint)
    problems.install(app)
    app.before_request(Gate(settings, lambda: service.store.credentials).admit)
    app.before_request(lambda: _check_length(request, settings.body_limit))
    app.after_request(_secure)
    return app


def _check_length(request: Request, limit: int) -> None:
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"the body has {request.content_length:,} bytes; the limit is {limit:,}", limit=limit)


def _secure(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
