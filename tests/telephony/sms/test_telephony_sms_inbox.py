"""Messages from the module's storage into a real database, whatever happens on the way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sms_line import COMPANY, JumpingClock, TroubledStore, channel_to, messages, until
from sms_pdus import SENT, delivered

from services.storage.texts.messages import TextMessages
from services.storage.texts.records import TextMessage
from telephony.simulator import ModemSimulator
from telephony.sms.service import SmsService

PRIVET = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"


Make = Callable[..., SmsService]


def empty(simulator: ModemSimulator) -> Callable[[], bool]:
    return lambda: not simulator.stored_sms()


async def test_the_backlog_is_stored_and_the_card_emptied(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        for number in range(5):
            await simulator.deliver_sms(delivered("+79990001122", f"{number}", sent=SENT + timedelta(seconds=number)))
        running = service()
        await running.attach(channel)
        assert [each.text for each in await messages(texts, 5)] == ["0", "1", "2", "3", "4"]
        await until(empty(simulator))
        await until(lambda: running.status()["storage_total"] == 15)
        await running.detach()


async def test_an_announced_message_is_read_at_once(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        heard: list[TextMessage] = []
        running = service(on_received=heard.append)
        await running.attach(channel)
        await until(lambda: running.status()["storage_used"] == 0)
        await simulator.deliver_sms(PRIVET)
        (message,) = await messages(texts, 1)
        assert (message.number, message.text, message.status) == ("+79990001122", "Привет", "received")
        assert message.sent_at == SENT
        assert heard == [message]
        await until(empty(simulator))
        await running.detach()


async def test_a_message_that_is_passed_on_directly_is_stored(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        await channel.command("AT+CNMI=2,2,0,1,0")
        running = service()
        await running.attach(channel)
        await until(lambda: running.status()["storage_used"] == 0)
        await simulator.deliver_sms(PRIVET)
        assert [each.text for each in await messages(texts, 1)] == ["Привет"]
        await running.detach()


async def test_a_long_message_in_any_order_with_copies(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        running = service()
        await running.attach(channel)
        for sequence, text in ((3, "три"), (1, "раз "), (3, "три"), (2, "два ")):
            await simulator.deliver_sms(delivered("+79990001122", text, part=(7, 3, sequence)))
        (message,) = await messages(texts, 1)
        assert (message.text, message.error) == ("раз два три", "")
        await simulator.deliver_sms(delivered("+79990001122", "два ", part=(7, 3, 2)))  # once more, too late
        await until(empty(simulator))
        await running.detach()
    assert len(await texts.list(COMPANY)) == 1


async def test_missing_parts_are_given_up(texts: TextMessages, service: Make, clock: JumpingClock) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        running = service(sweep_seconds=0.2)
        await running.attach(channel)
        await simulator.deliver_sms(delivered("+79990001122", "раз ", part=(7, 2, 1)))
        await until(empty(simulator))
        assert await texts.list(COMPANY) == []
        clock.jump(minutes=16)
        (message,) = await messages(texts, 1)
        assert message.text == "раз [...]"
        await running.detach()


async def test_a_lost_announcement_is_found_by_the_sweep(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        await channel.command("AT+CNMI=2,0,0,1,0")
        running = service(sweep_seconds=0.2)
        await running.attach(channel)
        await until(lambda: running.status()["storage_used"] == 0)
        await simulator.deliver_sms(PRIVET)
        assert [each.text for each in await messages(texts, 1)] == ["Привет"]
        await running.detach()


async def test_a_full_card_is_emptied(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        running = service()
        await running.attach(channel)
        await until(lambda: running.status()["storage_used"] == 0)
        await channel.command("AT+CNMI=2,0,0,1,0")  # nothing is announced
        for number in range(15):
            await simulator.deliver_sms(delivered(f"+7999000{number:04}", "да"))
        assert await simulator.deliver_sms(PRIVET) is None  # +SMS FULL
        assert len(await messages(texts, 15)) == 15
        await until(empty(simulator))
        await running.detach()


async def test_what_cannot_be_read_is_kept_as_it_came(texts: TextMessages, service: Make) -> None:
    compressed = PRIVET.replace("F20008", "F20020")
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        await simulator.deliver_sms(compressed)
        await simulator.deliver_sms("0011000B919799556576F70000AA0141")  # a message that a telephone once sent
        running = service()
        await running.attach(channel)
        kept = await messages(texts, 2)
        assert [each.kind for each in kept] == ["unreadable", "unreadable"]
        assert "compressed" in kept[0].error
        await until(empty(simulator))
        await running.detach()


async def test_while_the_disk_fails_messages_stay_on_the_card(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        store.failing = {"add_part"}
        running = service()
        await running.attach(channel)
        await simulator.deliver_sms(PRIVET)
        await until(lambda: "add_part" in store.calls)
        assert len(simulator.stored_sms()) == 1
        store.failing.clear()
        assert [each.text for each in await messages(texts, 1)] == ["Привет"]
        await until(empty(simulator))
        await running.detach()


async def test_a_stored_part_whose_message_could_not_be_made_becomes_one_later(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        store.failing = {"add_received"}
        running = service()
        await running.attach(channel)
        await simulator.deliver_sms(PRIVET)
        await until(empty(simulator))
        await running.detach()
        assert await texts.list(COMPANY) == []
        store.failing.clear()
        again = service()  # the process was killed: only the database remembers
        await again.attach(channel)
        assert [each.text for each in await messages(texts, 1)] == ["Привет"]
        await again.detach()


async def test_killed_between_storing_and_deleting_it_is_stored_once(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    stored = asyncio.Event()

    async def hang() -> None:
        stored.set()
        await asyncio.sleep(60)

    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        store.after["add_part"] = hang
        running = service()
        await running.attach(channel)
        await simulator.deliver_sms(PRIVET)
        await asyncio.wait_for(stored.wait(), 8)
        await running.detach()
        assert len(simulator.stored_sms()) == 1
        store.after.clear()
        again = service()
        await again.attach(channel)
        await until(empty(simulator))
        await messages(texts, 1)
        await again.detach()
    assert [each.text for each in await texts.list(COMPANY)] == ["Привет"]


async def test_the_port_vanishes_while_messages_are_read(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    async with ModemSimulator(reset_seconds=0.1) as simulator:
        for number in range(4):
            await simulator.deliver_sms(delivered(f"+7999000{number:04}", f"{number}"))

        async def unplug() -> None:
            store.after.clear()
            simulator.reboot()
            await asyncio.sleep(0.2)

        store.after["add_part"] = unplug
        running = service()
        async with channel_to(simulator.at_port) as channel:
            await running.attach(channel)
            await asyncio.wait_for(channel.wait_closed(), 8)
            await running.detach()
        await until(lambda: Path(simulator.at_port).exists())
        async with channel_to(simulator.at_port) as channel:
            await running.attach(channel)
            assert sorted(each.text for each in await messages(texts, 4)) == ["0", "1", "2", "3"]
            await until(empty(simulator))
            await running.detach()
    assert len(await texts.list(COMPANY)) == 4
