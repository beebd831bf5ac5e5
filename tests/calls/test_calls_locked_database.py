"""Another program locks the real database while the phone rings: the caller is answered, and the call stored later."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phone import Phone

from services.events import CallEvent, CallEventType
from services.storage.engine import DATABASE_FILE
from telephony.simulator import read_wav

SPEECH = Path(__file__).resolve().parents[1] / "speech"
NUMBER = "+79991234567"


@contextmanager
def locked(database: Path) -> Iterator[sqlite3.Connection]:
    """Hold the write lock of `database`, as a backup or a second program would."""
    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


async def test_a_caller_is_answered_while_the_database_is_locked(phone: Phone) -> None:
    async with phone() as (installation, line):
        with locked(installation.settings.data_dir / DATABASE_FILE) as other:

            def unlock_when_answered(event: CallEvent) -> None:
                if event.type is CallEventType.TURN and event.data["source"] == "faq":
                    assert other.in_transaction
                    other.execute("ROLLBACK")

            placed = await line.place(NUMBER, [read_wav(SPEECH / "hours-slt.wav")], on_event=unlock_when_answered)
            assert not other.in_transaction
        assert placed.answered
        record = await installation.books.calls.get(installation.company_id, placed.call_id)
        assert record is not None
        assert (record.outcome, record.number, record.conversation_id) == ("answered", NUMBER, "")
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
        assert [turn.role for turn in turns] == ["secretary", "caller", "secretary"]
        assert "hours" in turns[2].detail
