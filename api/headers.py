"""The headers that every answer carries, whoever makes it: a view, an error handler, the server itself."""

from __future__ import annotations

from flask import Flask, Response

# An answer is data, not a page: it may load nothing, run nothing, be framed by nobody, and nobody else's page may embed it.
# The pages have a policy of their own (pages.py). Strict-Transport-Security belongs to the proxy that speaks TLS.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def install(app: Flask) -> None:
    """Add the headers to every answer of the application; a view that sets one itself knows better."""

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response
