"""When nobody knows whether a part was sent: tried again once, after a while, unless a report tells."""

import asyncio
from collections.abc import Callable

from sms_line import (
    COMPANY,
    LINE,
    JumpingClock,
    ScriptedPort,
    TroubledStore,
    until,
    with_status,
)
from sms_session import fine, lost_in_the_middle, serving, wake
from virtual_time import run_virtually

from services.storage.texts.messages import TextMessages
from telephony.at.channel import AtChannel
from telephony.sms.modem_messages import ModemMessages, Refused
from telephony.sms.outbox import Outbox
from telephony.sms.ports import AlwaysQuiet
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings

NUMBER = "+79995556677"
LONG = "я" * 100


Make = Callable[..., SmsService]


async def test_a_part_in_doubt_is_sent_again_once_and_not_before_a_while(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    running = service()
    message_id = await running.send(NUMBER, "Привет")
    assert await lost_in_the_middle(running) == 1
    async with serving(running, ScriptedPort(fine)) as channel:  # a report may still come
        await asyncio.sleep(0.3)
        assert not channel.closed
    clock.jump(seconds=61)
    assert await lost_in_the_middle(running) == 1
    clock.jump(seconds=61)
    port = ScriptedPort(fine)
    async with serving(running, port):
        message = await with_status(texts, message_id, "failed")
        assert "twice" in message.error
    assert port.texts == []


async def test_a_report_settles_the_doubt(texts: TextMessages, service: Make, clock: JumpingClock) -> None:
    running = service()
    message_id = await running.send(NUMBER, "Привет")
    assert await lost_in_the_middle(running) == 1
    back = ScriptedPort(fine)
    async with serving(running, back):
        back.say(["+CDS: 25", "0006090B919799556576F7621112206134216211122061342100"])
        await with_status(texts, message_id, "delivered")
        clock.jump(seconds=120)
        wake(running)
        await asyncio.sleep(0.2)
    assert back.texts == []


async def test_killed_while_sending_it_is_in_doubt(texts: TextMessages, service: Make, clock: JumpingClock) -> None:
    silent = ScriptedPort(fine, lambda _text: None)
    running = service()
    async with serving(running, silent):
        message_id = await running.send(NUMBER, LONG)
        await until(lambda: len(silent.texts) == 1)
    (first, second) = await texts.of_line(COMPANY, LINE).parts(message_id)
    assert (first.status, second.status) == ("sending", "queued")
    again = service()
    back = ScriptedPort(fine)
    async with serving(again, back):

        async def doubtful() -> bool:
            part, _ = await texts.of_line(COMPANY, LINE).parts(message_id)
            return part.status == "doubtful"

        await until(doubtful)
        assert back.texts == []
        clock.jump(seconds=61)
        wake(again)
        await with_status(texts, message_id, "sent")
    assert back.texts == [first.pdu, second.pdu]


async def test_a_modem_that_does_not_say_how_it_went(
    texts: TextMessages, service: Make, store: TroubledStore, clock: JumpingClock
) -> None:
    async def cap() -> int:
        return 100

    answers: list[list[str] | None] = [None, ["+CMGS: 7", "OK"]]
    port = ScriptedPort(fine, lambda _text: answers.pop(0))
    message_id = await service().send(NUMBER, "Привет")
    channel = AtChannel(port)
    outbox = Outbox(ModemMessages(channel, send_timeout=0.3), store, AlwaysQuiet(), clock, cap)
    sending = asyncio.create_task(outbox.run())

    async def doubtful() -> bool:
        (part,) = await texts.of_line(COMPANY, LINE).parts(message_id)
        return part.status == "doubtful"

    await until(doubtful)
    clock.jump(seconds=61)
    outbox.wake()
    await with_status(texts, message_id, "sent")
    assert len(port.texts) == 2
    sending.cancel()
    await channel.close()


def test_a_modem_that_does_not_ask_for_the_text_has_nothing_to_send() -> None:
    class Deaf(ScriptedPort):
        async def write(self, data: bytes, timeout: float = 2.0) -> None:
            if not data.startswith(b"AT+CMGS"):
                await super().write(data, timeout)

    async def send() -> None:
        channel = AtChannel(Deaf(fine))
        outcome = await ModemMessages(channel).send("00", 7)
        assert outcome == Refused("The modem did not answer AT+CMGS=7.")
        await channel.close()

    run_virtually(send())


async def test_a_report_in_the_middle_of_the_answer_is_not_lost(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    report = "0006090B919799556576F7621112206134216211122061342100"
    port = ScriptedPort(fine, lambda _text: ["+CDS: 25", report, "+CMGS: 9", "OK"])
    running = service(sweep_seconds=0.2)
    async with serving(running, port):
        message_id = await running.send(NUMBER, "Привет")
        await with_status(texts, message_id, "delivered")


async def test_the_daily_cap_does_not_hold_up_what_was_begun(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    running = service(settings=SmsSettings(daily_cap=1))
    message_id = await running.send(NUMBER, "Привет")
    assert await lost_in_the_middle(running) == 1
    clock.jump(seconds=61)
    async with serving(running, ScriptedPort(fine)):
        await with_status(texts, message_id, "sent")


async def test_a_reference_that_was_reported_on_before_does_not_hide_the_doubt(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    report = ["+CDS: 25", "0006090B919799556576F7621112206134216211122061342100"]
    running = service()
    port = ScriptedPort(fine, lambda _text: ["+CMGS: 9", "OK"])
    async with serving(running, port):
        first = await running.send(NUMBER, "Привет")
        await with_status(texts, first, "sent")
        port.say(report)
        await with_status(texts, first, "delivered")
    second = await running.send(NUMBER, "Пока")
    assert await lost_in_the_middle(running) == 1
    back = ScriptedPort(fine)
    async with serving(running, back):
        back.say(report)  # the modem counts from the beginning after its reset
        await with_status(texts, second, "delivered")
    assert back.texts == []
