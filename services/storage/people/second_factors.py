"""Second factors: whether a user has one, and which of its codes are used up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock
from services.storage.database import Database
from services.storage.people.sign_in_tables import SecondFactorRow


@dataclass(frozen=True, slots=True)
class SecondFactorRecord:
    """A second factor that is in force; `recovery_left` is how many recovery codes are left."""

    confirmed_at: datetime
    recovery_left: int


class SecondFactors:
    """The second factor of each user, without its seed, which lies with the secrets."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, company_id: str, user_id: str) -> SecondFactorRecord | None:
        """Return a user's second factor, None without one."""
        async with self._database.read() as session:
            row = await _row(session, company_id, user_id)
            if row is None:
                return None
            return SecondFactorRecord(row.confirmed_at, len(row.recovery_hashes))

    async def confirm(self, company_id: str, user_id: str, step: int, recovery_hashes: list[str]) -> bool:
        """Put a second factor in force; `step` is the one of the first code. False when one is in force already."""
        now = self._clock.now()
        async with self._database.write() as session:
            if await _row(session, company_id, user_id, lock=True) is not None:
                return False
            session.add(
                SecondFactorRow(
                    user_id=user_id,
                    company_id=company_id,
                    confirmed_at=now,
                    last_step=step,
                    recovery_hashes=recovery_hashes,
                )
            )
            return True

    async def use_step(self, company_id: str, user_id: str, step: int) -> bool:
        """Use the code of a time step up; False when it, or a later one, was used before."""
        async with self._database.write() as session:
            row = await _row(session, company_id, user_id, lock=True)
            if row is None or step <= row.last_step:
                return False
            row.last_step = step
            return True

    async def use_recovery(self, company_id: str, user_id: str, code_hash: str) -> bool:
        """Use a recovery code up; False when there is none such (any more)."""
        async with self._database.write() as session:
            row = await _row(session, company_id, user_id, lock=True)
            if row is None or code_hash not in row.recovery_hashes:
                return False
            row.recovery_hashes = [each for each in row.recovery_hashes if each != code_hash]
            return True

    async def remove(self, company_id: str, user_id: str) -> bool:
        """Take a second factor away; False when there is none."""
        async with self._database.write() as session:
            row = await _row(session, company_id, user_id, lock=True)
            if row is None:
                return False
            await session.delete(row)
            return True


async def _row(session: AsyncSession, company_id: str, user_id: str, *, lock: bool = False) -> SecondFactorRow | None:
    query = select(SecondFactorRow).where(SecondFactorRow.company_id == company_id, SecondFactorRow.user_id == user_id)
    row: SecondFactorRow | None = await session.scalar(query.with_for_update() if lock else query)
    return row
