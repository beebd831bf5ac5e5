"""Text messages and calls that break off: the secretary answers in writing, and sees to whom the modem has lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from live_lines import LiveLines, live_lines, until
from live_lines import sound as sound_of
from troubled_line import ready

from services.installation import OpenInstallation
from services.storage.texts.records import TextMessage
from telephony.simulator import ModemSimulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = [{"number": "*", "greeting": "Hello."}]
QUESTION = "What are your opening hours?"
ANSWER = "We are open Monday to Friday"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texting")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lines(open_installation: OpenInstallation, folder: Path) -> AsyncIterator[LiveLines]:
    sim = ModemSimulator(ring_period=0.5, pace=0.5, report_delay=0.1)
    async with live_lines(open_installation, [sim], data_dir=folder / "data", models_dir=folder) as lines:
        await lines.lay_down(callers=SHORT)
        yield lines


async def written(lines: LiveLines, number: str, direction: str) -> list[TextMessage]:
    """Return the stored messages from or to a number, the oldest first."""
    found = await lines.installation.books.texts.list(lines.company, 100, number=number)
    return [each for each in reversed(found) if each.direction == direction]


def sent_to(lines: LiveLines, number: str) -> list[str]:
    """Return what the network has got for a number."""
    return [each.submitted.text for each in lines.sim().sent_sms() if each.submitted.recipient == number]


async def test_a_question_in_writing_is_answered_and_nothing_is_left_on_the_card(lines: LiveLines) -> None:
    number = "+79160003001"
    await lines.sim().deliver_text(number, QUESTION)
    await until(lambda: sent_to(lines, number), 20.0)
    (question,) = await written(lines, number, "in")

    async def delivered() -> bool:
        return [each.status for each in await written(lines, number, "out")] == ["delivered"]

    await until(delivered)
    (answer,) = await written(lines, number, "out")
    assert answer.text.startswith(ANSWER)
    assert answer.reply_to == question.id
    assert "".join(sent_to(lines, number)) == answer.text
    assert lines.sim().stored_sms() == []
    shown = (await lines.owner.get("/admin/gsm/gsm/sms", params={"number": number})).json()["items"]
    assert [each["direction"] for each in shown] == ["out", "in"]


async def test_a_long_russian_message_is_answered_while_somebody_is_on_the_line(lines: LiveLines) -> None:
    number, text = "+79160003011", "Здравствуйте! " + "Подскажите, пожалуйста, " * 5 + "какие у вас часы работы?"
    call = await lines.ring("+79160003012")
    await call.answered()
    await sound_of(call)
    assert len(await lines.sim().deliver_text(number, text)) > 1

    async def answered() -> bool:
        return [each.status in ("sent", "delivered") for each in await written(lines, number, "out")] == [True]

    await until(answered, 20.0)
    assert call.is_active
    assert [each.text for each in await written(lines, number, "in")] == [text]
    (answer,) = await written(lines, number, "out")
    assert answer.text.startswith("Мы работаем с понедельника")
    assert "".join(sent_to(lines, number)) == answer.text
    await call.hang_up()
    assert (await lines.filed("+79160003012")).outcome == "answered"


async def test_a_message_that_came_while_the_house_was_closed_is_answered_once(
    open_installation: OpenInstallation, folder: Path
) -> None:
    number = "+79160003021"
    sim = ModemSimulator(report_delay=0.1)
    places = {"data_dir": folder / "again", "models_dir": folder, "speech": False}
    async with sim:
        await sim.deliver_text(number, QUESTION)
        assert len(sim.stored_sms()) == 1
        for _ in range(2):
            async with live_lines(open_installation, [sim], **places) as lines:
                await until(lambda: sent_to(lines, number), 20.0)
                assert len(await written(lines, number, "in")) == 1
                await asyncio.sleep(0.3)
                assert len(sent_to(lines, number)) == 1
        assert sim.stored_sms() == []


@pytest.mark.parametrize(("wish", "number"), [("sms", "+79160003031"), ("call_back", "+79160003032")])
async def test_who_was_lost_with_wedged_audio_is_written_to_or_called_back(
    lines: LiveLines, wish: str, number: str
) -> None:
    sim = lines.sim()
    await lines.lay_down(callers=SHORT, lost_call=wish)
    sim.set_faults(["wedged-audio"])
    call = await lines.ring(number)
    await call.answered()
    assert await call.ended(30.0) in ("secretary", "modem")
    sim.set_faults([])
    if wish == "sms":
        await until(lambda: sent_to(lines, number), 30.0)
        (text,) = sent_to(lines, number)
        assert "cut off by a fault on our side" in text
        record = await lines.filed(number)
    else:
        back = await sim.dialled(30.0)
        assert back.number == number
        await back.pick_up()
        await sound_of(back)
        await asyncio.sleep(2.0)
        await back.hang_up()
        record = await lines.filed(number, 2)
        assert (record.direction, record.outcome) == ("out", "answered")
        (turn, *_) = [turn for turn in await lines.turns(record) if turn.role == "secretary"]
        assert "cut off by a fault on our side" in turn.intended
        record = (await lines.calls(number))[1]
    assert (record.direction, record.outcome, record.end_reason) == ("in", "answered", "line_lost")
    await ready(lines.pool)
