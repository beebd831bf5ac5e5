"""Messages on their way in, when something goes wrong for long: restarts, damaged PDUs, full or foreign storages."""

from collections.abc import Callable

from sms_line import COMPANY, JumpingClock, ScriptedPort, TroubledStore, channel_to, messages, until
from sms_pdus import delivered

from services.storage.texts.messages import TextMessages
from telephony.at.channel import AtChannel
from telephony.simulator import ModemSimulator
from telephony.sms.service import SmsService

PRIVET = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"


Make = Callable[..., SmsService]


def empty(simulator: ModemSimulator) -> Callable[[], bool]:
    return lambda: not simulator.stored_sms()


async def test_parts_wait_in_the_database_across_a_restart(texts: TextMessages, service: Make) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        for sequence, text in ((2, "два"), (1, "раз ")):
            running = service()
            await running.attach(channel)
            await simulator.deliver_sms(delivered("+79990001122", text, part=(7, 2, sequence)))
            await until(empty(simulator))
            await running.detach()
        again = service()
        await again.attach(channel)
        assert [each.text for each in await messages(texts, 1)] == ["раз два"]
        await again.detach()


async def test_parts_of_a_message_wait_on_the_card_however_long_the_program_was_away(
    texts: TextMessages, service: Make, clock: JumpingClock
) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        running = service()
        await running.attach(channel)
        await simulator.deliver_sms(delivered("+79990001122", "раз ", part=(7, 3, 1)))
        await until(empty(simulator))
        await running.detach()
        for sequence, text in ((2, "два "), (3, "три")):
            await simulator.deliver_sms(delivered("+79990001122", text, part=(7, 3, sequence)))
        clock.jump(hours=9)
        again = service()
        await again.attach(channel)
        assert [each.text for each in await messages(texts, 1)] == ["раз два три"]
        await again.detach()


async def test_a_pdu_that_lost_bytes_on_the_wire_is_read_again(texts: TextMessages, service: Make) -> None:
    listed = 0

    def answer(command: str) -> list[str]:
        nonlocal listed
        if command != "AT+CMGL=4":
            return ["OK"]
        listed += 1
        pdu = PRIVET[:-4] if listed == 1 else PRIVET
        return [f'+CMGL: 3,1,"",31\r\n{pdu}', "OK"]

    port = ScriptedPort(answer)
    channel = AtChannel(port)
    running = service()
    await running.attach(channel)
    assert [each.text for each in await messages(texts, 1)] == ["Привет"]
    await until(lambda: "AT+CMGD=3" in port.commands)
    assert listed >= 2
    await running.detach()
    await channel.close()


async def test_a_pdu_of_the_wrong_length_is_kept_in_the_end(texts: TextMessages, service: Make) -> None:
    def answer(command: str) -> list[str]:
        return [f'+CMGL: 3,1,"",31\r\n{PRIVET[:-4]}', "OK"] if command == "AT+CMGL=4" else ["OK"]

    port = ScriptedPort(answer)
    channel = AtChannel(port)
    running = service()
    await running.attach(channel)
    (kept,) = await messages(texts, 1)
    assert kept.kind == "unreadable"
    await until(lambda: "AT+CMGD=3" in port.commands)
    await running.detach()
    await channel.close()


async def test_a_slot_that_cannot_be_deleted_is_stored_once(texts: TextMessages, service: Make) -> None:
    def answer(command: str) -> list[str]:
        if command == "AT+CMGL=4":
            return [f'+CMGL: 3,1,"",31\r\n{PRIVET}', "OK"]
        return ["+CMS ERROR: 500"] if command == "AT+CMGD=3" else ["OK"]

    port = ScriptedPort(answer)
    channel = AtChannel(port)
    running = service(sweep_seconds=0.1)
    await running.attach(channel)
    await until(lambda: port.commands.count("AT+CMGD=3") >= 3)
    assert len(await texts.list(COMPANY)) == 1
    await running.detach()
    await channel.close()


async def test_messages_in_another_storage_are_read_there(texts: TextMessages, service: Make) -> None:
    storage = "SM"

    def answer(command: str) -> list[str]:
        nonlocal storage
        if command.startswith("AT+CPMS="):
            storage = command[9:11]
        if command == "AT+CMGR=3" and storage == "ME":
            return ['+CMGR: 0,"",31', PRIVET, "OK"]
        return ["OK"]

    port = ScriptedPort(answer)
    channel = AtChannel(port)
    running = service()
    await running.attach(channel)
    port.say(['+CMTI: "ME",3'])
    assert [each.text for each in await messages(texts, 1)] == ["Привет"]
    await until(lambda: "AT+CMGD=3" in port.commands)
    await running.detach()
    await channel.close()


async def test_a_message_that_the_database_refuses_does_not_keep_the_others_waiting(
    texts: TextMessages, service: Make, store: TroubledStore
) -> None:
    store.refused = "+79990000666"
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        running = service()
        await running.attach(channel)
        await until(lambda: running.status()["storage_used"] == 0)
        for sender in ("+79990000666", "+79990000001", "+79990000002"):
            await simulator.deliver_text(sender, "да")
        stored = await messages(texts, 2)
        assert {each.number for each in stored} == {"+79990000001", "+79990000002"}
        await until(lambda: len(simulator.stored_sms()) == 1)
        await channel.command("AT+CNMI=2,2,0,1,0")
        for sender in ("+79990000666", "+79990000003"):
            await simulator.deliver_text(sender, "нет")
        assert {each.number for each in await messages(texts, 3)} >= {"+79990000003"}
        store.refused = ""
        await simulator.deliver_text("+79990000004", "пора")  # any news is a reason to try again
        stored = await messages(texts, 5)
        assert sum(each.number == "+79990000666" for each in stored) >= 1
        await running.detach()
