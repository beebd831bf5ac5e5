"""A PostgreSQL database dumped and put back with PostgreSQL's own tools, which are never given the password openly."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from services.errors import RefusedError, StorageError

TOOL_SECONDS = 7200.0
QUERY_SECONDS = 60.0
PIECE = 1 << 20
MARK = "secretary_restored"

_PLACES = "/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"
_REMEDY = "Install PostgreSQL's client programs: `apt-get install postgresql-client`."

# Everything of ours goes: a newer version's tables, too, which the backup does not know and the migration would meet.
_EMPTY = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT c.relname, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
      WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND pg_has_role(c.relowner, 'USAGE')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'i', 'a'))
  LOOP EXECUTE format('DROP %s IF EXISTS public.%I CASCADE', each.kind, each.relname); END LOOP;
  FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    AND pg_has_role(p.proowner, 'USAGE')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', each.name); END LOOP;
  FOR each IN SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace
    AND t.typtype IN ('e', 'd') AND pg_has_role(t.typowner, 'USAGE')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP TYPE IF EXISTS public.%I CASCADE', each.typname); END LOOP;
END $$;
"""


def tool(name: str) -> str:
    """Return where pg_dump, pg_restore or psql is: on the PATH, else the newest of the usual places.

    Raises StorageError with a remedy where there is none.
    """
    newest = sorted(
        (path for place in _PLACES for path in Path(place).glob(f"*/bin/{name}")),
        key=lambda path: int((re.findall(r"\d+", path.parts[-3]) or ["0"])[-1]),
    )
    # Debian's pg_dump on the PATH chooses by itself; elsewhere an older one may come first there.
    found = str(newest[-1]) if newest else shutil.which(name)
    if not found:
        raise StorageError(f"The program {name} is not on this machine.", _REMEDY)
    return found


def dump(url: URL, target: Path, cancelled: Callable[[], None] = lambda: None) -> None:
    """Write the whole database as it is now into `target`, in pg_dump's custom format. Raises StorageError."""
    with target.open("xb") as file, _errors(target) as errors:
        process = _start([tool("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"], url, file, errors)
        try:
            _wait(process, cancelled)
        finally:
            _end(process)
        if process.returncode:
            raise StorageError(f"pg_dump failed: {_said(errors)}.", "Check that the database runs, and its version.")


def expect_whole(path: Path) -> None:
    """Let pg_restore read the dump to its end. Raises RefusedError."""
    listed = _run([tool("pg_restore"), "--list", str(path)])
    read = _run([tool("pg_restore"), "--file=/dev/null", str(path)]) if not listed.returncode else listed
    if read.returncode:
        raise RefusedError(f"The database in this backup is damaged ({_short(read.stderr)}).", "Take another backup.")


def revision(url: URL) -> str:
    """Return the migration that the database is of, "" when of none. Raises StorageError."""
    if query(url, "SELECT to_regclass('public.alembic_version') IS NULL") == "t":
        return ""
    return query(url, "SELECT version_num FROM public.alembic_version")


def dumped_revision(path: Path) -> str:
    """Return the migration that a dump is of. Raises RefusedError."""
    done = _run([tool("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(path)])
    found = re.search(r"^COPY public\.alembic_version .*\n(\S+)$", done.stdout, re.MULTILINE)
    if done.returncode or found is None:
        raise RefusedError("The database in this backup does not say of which version it is.")
    return found[1]


def replace(url: URL, dumped: Path, mark: str) -> None:
    """Put the dump in the place of all that the database holds, in one transaction, and leave `mark` in it.

    The tools' `--single-transaction` commits what it got when its input ends early; here nothing is committed before
    all has arrived. Raises StorageError: the database is then as it was before.
    """
    with _errors(dumped) as errors, _errors(dumped) as more:
        reader = _start([tool("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dumped)], None, -1, more)
        writer = _start([tool("psql"), *_PSQL, "--file=-"], url, subprocess.DEVNULL, errors, stdin=-1)
        assert reader.stdout is not None
        assert writer.stdin is not None
        try:
            writer.stdin.write(f"BEGIN;\n{_EMPTY}".encode())
            while piece := reader.stdout.read(PIECE):
                writer.stdin.write(piece)
            if reader.wait(QUERY_SECONDS):
                raise StorageError(f"pg_restore failed: {_said(more)}.", "The database was not changed.")
            writer.stdin.write(_marking(mark).encode() + b"COMMIT;\n")
            writer.stdin.close()
            _wait(writer)
        except BrokenPipeError:
            writer.wait(QUERY_SECONDS)
        finally:
            _end(reader)
            _end(writer)
        if writer.returncode:
            raise StorageError(f"PostgreSQL refused the backup: {_said(errors)}.", "The database was not changed.")


def marked(url: URL) -> str:
    """Return the mark of the last restore, "" without one. Raises StorageError."""
    if query(url, f"SELECT to_regclass('public.{MARK}') IS NULL") == "t":
        return ""
    return query(url, f"SELECT mark FROM public.{MARK}")  # noqa: S608 - a name of ours


def unmark(url: URL) -> None:
    """Take the mark away. Raises StorageError."""
    query(url, f"DROP TABLE IF EXISTS public.{MARK}")


def query(url: URL, statement: str) -> str:
    """Return what psql answers to a statement. Raises StorageError."""
    done = _run([tool("psql"), *_PSQL, "--tuples-only", "--no-align", f"--command={statement}"], url)
    if done.returncode:
        raise StorageError(f"PostgreSQL did not answer: {_short(done.stderr)}.", "Check that it runs, and its address.")
    return done.stdout.strip()


_PSQL = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")


def _marking(mark: str) -> str:
    assert re.fullmatch(r"[0-9A-Za-z-]+", mark)
    return (
        f"\nDROP TABLE IF EXISTS public.{MARK};\nCREATE TABLE public.{MARK} (mark text NOT NULL);\n"
        f"INSERT INTO public.{MARK} VALUES ('{mark}');\n"
    )


def _environment(url: URL | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if url is None:
        return kept
    host = url.host or url.query.get("host", "")
    wanted = {
        "PGHOST": host if isinstance(host, str) else host[0],
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "PGSSLMODE": str(url.query.get("ssl", "") or url.query.get("sslmode", "")),
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "secretary backup",
    }
    return kept | {name: value for name, value in wanted.items() if value}


def _start(
    command: list[str], url: URL | None, stdout: IO[bytes] | int, stderr: IO[bytes], stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=_environment(url))  # noqa: S603


def _run(command: list[str], url: URL | None = None) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603
            command,
            env=_environment(url),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TOOL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StorageError(f"{Path(command[0]).name} did not end in time.", "Check the database's load.") from None


def _wait(process: "subprocess.Popen[bytes]", cancelled: Callable[[], None] = lambda: None) -> None:
    waited = 0.0
    while waited < TOOL_SECONDS:
        cancelled()
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            waited += 0.2
        else:
            return
    raise StorageError("PostgreSQL's tool did not end in time.", "Check the database's load.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except BrokenPipeError:
            pass


def _errors(beside: Path) -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile(dir=beside.parent)


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return _short(errors.read(10_000).decode(errors="replace"))


def _short(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines or ["it did not say why"]
    return telling[0].rpartition("error: ")[2].rstrip(".")[:200]
