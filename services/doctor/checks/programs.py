"""Programs of others that are needed for some things."""

from collections.abc import Iterable

from services.backup import postgres
from services.doctor.shapes import Examined, Finding
from services.errors import StorageError
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look for PostgreSQL's tools where the database is PostgreSQL."""
    if not house.settings.database_url.startswith("postgres"):
        return []
    try:
        for name in ("pg_dump", "pg_restore", "psql"):
            postgres.tool(name)
    except StorageError as error:
        command = "sudo apt-get install -y postgresql-client"
        return [Finding("programs", State.DEGRADED, f"{error.message} Backups need it.", error.remedy, command)]
    return [Finding("programs", State.READY, "PostgreSQL's tools are here, for backups.")]
