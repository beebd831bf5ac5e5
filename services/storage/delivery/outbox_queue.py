"""The outbox as its sender sees it: what is due is taken with a lease, and what became of it is noted.

Several processes take from one outbox. PostgreSQL's FOR UPDATE SKIP LOCKED lets them pass each other; SQLite has one
writer at a time anyway. Who crashes while sending leaves a lease that runs out: the message is then sent again, under
the same id.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true, tuple_, update
from sqlalchemy.orm import Session, aliased

from services.clock import Clock, LoopClock
from services.storage.database import Database
from services.storage.delivery.outbox import DEAD, DELIVERED, WAITING, OutboxRecord, outbox_record
from services.storage.delivery.tables import OutboxRow
from services.storage.isolation import every_company

Target = tuple[str, str]
"""(kind, target)."""

_OF_ALL = every_company("the sender serves the installation")
_LOOK_THROUGH = 4  # times as many rows as are wanted: those of one target may not fill every place
_MOST_SKIPPED = 500
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message with its lease, which `attempt` makes good for this one try only."""

    message: OutboxRecord
    lease_by: str

    @property
    def target(self) -> Target:
        """Whom it goes to."""
        return (self.message.kind, self.message.target)


class OutboxQueue:
    """Of all companies at once: a sender serves the installation. All methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def claim(
        self,
        lease_by: str,
        lease: timedelta,
        kinds: Collection[str],
        *,
        most: int,
        per_target: int,
        under_way: Mapping[Target, int],
        shut: Collection[Target],
    ) -> list[Claimed]:
        """Take up to `most` due messages, those that are due longest first.

        `under_way` counts what is being sent to a target, which with these is `per_target` at most; nothing is taken
        for the targets that are `shut`. The attempt counts from here, so that one which kills the process ends.
        """
        now = self._clock.now()
        skipped = [*shut, *(target for target, count in under_way.items() if count >= per_target)]
        query = (
            select(OutboxRow)
            .where(*_due(now, kinds, skipped))
            .order_by(OutboxRow.next_at, OutboxRow.place)
            .limit(most * _LOOK_THROUGH)
            .with_for_update(skip_locked=True)
            .execution_options(**_OF_ALL)
        )
        taken: list[Claimed] = []
        busy = dict(under_way)
        async with self._database.write() as session:
            for row in await session.scalars(query):
                target = (row.kind, row.target)
                if len(taken) == most or busy.get(target, 0) >= per_target:
                    continue
                busy[target] = busy.get(target, 0) + 1
                row.lease_by, row.lease_until, row.attempts = lease_by, now + lease, row.attempts + 1
                taken.append(Claimed(outbox_record(row), lease_by))
        return taken

    async def next_due(self, kinds: Collection[str], skipped: Collection[Target]) -> datetime | None:
        """Return when the next message is due, None when nothing waits."""
        query = select(OutboxRow.next_at, OutboxRow.lease_until).where(*_waiting(kinds, skipped))
        query = query.execution_options(**_OF_ALL)
        free = query.where(OutboxRow.lease_until.is_(None)).order_by(OutboxRow.next_at).limit(1)
        held = query.where(OutboxRow.lease_until.is_not(None)).order_by(OutboxRow.lease_until).limit(1)
        async with self._database.read() as session:
            found = [max(filter(None, row)) for each in (free, held) for row in await session.execute(each)]
        return min(found, default=None)

    async def delivered(self, claimed: Claimed, receipt: Mapping[str, Any], keep: float) -> None:
        """Note that it was sent. Kept for `keep` seconds while the database cannot be written."""
        now = self._clock.now()

        def note(row: OutboxRow) -> None:
            row.status, row.finished_at, row.receipt, row.last_error = DELIVERED, now, dict(receipt), ""

        await self._note(claimed, note, keep)

    async def later(self, claimed: Claimed, at: datetime, why: str, keep: float) -> None:
        """Note that it was not sent, and when it is tried again."""

        def note(row: OutboxRow) -> None:
            row.next_at, row.last_error = at, why[:_LONGEST_ERROR]

        await self._note(claimed, note, keep)

    async def dead(self, claimed: Claimed, why: str, keep: float) -> None:
        """Note that it will not be sent."""
        now = self._clock.now()

        def note(row: OutboxRow) -> None:
            row.status, row.finished_at, row.last_error = DEAD, now, why[:_LONGEST_ERROR]

        await self._note(claimed, note, keep)

    async def give_back(self, claimed: Claimed) -> None:
        """End the lease of a message whose sending was broken off: it is due again."""
        await self._note(claimed, lambda _row: None, 0.0)

    async def free_leases(self, is_gone: Callable[[str], bool]) -> int:
        """End the leases of senders that are gone: a restart sends at once what a crash broke off; return how many."""
        held = (OutboxRow.status == WAITING, OutboxRow.lease_until > self._clock.now())
        names = select(OutboxRow.lease_by).where(*held).distinct().execution_options(**_OF_ALL)
        async with self._database.read() as session:
            gone = [name for name in await session.scalars(names) if is_gone(name)]
        if not gone:
            return 0
        async with self._database.write() as session:
            freed = await session.execute(
                update(OutboxRow)
                .where(*held, OutboxRow.lease_by.in_(gone))
                .values(lease_by="", lease_until=None)
                .returning(OutboxRow.id),
                execution_options={"synchronize_session": False, **_OF_ALL},
            )
            return len(freed.all())

    async def expire(self) -> int:
        """Note as dead what has waited for too long, whatever it waited for; return how many."""
        now = self._clock.now()
        old = and_(OutboxRow.status == WAITING, OutboxRow.expires_at < now, _free(now))
        async with self._database.read() as session:
            if not await session.scalar(select(func.count()).where(old).execution_options(**_OF_ALL)):
                return 0
        why = func.substr("It was not delivered in time. " + OutboxRow.last_error, 1, _LONGEST_ERROR)
        async with self._database.write() as session:
            done = await session.execute(
                update(OutboxRow)
                .where(old)
                .values(status=DEAD, finished_at=now, last_error=why, lease_by="", lease_until=None)
                .returning(OutboxRow.id),
                execution_options={"synchronize_session": False, **_OF_ALL},
            )
            return len(done.all())

    async def _note(self, claimed: Claimed, change: Any, keep: float) -> None:
        message = claimed.message

        def note(session: Session) -> None:
            mine = select(OutboxRow).where(
                OutboxRow.company_id == message.company_id,
                OutboxRow.id == message.id,
                OutboxRow.lease_by == claimed.lease_by,
                OutboxRow.attempts == message.attempts,
                OutboxRow.status == WAITING,
            )
            row = session.scalar(mine.with_for_update())
            if row is None:  # the lease ran out and another process has it, or somebody dropped it
                return
            change(row)
            row.lease_by, row.lease_until = "", None

        await self._database.write_together(
            note, what=f"what became of {message.kind} {message.id}", keep=keep, topic=message.id
        )


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until <= now)


def _waiting(kinds: Collection[str], skipped: Collection[Target]) -> list[ColumnElement[bool]]:
    earlier = aliased(OutboxRow)
    held_up = exists().where(
        earlier.company_id == OutboxRow.company_id,
        earlier.kind == OutboxRow.kind,
        earlier.target == OutboxRow.target,
        earlier.place < OutboxRow.place,
        earlier.status == WAITING,
    )
    few = list(skipped)[:_MOST_SKIPPED]
    return [
        OutboxRow.status == WAITING,
        OutboxRow.kind.in_(sorted(kinds)),
        tuple_(OutboxRow.kind, OutboxRow.target).not_in(few) if few else true(),
        not_(and_(OutboxRow.ordered, held_up)),
    ]


def _due(now: datetime, kinds: Collection[str], skipped: Collection[Target]) -> list[ColumnElement[bool]]:
    return [*_waiting(kinds, skipped), OutboxRow.next_at <= now, _free(now)]
