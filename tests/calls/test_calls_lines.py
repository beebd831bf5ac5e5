"""Two modems in one house: both talk at once, each by its own policy; joined for a caller who wants a person."""

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from live_lines import LiveLines, Sound, greeted, heard_since, live_lines, share_of, tone, until
from live_lines import sound as sound_of
from troubled_line import ready

from services.installation import OpenInstallation
from telephony.simulator import ModemSimulator, SimulatedCall

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLLEAGUE = "+79160009999"
TALKATIVE = "+79160002051"
SHORT = [{"number": "*", "greeting": "Hello."}]
JOIN = {"to": COLLEAGUE, "when": "always", "how": "line", "line": "gsm-2"}
FIRST, SECOND, THIRD = "861000000000017", "861000000000025", "861000000000033"
LONGEST = 30


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lines(
    open_installation: OpenInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveLines]:
    folder = tmp_path_factory.mktemp("lines")
    sims = [
        ModemSimulator(ring_period=0.5, imei=FIRST, usb_place="1-1.3"),
        ModemSimulator(ring_period=0.5, imei=SECOND, usb_place="1-1.4", operator="Second", csq=9),
        ModemSimulator(ring_period=0.5, imei=THIRD, usb_place="1-1.5"),
    ]
    async with live_lines(open_installation, sims, data_dir=folder / "data", models_dir=folder) as lines:
        yield lines


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def long_call(lines: LiveLines) -> AsyncIterator["asyncio.Task[float]"]:
    """Somebody who is on the third line all the while, and presses a key whenever it is his turn."""
    menu = [{"key": "1", "label": "yes", "action": "say", "value": "Yes."}]
    await lines.lay_down("gsm-3", max_call_seconds=LONGEST, callers=SHORT, menu=menu)

    async def talk() -> float:
        call = await lines.ring(TALKATIVE, "gsm-3")
        await call.answered()
        began = time.monotonic()
        while call.is_active:
            if time.monotonic() - began < LONGEST - 4:
                await call.press("1")
            try:
                await call.ended(4.0)
            except TimeoutError:
                pass
        return time.monotonic() - began

    talking = asyncio.create_task(talk())
    yield talking
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)


async def shown(lines: LiveLines) -> dict[str, dict[str, object]]:
    answer = await lines.owner.get("/admin/gsm")
    assert answer.status_code == 200, answer.text
    return {line["name"]: line for line in answer.json()["items"]}


async def joined(lines: LiveLines, number: str) -> tuple[SimulatedCall, SimulatedCall]:
    """Somebody calls and is connected with the colleague, who has picked up."""
    caller = await lines.ring(number)
    await lines.idle("gsm-2")
    colleague = await lines.sim("gsm-2").dialled(15.0)
    assert colleague.number == COLLEAGUE
    await colleague.pick_up()
    await asyncio.sleep(1.0)
    return caller, colleague


async def heard_tone(call: SimulatedCall, hertz: float, since: float) -> None:
    """Wait until the far end hears half a second of a tone clearly, and of nothing else."""

    def clear() -> bool:
        heard: Sound = heard_since(call, max(since, time.monotonic() - 0.5))
        return len(heard) >= 3600 and share_of(heard, hertz) > 0.8

    await until(clear, 5.0)


async def test_the_status_is_that_of_each_modem(lines: LiveLines) -> None:
    lines.sim().set_signal(17)
    lines.sim().set_temperature(41)
    lines.sim("gsm-2").set_registration(5)

    async def known() -> bool:
        found = await shown(lines)
        return found["gsm"]["signal_dbm"] == -79 and "roam" in str(found["gsm-2"]["registration"]).lower()

    await until(known, 12.0)
    found = await shown(lines)
    assert (found["gsm"]["imei"], found["gsm-2"]["imei"]) == (FIRST, SECOND)
    assert (found["gsm"]["operator"], found["gsm-2"]["operator"]) == ("Simulated", "Second")
    assert found["gsm-2"]["signal_dbm"] == -95
    assert found["gsm"]["temperature"] == 41
    lines.sim("gsm-2").set_registration(1)
    await ready(lines.pool)


async def test_both_lines_talk_at_once_each_by_its_own_policy(lines: LiveLines) -> None:
    await lines.lay_down("gsm", callers=[{"number": "*", "greeting": "This is the first line."}])
    await lines.lay_down(
        "gsm-2", callers=[{"number": "*", "greeting": "This is the second line."}], block=["+79160002001"]
    )
    one, two = await lines.ring("+79160002001"), await lines.ring("+79160002002", "gsm-2")
    await asyncio.gather(one.answered(), two.answered())
    await asyncio.gather(sound_of(one), sound_of(two))
    live = {call.line.info.line for call in lines.installation.directory.calls(lines.company)}
    assert live == {"gsm", "gsm-2", "gsm-3"}
    await asyncio.gather(one.hang_up(), two.hang_up())
    for number, line, words in (("+79160002001", "gsm", "first"), ("+79160002002", "gsm-2", "second")):
        record = await lines.filed(number)
        assert (record.line, record.outcome) == (line, "answered")
        (turn, *_) = await lines.turns(record)
        assert turn.intended.startswith(f"This is the {words} line.")
    blocked = await lines.ring("+79160002001", "gsm-2")
    assert await blocked.ended() == "secretary"
    assert (await lines.filed("+79160002001", 2)).outcome == "rejected"


async def test_a_second_caller_is_sent_away_and_stored_once(lines: LiveLines) -> None:
    await lines.lay_down(callers=SHORT)
    one = await lines.ring("+79160002011")
    await one.answered()
    two = await lines.sim().ring("+79160002012")
    assert await two.ended() == "secretary"
    assert one.is_active
    await asyncio.sleep(0.3)
    await one.hang_up()
    record = await lines.filed("+79160002012")
    assert (record.outcome, record.end_reason) == ("rejected", "line_busy")
    assert (await lines.filed("+79160002011")).outcome == "answered"


async def test_caller_and_colleague_are_joined(lines: LiveLines) -> None:
    await lines.lay_down(callers=SHORT, forward=JOIN)
    caller = await lines.ring("+79160002021")
    await caller.answered()
    colleague = await lines.sim("gsm-2").dialled(15.0)
    rings = time.monotonic()
    await heard_tone(caller, 425, rings)
    await colleague.pick_up()
    await asyncio.sleep(0.5)
    since = time.monotonic()
    caller.speak(tone(1000, 1.2))
    await heard_tone(colleague, 1000, since)
    await asyncio.sleep(0.8)
    since = time.monotonic()
    colleague.speak(tone(700, 1.2))
    await heard_tone(caller, 700, since)
    await asyncio.sleep(1.5)
    quiet = np.abs(heard_since(caller, time.monotonic() - 0.3).astype(np.int32))
    assert quiet.max() < 300, "the secretary is silent"
    await caller.hang_up()
    assert await colleague.ended(3.0) == "secretary"
    record = await lines.filed("+79160002021")
    assert (record.outcome, record.line) == ("answered", "gsm")
    said = [turn.intended for turn in await lines.turns(record) if turn.role == "secretary"]
    assert len(said) <= 2, said
    assert "connecting you" in said[-1]

    caller, colleague = await joined(lines, "+79160002022")
    await colleague.hang_up()
    assert await caller.ended(3.0) == "secretary"
    await lines.filed("+79160002022")
    await lines.idle("gsm")
    await lines.idle("gsm-2")


async def test_a_caller_whose_colleague_is_busy_has_the_secretary_back(lines: LiveLines) -> None:
    await lines.lay_down(callers=SHORT, forward=JOIN)
    caller = await lines.ring("+79160002031")
    colleague = await lines.sim("gsm-2").dialled(15.0)
    await asyncio.sleep(0.3)
    await colleague.refuse("BUSY")

    await asyncio.sleep(1.0)
    await sound_of(caller, time.monotonic())
    assert caller.is_active
    await asyncio.sleep(0.5)
    await caller.hang_up()
    turns = await lines.turns(await lines.filed("+79160002031"))
    assert any("cannot connect you" in turn.intended for turn in turns), turns
    await lines.idle("gsm-2")


async def test_a_modem_that_is_plugged_in_elsewhere_keeps_its_name(lines: LiveLines) -> None:
    sim = lines.sim("gsm-2")
    await sim.unplug()
    await until(lambda: lines.service("gsm-2").session is None)
    await lines.lay_down("gsm", callers=SHORT)
    await greeted(await lines.ring("+79160002041"))  # the other line is not touched by it
    await lines.lay_down("gsm-2", callers=[{"number": "*", "greeting": "Here again."}])
    await sim.plug_in(elsewhere=True, place="1-1.7")

    def back() -> bool:
        service = lines.pool.service("gsm-2")
        return service is not None and service.session is not None and not service.why_not()

    await until(back, 20.0)
    await until(lambda: len(lines.pool.services) == 3)
    assert (await shown(lines))["gsm-2"]["imei"] == SECOND
    await greeted(await lines.ring("+79160002042", "gsm-2"))
    record = await lines.filed("+79160002042")
    assert record.line == "gsm-2"
    (turn, *_) = await lines.turns(record)
    assert turn.intended.startswith("Here again.")


async def test_a_call_that_grows_too_long_is_ended_politely(lines: LiveLines, long_call: "asyncio.Task[float]") -> None:
    async with asyncio.timeout(LONGEST + 20):
        seconds = await long_call
    assert LONGEST <= seconds < LONGEST + 12
    record = await lines.filed(TALKATIVE)
    assert (record.line, record.outcome, record.end_reason) == ("gsm-3", "answered", "max_call")
    turns = [turn for turn in await lines.turns(record) if turn.role == "secretary"]
    assert "the time for this call is up" in turns[-1].heard
