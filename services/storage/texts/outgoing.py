"""Text messages that a line sends: the queue, the fate of each part, delivery reports and the day's count."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.errors import StorageError
from services.storage.audit.acting import acting, acting_as
from services.storage.audit.hook import note_in
from services.storage.database import KEEP_SECONDS
from services.storage.texts.records import NewPart, OutgoingPart, TextCounts, TextMessage
from services.storage.texts.rows import LineStore, outgoing_record, text_record
from services.storage.texts.tables import TextMessageRow, TextPartRow

REPORTS_WITHIN = timedelta(days=7)
_WAITING = ("queued", "sending")
_GONE = ("sending", "doubtful", "sent", "delivered", "failed")
_SAME_DIGITS = 7
"""Networks write a number with or without its country code: so many last digits make it the same."""


class OutgoingTexts(LineStore):
    """The sending half of telephony.sms.ports.SmsStore."""

    async def queue(self, number: str, text: str, parts: Sequence[NewPart], purpose: str) -> TextMessage:
        """Store a message to send; one that a person or a program has ordered is noted in the audit log."""
        who = acting()

        def add(session: Session) -> TextMessage:
            row = self._outgoing_row(number, text, purpose)
            self._add_outgoing(session, row, tuple(parts))
            if who.kind in ("user", "key"):
                with acting_as(who):
                    note_in(session, "send", "texts", row.id, {"to": number}, company_id=self._company_id)
            return text_record(row)

        return await self._database.write_together(add, what=f"a text message to {number}")

    async def due(self, now: datetime) -> TextMessage | None:
        """Return the message that is to be sent or sent on now, the one that waits longest; None when there is none."""
        query = (
            self._messages()
            .where(TextMessageRow.status.in_(_WAITING), TextMessageRow.next_try_at <= now)
            .order_by(TextMessageRow.created_at, TextMessageRow.id)
            .limit(1)
        )
        async with self._database.read() as session:
            row: TextMessageRow | None = await session.scalar(query)
            return None if row is None else text_record(row)

    async def next_try(self) -> datetime | None:
        """Return when the next message is due; None when nothing waits."""
        query = (
            self._messages().where(TextMessageRow.status.in_(_WAITING)).order_by(TextMessageRow.next_try_at).limit(1)
        )
        async with self._database.read() as session:
            row: TextMessageRow | None = await session.scalar(query)
            return None if row is None else row.next_try_at

    async def parts(self, message_id: str) -> Sequence[OutgoingPart]:
        """Return the parts of a message that goes out, in order."""
        query = self._parts().where(TextPartRow.message_id == message_id).order_by(TextPartRow.sequence)
        async with self._database.read() as session:
            return [outgoing_record(row) for row in await session.scalars(query)]

    async def part_trying(self, part_id: str) -> None:
        """Note, before it is given to the modem, that a part is being sent."""

        def note(session: Session) -> None:
            row = self._part(session, part_id)
            row.status, row.tried_at = "sending", self._clock.now()
            row.attempts += 1
            self._require(session, row.message_id or "").status = "sending"

        await self._database.write_together(note, what=f"that text part {part_id} is being sent", topic=part_id)

    async def part_sent(self, part_id: str, mr: int | None) -> None:
        """Note that the network has taken a part; with the last part its message is sent.

        Kept for a day while the database cannot be written: what is forgotten here would be sent again.
        """

        def note(session: Session) -> None:
            row = self._part(session, part_id)
            row.status, row.mr = "sent", mr
            session.flush()
            self._settle(session, row.message_id or "")

        what = f"that text part {part_id} was sent"
        await self._database.write_together(note, what=what, keep=KEEP_SECONDS, topic=part_id)

    async def part_refused(self, part_id: str, at: datetime, why: str, *, counted: bool = False) -> None:
        """Note that a part was not sent, count the try (`counted`: also as a refusal), and put its message off."""

        def note(session: Session) -> None:
            row = self._part(session, part_id)
            row.status = "queued"
            row.refusals += counted
            self._put_off(session, row.message_id or "", at, why)

        what = f"that text part {part_id} was refused"
        await self._database.write_together(note, what=what, keep=KEEP_SECONDS, topic=part_id)

    async def part_doubtful(self, part_id: str, at: datetime, why: str) -> None:
        """Note that nobody knows whether a part was sent, count the doubt and the try, and put its message off."""

        def note(session: Session) -> None:
            row = self._part(session, part_id)
            row.status = "doubtful"
            row.doubts += 1
            self._put_off(session, row.message_id or "", at, why)

        await self._database.write_together(note, what=f"that text part {part_id} is doubtful", topic=part_id)

    async def try_later(self, message_id: str, at: datetime, why: str) -> None:
        """Put a message off that was not tried."""

        def put_off(session: Session) -> None:
            self._put_off(session, message_id, at, why, tried=False)

        await self._database.write_together(put_off, what=f"that text message {message_id} waits")

    async def give_up(self, message_id: str, why: str) -> None:
        """Note that a message will not be sent."""

        def fail(session: Session) -> None:
            row = self._require(session, message_id)
            row.status, row.error, row.next_try_at = "failed", why, None

        await self._database.write_together(fail, what=f"that text message {message_id} was not sent")

    async def report(self, mr: int, number: str, *, delivered: bool, why: str = "") -> bool:
        """Note a final delivery report (`why` says what failed); False when no part of the last week fits it.

        A report for a doubtful part to that number settles the doubt.
        """
        now = self._clock.now()

        def note(session: Session) -> bool:
            row = self._reported(session, mr, number, now - REPORTS_WITHIN)
            if row is None:
                return False
            row.status, row.mr = ("delivered" if delivered else "failed"), mr
            session.flush()
            self._settle(session, row.message_id or "", why)
            return True

        return await self._database.write_together(note, what=f"a delivery report from {number}")

    async def counts(self, since: datetime) -> TextCounts:
        """Return how the messages stand, with the failures and the parts sent since then."""
        of_line = (TextMessageRow.company_id == self._company_id, TextMessageRow.line == self._line)
        waiting = select(func.count()).where(*of_line, TextMessageRow.status.in_(_WAITING))
        failed = select(func.count()).where(
            *of_line, TextMessageRow.status == "failed", TextMessageRow.created_at >= since
        )
        unanswered = select(func.count()).where(
            *of_line, TextMessageRow.direction == "in", TextMessageRow.answered.is_(False)
        )
        gone = select(func.count()).where(
            TextPartRow.company_id == self._company_id,
            TextPartRow.line == self._line,
            TextPartRow.tried_at >= since,
            TextPartRow.status.in_(_GONE),
        )
        async with self._database.read() as session:
            numbers = [await session.scalar(query) or 0 for query in (waiting, failed, unanswered, gone)]
        return TextCounts(*numbers)

    def _part(self, session: Session, part_id: str) -> TextPartRow:
        row: TextPartRow | None = session.scalar(self._parts().where(TextPartRow.id == part_id))
        if row is None:
            raise StorageError(f"There is no part {part_id!r} of a text message.")
        return row

    def _put_off(self, session: Session, message_id: str, at: datetime, why: str, *, tried: bool = True) -> None:
        row = self._require(session, message_id)
        row.next_try_at, row.error = at, why
        row.attempts += tried

    def _settle(self, session: Session, message_id: str, why: str = "") -> None:
        """Let the message's status follow from those of its parts."""
        row, now = self._require(session, message_id), self._clock.now()
        of_message = (TextPartRow.company_id == self._company_id, TextPartRow.message_id == message_id)
        states = set(session.scalars(select(TextPartRow.status).where(*of_message)))
        if "failed" in states:
            row.status, row.error, row.next_try_at = "failed", why or row.error, None
        elif states == {"delivered"}:
            row.status, row.error, row.next_try_at, row.delivered_at = "delivered", "", None, now
            row.sent_at = row.sent_at or now
        elif states <= {"sent", "delivered"}:
            row.status, row.error, row.next_try_at, row.sent_at = "sent", "", None, row.sent_at or now
        elif row.status == "sending":
            row.next_try_at = now  # a doubt is settled: the next part may go

    def _reported(self, session: Session, mr: int, number: str, since: datetime) -> TextPartRow | None:
        """Find the newest part sent under this reference, else the oldest doubtful one to this number.

        A part that was reported on before is not meant: references begin anew with each start of the modem.
        """
        recent = self._parts().where(TextPartRow.direction == "out", TextPartRow.tried_at >= since)
        referred = recent.where(TextPartRow.mr == mr, TextPartRow.status == "sent").order_by(
            TextPartRow.tried_at.desc()
        )
        doubtful = recent.where(TextPartRow.status == "doubtful").order_by(TextPartRow.tried_at)
        for query in (referred, doubtful):
            for row in session.scalars(query):
                if row.number[-_SAME_DIGITS:] == number[-_SAME_DIGITS:]:
                    return row
        return None
