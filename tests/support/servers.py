"""Real servers for tests: PostgreSQL and Redis, each started when it is first asked for and ended with this process.

A server is a child of this process on a free port of loopback, in a temporary folder that goes with it; whatever runs
on the machine already is left alone. Where the programs are missing, the test that asks for them is skipped and says
what to install.
"""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from services.storage import migrate
from services.storage.engine import parse_url

START_SECONDS = 60.0
STOP_SECONDS = 20.0
USER = "secretary"
GUARDED = "guarded"
GUARDED_PASSWORD = "five wet otters"
"""The server lets USER in without a password, so that tests are quick; GUARDED needs his."""

POSTGRES_PACKAGE = (
    "PostgreSQL is not installed: install the Debian package postgresql (macOS: brew install postgresql)."
)
REDIS_PACKAGE = "Redis is not installed: install the Debian package redis-server (macOS: brew install redis)."

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgres_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
"""Marks of tests that are about one kind of database, see the fixture database_kind of tests/storage."""

_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_PREFERENCES = (
    "max_connections=100",
    "shared_buffers=32MB",
    "max_wal_size=256MB",
    "autovacuum_naptime=10min",
    "timezone=Asia/Kolkata",  # what takes the server's zone for UTC is five and a half hours off
    "lc_messages=C",
    "log_checkpoints=off",
)


def program(name: str, missing: str) -> str:
    """Return the path of a program; the running test is skipped where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4))
    folders = [str(path) for path in reversed(versions)]  # before PATH: Debian's there are slow wrappers
    if found := shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])):
        return found
    pytest.skip(missing)


class Postgres:
    """A PostgreSQL server in a folder of its own; `durable` when what it has committed must outlive a kill -9.

    It may be stopped, killed and started again, on the same port with the same data.
    """

    def __init__(self, *, durable: bool = False, preferences: Sequence[str] = ()) -> None:
        self._program = program("postgres", POSTGRES_PACKAGE)
        initdb = program("initdb", POSTGRES_PACKAGE)
        self._psql = program("psql", POSTGRES_PACKAGE)
        self._preferences = [*_PREFERENCES, *(() if durable else _QUICK), *preferences]
        self._as = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="test-postgres-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._child: Child | None = None
        self._names = count(1)
        self.port = free_port()
        if self._as is not None:
            os.chown(self._folder, self._as.pw_uid, self._as.pw_gid)
        quick = [] if durable else ["--no-sync"]
        made = subprocess.run(
            [initdb, "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", *quick],
            capture_output=True,
            cwd=self._folder,
            **_identity(self._as),
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")
        rules = [f"host all {GUARDED} 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust"]
        (self._data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def __enter__(self) -> Self:
        self.start()
        self.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{GUARDED_PASSWORD}'")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def log(self) -> str:
        """What the server has written."""
        return self._log.read_text(errors="replace")

    def url(self, name: str = "postgres", user: str = USER) -> str:
        """Return the DATABASE_URL of a database on this server."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = [*self._preferences, "listen_addresses=127.0.0.1", "unix_socket_directories="]
        options = [word for setting in settings for word in ("-c", setting)]
        arguments = [self._program, "-D", str(self._data), "-p", str(self.port), *options]
        self._child = Child(arguments, self._log, self._as)
        self._child.wait_until(self._takes_connections, self._log)

    def stop(self) -> None:
        """Stop it as a service manager does: connections are ended, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and all its processes at once, as a power cut does."""
        self._end(signal.SIGKILL)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements, each in a transaction of its own, and return what they print. Raises RuntimeError."""
        commands = [word for statement in statements for word in ("-c", statement)]
        done = subprocess.run(
            [self._psql, "-XAtq", "-v", "ON_ERROR_STOP=1", *commands, self.url(database)],
            capture_output=True,
            timeout=START_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def new_database(self, template: str = "template0") -> str:
        """Make a database that is a copy of `template`; return its name."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Drop a database with all connections to it; one that is gone is no trouble."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _takes_connections(self) -> bool:
        with suppress(RuntimeError):
            return self.sql("SELECT 1").strip() == "1"
        return False

    def _end(self, number: signal.Signals) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(number)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the user that PostgreSQL runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres: run the tests as another user.")


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


_lock = threading.Lock()
_postgres: list[Postgres] = []
_template: list[str] = []
_redis: list[str] = []


def postgres() -> Postgres:
    """Return the PostgreSQL server that the tests of this process share: nobody stops it, nothing in it is durable."""
    with _lock:
        if not _postgres:
            server = Postgres().__enter__()
            atexit.register(server.__exit__)
            _postgres.append(server)
        return _postgres[0]


def fresh_database() -> str:
    """Make an empty, migrated database on the shared server; return its DATABASE_URL. See `drop_database`."""
    server = postgres()
    with _lock:
        if not _template:
            name = server.new_database()
            # Alembic runs an event loop of its own, and whoever asks may be within one.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(migrate.upgrade, parse_url(server.url(name))).result()
            _template.append(name)
    return server.url(server.new_database(_template[0]))


def drop_database(url: str) -> None:
    """Drop a database that `fresh_database` made, with all connections to it."""
    postgres().drop(str(parse_url(url).database))


@contextmanager
def postgres_database(template: str = "") -> Iterator[str]:
    """Within the context there is a fresh database, or a copy of `template`; its DATABASE_URL is given."""
    url = postgres().url(postgres().new_database(template)) if template else fresh_database()
    try:
        yield url
    finally:
        drop_database(url)


def redis() -> str:
    """Return the URL of the Redis server that the tests of this process share."""
    with _lock:
        if not _redis:
            _redis.append(_start_redis())
        return _redis[0]


def _start_redis() -> str:
    server = program("redis-server", REDIS_PACKAGE)
    folder, port = Path(tempfile.mkdtemp(prefix="test-redis-")), free_port()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    arguments = [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    child = Child(arguments, folder / "log")
    atexit.register(child.end, signal.SIGTERM)

    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    child.wait_until(answers, folder / "log")
    return f"redis://127.0.0.1:{port}/0"


# Ends a server when its own standard input does: a test run that is killed leaves no server behind.
_WATCH = 'read -r _; kill -INT "$1"; sleep 2; rm -rf "$2"'


class Child:
    """A server process, and beside it a watcher that ends it when this process ends without doing so."""

    def __init__(self, arguments: Sequence[str], log: Path, user: pwd.struct_passwd | None = None) -> None:
        # A group of its own: Ctrl-C in a terminal is for the tests alone.
        own: dict[str, Any] = {"cwd": log.parent, "process_group": 0, **_identity(user)}
        with log.open("ab") as output:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **own
            )
        self._watcher: subprocess.Popen[bytes] = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watcher", str(self.process.pid), str(log.parent)], stdin=subprocess.PIPE, **own
        )

    def wait_until(self, ready: Callable[[], bool], log: Path) -> None:
        """Wait until the server answers. Raises RuntimeError when it ends instead, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> None:
        """End the server by a signal and wait for it; what does not go in time is killed."""
        self._watcher.kill()
        self._watcher.communicate()
        helpers = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for helper in helpers:  # those of a killed PostgreSQL would go by themselves, a moment later
            with suppress(psutil.NoSuchProcess):
                helper.kill()


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
