"""What an owner lays down for a line acts on the very next call: whole calls over pseudo-terminals, no restart."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from live_lines import LiveLines, greeted, live_lines, silence

from services.installation import OpenInstallation
from telephony.simulator import ModemSimulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DAYS = [(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1)]
CLOSED = {"holidays": _DAYS}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lines(
    open_installation: OpenInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveLines]:
    folder: Path = tmp_path_factory.mktemp("policy")
    sim = ModemSimulator(ring_period=0.4)
    async with live_lines(open_installation, [sim], data_dir=folder / "data", models_dir=folder) as lines:
        yield lines


async def test_lists_decide_who_is_answered(lines: LiveLines) -> None:
    number = "+79160000001"
    await lines.lay_down()
    await greeted(await lines.ring(number))
    assert (await lines.filed(number)).outcome == "answered"

    await lines.lay_down(block=[number, "withheld"])
    call = await lines.ring(number)
    assert await call.ended() == "secretary"
    record = await lines.filed(number, 2)
    assert (record.outcome, record.end_reason, record.answered_at) == ("rejected", "blocked", None)
    call = await lines.ring("")
    assert await call.ended() == "secretary"
    record = await lines.filed("")
    assert (record.outcome, record.end_reason) == ("rejected", "blocked")

    await lines.lay_down(allow=["+7916*"])
    call = await lines.ring("+79990000002")
    assert await call.ended() == "secretary"
    record = await lines.filed("+79990000002")
    assert (record.outcome, record.end_reason) == ("rejected", "not_allowed")
    await greeted(await lines.ring(number))
    assert (await lines.filed(number, 3)).outcome == "answered"


async def test_outside_opening_hours(lines: LiveLines) -> None:
    await lines.lay_down(hours=CLOSED, outside_hours="reject")
    call = await lines.ring("+79160000011")
    assert await call.ended() == "secretary"
    record = await lines.filed("+79160000011")
    assert (record.outcome, record.end_reason) == ("rejected", "closed")

    await lines.lay_down(hours=CLOSED, outside_hours="ring")
    call = await lines.ring("+79160000012")
    with pytest.raises(TimeoutError):
        await call.ended(1.5)
    assert call.rings >= 3, "it rings on"
    await call.give_up()
    record = await lines.filed("+79160000012")
    assert (record.outcome, record.end_reason) == ("rejected", "closed")

    greeting = "Good evening from {company}. We open at nine."
    await lines.lay_down(hours=CLOSED, after_hours_greeting={"en": greeting})
    await greeted(await lines.ring("+79160000013"))
    record = await lines.filed("+79160000013")
    (turn, *_) = await lines.turns(record)
    assert turn.intended.startswith("Good evening from Mint Dental. We open at nine.")

    await lines.lay_down()
    await greeted(await lines.ring("+79160000014"))
    (turn, *_) = await lines.turns(await lines.filed("+79160000014"))
    assert turn.intended.startswith("Hello! Mint Dental, this is Emma")


async def test_callers_are_served_in_their_own_way_and_not_too_often(lines: LiveLines) -> None:
    friend, stranger = "+79160000021", "+79160000022"
    await lines.lay_down(
        answer_after_rings=3,
        callers=[{"number": friend, "persona": "anna", "language": "ru", "greeting": "Привет от {company}, это {name}!"}],
        calls_per_hour=2,
    )
    call = await lines.ring(friend)
    await greeted(call)
    assert call.rings == 3
    record = await lines.filed(friend)
    assert (record.persona, record.language) == ("anna", "ru")
    (turn, *_) = await lines.turns(record)
    assert turn.intended.startswith("Привет от")
    assert "это Анна!" in turn.intended

    await lines.lay_down(answer_after_rings=1, calls_per_hour=2)
    call = await lines.ring(stranger)
    await greeted(call)
    assert call.rings == 1
    assert (await lines.filed(stranger)).persona == "emma"

    await greeted(await lines.ring(friend))
    assert (await lines.filed(friend, 2)).persona == "emma"
    call = await lines.ring(friend)
    assert await call.ended() == "secretary"
    record = await lines.filed(friend, 3)
    assert (record.outcome, record.end_reason) == ("rejected", "too_many")
