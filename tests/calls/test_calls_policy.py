"""What an owner lays down for a line acts on the very next call: whole calls over pseudo-terminals, no restart."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile
from live_lines import LiveLines, greeted, heard_since, live_lines, share_of, silence, tone, until
from live_lines import sound as sound_of

from services.installation import OpenInstallation
from telephony.simulator import ModemSimulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DAYS = [(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1)]
CLOSED = {"holidays": _DAYS}
SHORT = [{"number": "*", "greeting": "Hello, {name} here."}]


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
        callers=[
            {"number": "+79160000*", "persona": "anna", "language": "ru"},
            {"number": friend, "greeting": "Good to hear you, dear friend! It is {name}."},
        ],
        calls_per_hour=2,
    )
    call = await lines.ring(friend)
    await greeted(call)
    assert call.rings == 3
    record = await lines.filed(friend)
    (turn, *_) = await lines.turns(record)
    assert turn.intended.startswith("Good to hear you, dear friend! It is Emma.")
    await greeted(await lines.ring(stranger))
    record = await lines.filed(stranger)
    assert (record.persona, record.language) == ("anna", "ru")
    (turn, *_) = await lines.turns(record)
    assert turn.persona == "anna"

    await lines.lay_down(answer_after_rings=1, calls_per_hour=2)
    call = await lines.ring(stranger)
    await greeted(call)
    assert call.rings == 1
    assert (await lines.filed(stranger, 2)).persona == "emma"

    await greeted(await lines.ring(friend))
    assert (await lines.filed(friend, 2)).persona == "emma"
    call = await lines.ring(friend)
    assert await call.ended() == "secretary"
    record = await lines.filed(friend, 3)
    assert (record.outcome, record.end_reason) == ("rejected", "too_many")


async def test_a_notice_is_heard_first_and_recorded_is_only_what_comes_behind_it(lines: LiveLines) -> None:
    notice = "This call is recorded."
    await lines.lay_down(consent_notice={"en": notice}, callers=SHORT)
    call = await lines.ring("+79160000031")
    await call.answered()
    call.speak(tone(1300, 0.8))  # the caller's noise over the notice
    await silence(call)
    call.speak(tone(900, 0.8))
    await asyncio.sleep(1.0)
    await call.hang_up()
    record = await lines.filed("+79160000031")
    (turn, *_) = await lines.turns(record)
    assert turn.heard.startswith(notice), turn
    assert "Emma" in turn.heard
    sound, rate = soundfile.read(lines.installation.settings.data_dir / record.recording_path, dtype="int16")
    caller, secretary = np.split(sound.reshape(-1, 2), 2, axis=1)
    early = round(1.0 * rate)
    assert np.abs(sound[:early]).max() < 50, "silence on both sides while the notice is heard"
    assert np.abs(heard_since(call, 0.0)[:8000]).max() > 300, "which the caller hears meanwhile"
    assert np.abs(secretary).max() > 300
    assert share_of(caller.ravel()[-round(1.6 * rate) :], 900) > 0.5

    for number, policy in (
        ("+79160000032", {"record": False}),
        ("+79160000033", {"consent_notice": {"ru": "Запись."}}),
    ):
        await lines.lay_down(**policy)
        call = await lines.ring(number)
        await call.answered()
        await sound_of(call)
        await asyncio.sleep(0.3)
        await call.hang_up()
        record = await lines.filed(number)
        assert (record.outcome, record.recording_path) == ("answered", "")
    folder = lines.installation.settings.data_dir / "recordings"
    assert not [path for path in folder.rglob("*.ogg") if record.id in path.name]


async def test_a_key_counts_once_however_the_modem_tells_of_it(lines: LiveLines) -> None:
    told = "You find us in the garden."
    menu = [
        {"key": "1", "label": "the way", "action": "say", "value": told},
        {"key": "3", "label": "a message", "action": "message"},
    ]
    await lines.lay_down(menu=menu, callers=SHORT)
    sim = lines.sim()
    for count, fault in enumerate(["dtmf-in-band-only", "dtmf-urc-only", "dtmf-urc-late"]):
        number = f"+7916000004{count}"
        sim.set_faults([fault])
        call = await lines.ring(number)
        await call.answered()
        await sound_of(call)
        await call.press("1")
        await asyncio.sleep(1.3)
        if fault == "dtmf-in-band-only":
            await call.press("3")
            await asyncio.sleep(0.5)
        await call.hang_up()
        sim.set_faults([])
        turns = await lines.turns(await lines.filed(number))
        said = [turn.intended for turn in turns if turn.role == "secretary"]
        assert "For the way, press 1." in said[0]
        assert said.count(told) == 1, (fault, said)
        if fault == "dtmf-in-band-only":
            assert "take a message" in said[2]
    await lines.idle()


async def test_a_colleague_is_written_to_once_with_the_callers_number(lines: LiveLines) -> None:
    colleague, number, sim = "+79160009999", "+79160000051", lines.sim()
    menu = [{"key": "4", "label": "a colleague", "action": "transfer"}]
    await lines.lay_down(forward={"to": colleague, "when": "on_request", "how": "sms"}, menu=menu, callers=SHORT)
    call = await lines.ring(number)
    await call.answered()
    await sound_of(call)
    await call.press("4")
    assert await call.ended(30.0) == "secretary"
    record = await lines.filed(number)
    assert (record.outcome, record.end_reason) == ("answered", "call_back")
    said = [turn.heard for turn in await lines.turns(record) if turn.role == "secretary"]
    assert "ask a colleague to call you back now" in said[-1]
    await until(sim.sent_sms)
    await asyncio.sleep(0.5)
    (sent,) = sim.sent_sms()
    assert sent.submitted.recipient == colleague
    assert number in sent.submitted.text
