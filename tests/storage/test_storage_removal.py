"""Taking a line's calls out again."""

from datetime import UTC, datetime
from typing import Any

from services.domain import TakenMessage
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.database import Database


async def _call(calls: CallStore, conversations: Conversations, call_id: str, line: str, number: str) -> str:
    opened = await conversations.open("default", "gsm", number, "en", "emma")
    started = {
        "channel": "gsm", "direction": "in", "number": number, "language": "en", "persona": "emma", "line": line,
        "conversation_id": opened.id, "started_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    ended = {"outcome": "answered", "reason": "goodbye", "seconds": 1.0, "stats": {}}
    events: list[tuple[CallEventType, dict[str, Any]]] = [
        (CallEventType.STARTED, started),
        (CallEventType.RECORDED, {"path": f"recordings/{call_id}.ogg"}),
        (CallEventType.ENDED, ended),
    ]
    for sequence, (kind, data) in enumerate(events, start=1):
        await calls.append(CallEvent("default", call_id, sequence, sequence, kind, data))
    return opened.id


async def test_a_lines_calls_go_and_all_others_stay(database: Database) -> None:
    calls, conversations, messages = CallStore(database), Conversations(database), Messages(database)
    await _call(calls, conversations, "demo-1", "demo", "+7001")
    shared = await _call(calls, conversations, "demo-2", "demo", "+7002")
    await _call(calls, conversations, "real", "gsm", "+7002")
    await messages.save(
        TakenMessage("m", "default", shared, "demo-2", "en", "Ann", "", "hello", confirmed=True, audio_path="m.ogg")
    )

    removed = await calls.remove_line("default", "demo")

    assert removed.calls == 2
    assert set(removed.files) == {"recordings/demo-1.ogg", "recordings/demo-2.ogg", "m.ogg"}
    assert await calls.get("default", "demo-1") is None
    assert await calls.get("default", "real") is not None
    assert await messages.list("default") == []
    assert (await conversations.open("default", "gsm", "+7002", "en", "emma")).id == shared
    assert (await calls.remove_line("default", "demo")).calls == 0


async def test_another_companys_calls_are_not_touched(database: Database) -> None:
    calls = CallStore(database)
    await _call(calls, Conversations(database), "demo-1", "demo", "+7001")
    assert (await calls.remove_line("other", "demo")).calls == 0
    assert await calls.get("default", "demo-1") is not None
