"""The HTTP server: the application with its routers, on a socket that is taken before anything else is started."""

import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import uvicorn
from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from api.home import home_router
from api.status import status_router
from services.errors import SecretaryError
from services.installation import Installation
from services.web.headers import add_security_headers
from services.web.problems import add_problem_handlers


def build_app(installation: Installation) -> FastAPI:
    """Make the application; channels add their routers to it."""
    number = _version()
    app = FastAPI(
        title="AI Secretary", version=number, docs_url=None, redoc_url=None, swagger_ui_oauth2_redirect_url=None
    )
    # The documentation page with its scripts from this machine: no request leaves it.
    patch_fastapi(app, redirect_from_root_to_docs=False)
    add_problem_handlers(app)
    add_security_headers(app)
    app.include_router(home_router(installation, number))
    app.include_router(status_router(installation, number))
    return app


def open_socket(host: str, port: int) -> socket.socket:
    """Take the address. Raises SecretaryError when it is taken, forbidden or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise SecretaryError(
            f"http://{host}:{port} cannot be served: {(error.strerror or str(error)).lower()}.",
            "Stop the program that holds it, or choose another with SECRETARY_PORT and SECRETARY_HOST.",
        ) from None
    taken.setblocking(False)
    return taken


async def serve_app(app: FastAPI, listening: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the address as soon as requests are answered."""
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    announce(f"http://{host}:{port}")
    await server.serve(sockets=[listening])


def _version() -> str:
    try:
        return version("ai-secretary")
    except PackageNotFoundError:
        return "unpacked"
