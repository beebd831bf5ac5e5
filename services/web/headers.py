"""Security headers on every response."""

from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}
# The documentation page starts its script inline; only this page may.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


def add_security_headers(app: FastAPI) -> None:
    """Set the headers unless a route chose its own."""

    @app.middleware("http")
    async def secure(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        if request.url.path == "/docs":
            response.headers["Content-Security-Policy"] = _DOCS_POLICY
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response
