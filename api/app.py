"""The application factory."""

from __future__ import annotations

from flask import Flask

from api import bodies, deliveries, headers, jobs, operations, origins, pages, problems, voices
from api.access import Gate
from api.metrics import Metrics
from api.requests import UploadRequest
from api.service import Service
from loa.settings import Settings

FORM_FIELD_BYTES = 500_000  # of all form fields beside the file


def create_app(settings: Settings, service: Service | None = None) -> Flask:
    """The API as a WSGI application. Who runs it opens and starts the service (see server.py); `service` None makes one.

    Raises InvalidSetting.
    """
    app = Flask(__name__, static_folder=None)  # no path of a request ever reaches the file system
    app.request_class = UploadRequest
    service = app.extensions["loa"] = service or Service(settings)
    metrics = app.extensions["loa_metrics"] = Metrics(lambda: service.store)
    app.config.update(MAX_CONTENT_LENGTH=settings.body_limit, MAX_FORM_MEMORY_SIZE=FORM_FIELD_BYTES, MAX_FORM_PARTS=50)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # a redirect would be the only answer that is neither JSON nor a page
    for area in (jobs, voices, deliveries, operations, pages):
        app.register_blueprint(area.blueprint)
    problems.install(app)
    metrics.install(app)  # the first to see a request and, of what changes an answer, the last
    headers.install(app)
    origins.install(app, allowed := origins.Origins.parse(settings))
    app.before_request(Gate(settings, lambda: service.store.credentials, allowed).admit)
    bodies.install(app, settings)
    return app
