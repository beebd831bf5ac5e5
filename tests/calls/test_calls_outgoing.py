"""Calls that the secretary places: asked for over HTTP, dialled, held, and stored with what became of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from live_lines import LiveLines, Sound, live_lines, silence, until
from live_lines import sound as sound_of

from services.errors import LineError
from services.installation import OpenInstallation
from services.storage.calls.records import CallRecord
from services.voice.directory import CallOrder
from telephony.simulator import ModemSimulator, SimulatedCall, beep, read_wav

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH = Path(__file__).resolve().parents[1] / "speech"
OPENING = "This is about your visit tomorrow."
PURPOSE = "to confirm a visit"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lines(
    open_installation: OpenInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveLines]:
    folder = tmp_path_factory.mktemp("outgoing")
    async with live_lines(open_installation, [ModemSimulator()], data_dir=folder / "data", models_dir=folder) as lines:
        await lines.lay_down(outgoing={"allow": ["*"], "per_day": 100})
        yield lines


async def ask(lines: LiveLines, to: str, **more: Any) -> httpx.Response:
    await lines.idle()
    order = {"to": to, "purpose": PURPOSE, "opening": OPENING, **more}
    return await lines.owner.post("/admin/calls", json=order)


async def dial(lines: LiveLines, to: str) -> tuple[str, SimulatedCall]:
    """Ask for a call and return its id with the far end of it, which rings."""
    answer = await ask(lines, to)
    assert answer.status_code in (200, 201, 202), answer.text
    call = await lines.sim().dialled()
    assert call.number == to
    return str(answer.json()["id"]), call


async def filed(lines: LiveLines, call_id: str) -> CallRecord:
    async def over() -> bool:
        found = await lines.installation.books.calls.get(lines.company, call_id)
        return found is not None and found.ended_at is not None

    await until(over, 20.0)
    record = await lines.installation.books.calls.get(lines.company, call_id)
    assert record is not None
    assert (record.direction, record.line, record.purpose) == ("out", "gsm", PURPOSE)
    assert len(await lines.calls(record.number)) == 1
    return record


async def test_who_takes_the_call_hears_the_opening_and_is_talked_to(lines: LiveLines) -> None:
    call_id, call = await dial(lines, "+79160001001")
    await asyncio.sleep(0.5)
    await call.pick_up()
    call.speak(read_wav(SPEECH / "yes-slt.wav"))  # "hello?" will do as well
    await silence(call)
    question = read_wav(SPEECH / "hours-slt.wav")
    await sound_of(call, call.time_of(call.speak(question) + len(question)))
    await asyncio.sleep(0.5)
    await call.hang_up()
    record = await filed(lines, call_id)
    assert (record.outcome, record.end_reason) == ("answered", "caller_hangup")
    assert record.answered_at is not None
    turns = await lines.turns(record)
    said = [turn for turn in turns if turn.role == "secretary"]
    assert said[0].heard == OPENING
    assert said[1].source == "faq"
    assert [turn.role for turn in turns][-1] == "secretary"
    assert record.recording_path


@pytest.mark.parametrize(
    ("number", "result", "cause", "outcome"),
    [
        ("+79160001011", "NO CARRIER", "Call rejected", "rejected"),
        ("+79160001012", "BUSY", "", "busy"),
        ("+79160001013", "NO ANSWER", "", "no_answer"),
    ],
)
async def test_who_does_not_take_it(lines: LiveLines, number: str, result: str, cause: str, outcome: str) -> None:
    call_id, call = await dial(lines, number)
    await asyncio.sleep(0.3)
    await call.refuse(result, cause)
    record = await filed(lines, call_id)
    assert (record.outcome, record.answered_at, record.seconds) == (outcome, None, 0.0)
    assert await lines.turns(record) == ()


def in_one_breath(sound: Sound) -> Sound:
    """Leave every pause out: machines read on."""
    chunks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    breath: Sound = chunks[np.abs(chunks).max(axis=1) > 300].ravel()
    return breath


async def test_a_voicemail_gets_the_opening_behind_its_beep(lines: LiveLines) -> None:
    call_id, call = await dial(lines, "+79160001021")
    await call.pick_up()
    words = in_one_breath(read_wav(SPEECH / "long-rms.wav"))[: 5 * 8000]
    beeped = call.time_of(call.speak(np.concatenate([words, beep()])) + len(words))
    await sound_of(call, beeped, 30.0)
    assert await call.ended(30.0) == "secretary"
    record = await filed(lines, call_id)
    turns = await lines.turns(record)
    assert record.outcome == "voicemail", [(turn.role, turn.start, turn.heard) for turn in turns]
    assert [turn for turn in turns if turn.role == "secretary"][-1].heard == OPENING


async def test_a_call_is_cancelled_while_it_rings(lines: LiveLines) -> None:
    call_id, call = await dial(lines, "+79160001031")
    await asyncio.sleep(0.4)
    ended = await lines.owner.post(f"/admin/calls/{call_id}/end")
    assert ended.status_code == 204, ended.text
    assert await call.ended(1.0) == "secretary"
    record = await filed(lines, call_id)
    assert (record.outcome, record.answered_at) == ("cancelled", None)


async def test_what_the_policy_forbids_is_not_dialled(lines: LiveLines) -> None:
    order = CallOrder(lines.company, "+79160001041", purpose=PURPOSE)
    await lines.lay_down()  # only who has called lately
    assert (await ask(lines, order.to)).status_code == 409
    with pytest.raises(LineError, match="has not called"):
        await lines.installation.directory.dial(order)
    for number in ("112", "*100#", "+447911123456"):
        assert (await ask(lines, number)).status_code in (409, 422), number
    await lines.lay_down(outgoing={"enabled": False, "allow": ["*"]})
    assert (await ask(lines, order.to)).status_code == 409

    placed = len(
        await lines.installation.books.call_counts.dialled(
            lines.company, "gsm", lines.installation.clock.now().replace(hour=0)
        )
    )
    await lines.lay_down(outgoing={"allow": ["*"], "per_day": placed + 1})
    _, call = await dial(lines, order.to)
    await call.refuse()
    refused = await ask(lines, "+79160001042")
    assert refused.status_code == 409
    assert "today" in refused.json()["detail"]
    await asyncio.sleep(0.3)
    with pytest.raises(TimeoutError):
        await lines.sim().dialled(0.1)
    assert await lines.calls("+79160001042") == []
    await lines.lay_down(outgoing={"allow": ["*"], "per_day": 100})
