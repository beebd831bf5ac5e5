"""Every fault of text messages that the simulated module knows: each message is stored once and sent once."""

import pytest
from sms_line import COMPANY, LINE, JumpingClock, channel_to, messages, until, with_status

from services.storage.texts.messages import TextMessages
from telephony.simulator import ModemSimulator
from telephony.sms.service import SmsService

NUMBER = "+79990001122"
LONG = "Длинное сообщение, которое не помещается в одну часть. " * 4


@pytest.mark.parametrize(
    "faults", [(), ("sms-parts-shuffled",), ("sms-parts-doubled",), ("junk", "doubled-cr"), ("urc-inside-answer",)]
)
async def test_long_messages_come_whole(texts: TextMessages, clock: JumpingClock, faults: tuple[str, ...]) -> None:
    async with ModemSimulator(faults, seed=3) as simulator, channel_to(simulator.at_port) as channel:
        service = SmsService(texts.of_line(COMPANY, LINE), clock)
        await service.attach(channel)
        await simulator.deliver_text(NUMBER, LONG)
        await simulator.deliver_text("Bank", "Your code is 1234")

        async def both() -> bool:
            return {LONG, "Your code is 1234"} <= {each.text for each in await texts.list(COMPANY)}

        await until(both)
        await until(lambda: not simulator.stored_sms())
        await service.detach()
    assert [each.number for each in await texts.list(COMPANY) if each.text == LONG] == [NUMBER]


async def test_a_message_whose_part_never_comes(texts: TextMessages, clock: JumpingClock) -> None:
    async with ModemSimulator(["sms-part-missing"]) as simulator, channel_to(simulator.at_port) as channel:
        service = SmsService(texts.of_line(COMPANY, LINE), clock, sweep_seconds=0.2)
        await service.attach(channel)
        await simulator.deliver_text(NUMBER, LONG)
        await until(lambda: not simulator.stored_sms())
        clock.jump(minutes=16)
        (message,) = await messages(texts, 1)
        assert "[...]" in message.text
        assert message.text.split("[...]")[0] == LONG[: len(message.text.split("[...]")[0])]
        await service.detach()


async def test_a_card_that_is_full_from_the_start(texts: TextMessages, clock: JumpingClock) -> None:
    async with ModemSimulator(["sms-full"]) as simulator, channel_to(simulator.at_port) as channel:
        await simulator.deliver_text(NUMBER, "Вы открыты?")
        service = SmsService(texts.of_line(COMPANY, LINE), clock)
        await service.attach(channel)

        async def there() -> bool:
            return any(each.text == "Вы открыты?" for each in await texts.list(COMPANY))

        await until(there)
        await until(lambda: not simulator.stored_sms())
        assert simulator.waiting_sms() == 0
        await service.detach()


@pytest.mark.parametrize(
    "faults", [("sms-send-fails",), ("sms-error-38", "junk"), ("sms-error-332", "urc-inside-answer")]
)
async def test_what_the_network_refuses_for_now_is_sent_once(
    texts: TextMessages, clock: JumpingClock, faults: tuple[str, ...]
) -> None:
    async with ModemSimulator(faults, report_delay=0.05) as simulator, channel_to(simulator.at_port) as channel:
        service = SmsService(texts.of_line(COMPANY, LINE), clock)
        await service.attach(channel)
        message_id = await service.send(NUMBER, LONG)

        async def ended() -> bool:
            message = await texts.get(COMPANY, message_id)
            clock.jump(seconds=20)
            service._wake_outbox()
            return message is not None and message.status in ("delivered", "failed")

        await until(ended)
        message = await with_status(texts, message_id, "delivered")
        assert message.attempts >= 2
        sent = [each.pdu for each in simulator.sent_sms()]
        assert len(sent) == len(set(sent)) == 4
        await service.detach()


async def test_what_the_network_refuses_for_good(texts: TextMessages, clock: JumpingClock) -> None:
    async with ModemSimulator(["sms-refused"]) as simulator, channel_to(simulator.at_port) as channel:
        service = SmsService(texts.of_line(COMPANY, LINE), clock)
        await service.attach(channel)
        message = await with_status(texts, await service.send(NUMBER, LONG), "failed")
        assert message.error == "The network has rejected the text message."
        assert simulator.sent_sms() == []
        await service.detach()
