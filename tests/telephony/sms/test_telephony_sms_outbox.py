"""Queued messages over the module and over a scripted port: sent once, in order, within the limits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sms_line import (
    COMPANY,
    JumpingClock,
    ScriptedPort,
    TroubledStore,
    channel_to,
    until,
    with_status,
)
from sms_session import fine, serving, wake

from services.errors import LineError
from services.storage.texts.messages import TextMessages
from telephony.simulator import ModemSimulator
from telephony.sms.outbox import EXPIRY
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings

NUMBER = "+79995556677"
LONG = "я" * 100


Make = Callable[..., SmsService]


async def test_a_message_is_sent_and_its_delivery_noted(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator(report_delay=0.05) as simulator, channel_to(simulator.at_port) as channel:
        running = service()
        await running.attach(channel)
        message_id = await running.send(NUMBER, "Привет", "test")
        message = await with_status(texts, message_id, "delivered")
        assert (message.text, message.purpose, message.direction) == ("Привет", "test", "out")
        assert message.sent_at is not None
        (sent,) = simulator.sent_sms()
        assert sent.pdu.startswith("0021000B919799556576F70008")
        await until(lambda: running.status()["sent_parts"] == 1)
        await running.detach()


async def test_what_was_queued_without_a_modem_is_sent_when_one_is_there(texts: TextMessages, service: Make) -> None:
    running = service()
    ids = [await running.send(NUMBER, text) for text in ("один", LONG)]
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        await running.attach(channel)
        for message_id in ids:
            await with_status(texts, message_id, "delivered")
        assert len(simulator.sent_sms()) == 3
        await running.detach()


async def test_without_a_network_it_waits_and_a_sent_part_is_not_sent_again(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    outcomes = [["+CMGS: 5", "OK"], ["+CMS ERROR: 331"], ["+CMS ERROR: 38"], ["+CMGS: 6", "OK"]]
    port = ScriptedPort(fine, lambda _text: outcomes.pop(0))
    running = service()
    async with serving(running, port):
        message_id = await running.send(NUMBER, LONG)
        for attempts, why in ((1, "The modem has no network."), (2, "The network is out of order.")):

            async def refused(attempts: int = attempts, why: str = why) -> bool:
                message = await texts.get(COMPANY, message_id)
                return message is not None and (message.attempts, message.error) == (attempts, why)

            await until(refused)
            clock.jump(seconds=20)
            wake(running)
        await with_status(texts, message_id, "sent")
    first, *again = port.texts
    assert len(again) == 3
    assert first not in again
    assert len(set(again)) == 1


@pytest.mark.parametrize(("code", "words"), [(21, "rejected"), (304, "malformed"), (8, "barred")])
async def test_what_will_never_work_is_given_up_with_a_sentence(
    texts: TextMessages, service: Make, code: int, words: str
) -> None:
    port = ScriptedPort(fine, lambda _text: [f"+CMS ERROR: {code}"])
    running = service()
    async with serving(running, port):
        message_id = await running.send(NUMBER, LONG)
        message = await with_status(texts, message_id, "failed")
        assert words in message.error
    assert len(port.texts) == 1


async def test_the_daily_cap_keeps_messages_back_until_tomorrow(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    port = ScriptedPort(fine)
    running = service(settings=SmsSettings(daily_cap=2))
    async with serving(running, port):
        first = await running.send(NUMBER, LONG)
        await with_status(texts, first, "sent")
        second = await running.send(NUMBER, "Привет")

        async def kept_back() -> bool:
            message = await texts.get(COMPANY, second)
            return message is not None and "within 24 hours" in message.error

        await until(kept_back)
        assert len(port.texts) == 2
        clock.jump(hours=23, minutes=59)
        wake(running)
        await asyncio.sleep(0.2)
        assert len(port.texts) == 2
        clock.jump(minutes=0.9)
        with pytest.raises(LineError, match="3 parts"):
            await running.send(NUMBER, "я" * 190)
    message = await texts.get(COMPANY, second)
    assert message is not None
    assert message.status == "queued"


async def test_what_is_too_old_is_not_sent(texts: TextMessages, service: Make, clock: JumpingClock) -> None:
    running = service()
    message_id = await running.send(NUMBER, "Привет")
    clock.jump(hours=EXPIRY / timedelta(hours=1))
    port = ScriptedPort(fine)
    async with serving(running, port):
        message = await with_status(texts, message_id, "failed")
        assert "within a day" in message.error
    assert port.texts == []


async def test_nothing_is_sent_while_a_call_is_set_up(texts: TextMessages, service: Make) -> None:
    class Ringing:
        def __init__(self) -> None:
            self.over = asyncio.Event()
            self.asked = asyncio.Event()

        @asynccontextmanager
        async def sending(self) -> AsyncIterator[None]:
            self.asked.set()
            await self.over.wait()
            yield

    port, ringing = ScriptedPort(fine), Ringing()
    running = service()
    async with serving(running, port, ringing):
        message_id = await running.send(NUMBER, "Привет")
        await asyncio.wait_for(ringing.asked.wait(), 8)
        await asyncio.sleep(0.1)
        assert port.texts == []
        ringing.over.set()
        await with_status(texts, message_id, "sent")


@pytest.mark.parametrize(("number", "text"), [("hello", "hi"), (NUMBER, "  "), (NUMBER, "я" * 67 * 201)])
async def test_what_cannot_be_sent_is_refused_at_once(service: Make, number: str, text: str) -> None:
    with pytest.raises(LineError):
        await service().send(number, text)


async def test_a_disk_that_fails_while_sending_delays_only(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    port = ScriptedPort(fine)
    running = service()
    async with serving(running, port):
        await until(lambda: "due" in store.calls)
        message_id = await running.send(NUMBER, "Привет")
        store.failing = {"due"}
        wake(running)
        await until(lambda: store.calls.count("due") >= 2)
        store.failing.clear()
        await with_status(texts, message_id, "sent")
    assert len(port.texts) == 1


async def test_what_may_have_arrived_is_tried_five_times_and_a_missing_network_does_not_count(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    codes = [331, 500] * 4 + [332]
    port = ScriptedPort(fine, lambda _text: [f"+CMS ERROR: {codes[len(port.texts) - 1]}"])
    running = service()
    async with serving(running, port):
        message_id = await running.send(NUMBER, "Привет")

        for attempts in range(1, len(codes) + 1):

            async def tried(attempts: int = attempts) -> bool:
                message = await texts.get(COMPANY, message_id)
                return message is not None and message.attempts == attempts

            await until(tried)
            clock.jump(minutes=16)
            wake(running)
        await with_status(texts, message_id, "failed")
    message = await texts.get(COMPANY, message_id)
    assert message is not None
    assert message.error == "The network did not answer in time."
    assert len(port.texts) == len(codes)
