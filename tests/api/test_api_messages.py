"""`secretary messages` as the owner reads it."""

from pathlib import Path

from front_door import secretary

from services.domain import TakenMessage
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies

MATTER = "the roof [/bold] leaks, and it is a long story that does not fit into one line of a narrow terminal [red]"
SOUND = "recordings/2026/11/7f04b81741874bf783705d82a25659f5.message-1.ogg"


async def test_words_are_printed_as_they_were_said_and_a_path_on_one_line(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "data"))
    try:
        await database.migrate()
        company = await Companies(database).ensure_default("Bakery", "en", "Europe/Moscow", {})
        thread = await Conversations(database).open(company.id, "gsm", "+79990000001", "en", "emma")
        left = TakenMessage(
            id="one",
            company_id=company.id,
            conversation_id=thread.id,
            call_id="",
            language="en",
            name="Ann [b",
            number="+79990000001",
            matter=MATTER,
            confirmed=False,
            audio_path=SOUND,
        )
        await Messages(database).save(left)
    finally:
        await database.close()
    done = secretary("messages", cwd=tmp_path, settings={"COLUMNS": "60"})
    assert done.returncode == 0, done.stderr
    assert "Ann [b  +79990000001" in done.stdout
    assert MATTER in " ".join(done.stdout.split())
    assert "did not confirm" in " ".join(done.stdout.split())
    assert f"data/{SOUND}" in [line.strip() for line in done.stdout.splitlines()]
