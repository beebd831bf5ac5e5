"""The HTTP server: the application with its routers, on a socket that is taken before anything else is started."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import uvicorn
from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from api.admin import add_admin
from api.content.catalogue import catalogue_router
from api.content.faq import faq_router
from api.house.home import home_router
from api.house.metrics import metrics_router
from api.house.monitor import Monitor, monitor_router
from api.house.status import status_router
from api.openai import LARGER_BODIES, add_speech_api, too_large
from services.errors import SecretaryError
from services.installation import Installation
from services.telemetry.machine import Machine
from services.web.body_limit import add_body_limit
from services.web.closing import closing_of
from services.web.headers import add_cors, add_security_headers
from services.web.problems import add_problem_handlers
from services.web.requests import add_request_log


def build_app(installation: Installation) -> FastAPI:
    """Make the application; channels add their routers to it."""
    number = product_version()
    app = FastAPI(
        title="AI Secretary", version=number, docs_url=None, redoc_url=None, swagger_ui_oauth2_redirect_url=None
    )
    # The documentation page with its scripts from this machine: no request leaves it.
    patch_fastapi(app, redirect_from_root_to_docs=False)
    add_problem_handlers(app)
    add_body_limit(app, longer=LARGER_BODIES, refusal=too_large)
    add_security_headers(app)
    add_cors(app, installation.settings.cors_origins)
    add_request_log(app, installation.telemetry.observe_request, installation.settings.trusted_proxies)
    # Routers are asked in their order whether a request is theirs, and these are where somebody waits for an answer.
    add_speech_api(app, installation)
    app.include_router(home_router(installation, number))
    app.include_router(status_router(installation, number))
    app.include_router(metrics_router(installation.telemetry, installation.parts))
    add_admin(app, installation.platform, installation.directory)
    books = installation.books
    app.include_router(faq_router(books.faq, books.companies, installation.faq))
    app.include_router(catalogue_router(installation))
    app.state.monitor = monitor = Monitor(
        Machine(installation.settings.data_dir),
        installation.parts,
        installation.directory,
        installation.clock,
        installation.books.queue_counts.now,
        installation.errands,
    )
    app.include_router(monitor_router(monitor))
    return app


def open_socket(host: str, port: int) -> socket.socket:
    """Take the address. Raises SecretaryError when it is taken, forbidden or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: only then asyncio switches Nagle's algorithm off, for which a stream's pieces wait 40 ms.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        problem = (error.strerror or str(error)).lower()
        raise SecretaryError(f"{_address(host, port)} cannot be served: {problem}.", _remedy(error)) from None
    taken.setblocking(False)
    return taken


class _Server(uvicorn.Server):
    """uvicorn that tells live feeds of its end, and without its last act: raising the signal again once it has ended.

    That would cut off what is still to be closed after it: a call on the line hung up and filed, the engines ended.
    """

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def serve_app(app: FastAPI, listening: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the address as soon as requests are answered."""
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        proxy_headers=False,  # uvicorn's own trust in proxies comes from an environment variable of its own
    )
    server = _Server(config, closing_of(app))
    announce(_address(host, port))
    await server.serve(sockets=[listening])


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Stop the program that holds it, or choose another port with SECRETARY_PORT or --port."
    if error.errno == errno.EACCES:
        return "Ports below 1024 are the system's: choose another with SECRETARY_PORT or --port."
    return "Choose an address of this machine with SECRETARY_HOST or --host: 127.0.0.1, or 0.0.0.0 for all of them."


def product_version() -> str:
    """Return the installed version, "unpacked" where the product was never installed."""
    try:
        return version("ai-secretary")
    except PackageNotFoundError:
        return "unpacked"
