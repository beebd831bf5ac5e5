"""A free port, and a PostgreSQL server for the length of a run."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def a_postgresql(url: str, *, wanted: bool = True) -> Iterator[str]:
    """Give `url`, or the URL of an empty database on a durable server started here; "" where there is none."""
    if url or not wanted:
        yield url
        return
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
    import pytest
    from servers import Postgres

    try:
        server = Postgres(durable=True)
    except pytest.skip.Exception as missing:
        print(missing)
        yield ""
        return
    with server:
        yield server.url(server.new_database())
