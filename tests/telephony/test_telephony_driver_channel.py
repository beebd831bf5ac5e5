"""The AT channel over a real pseudo-terminal."""

import asyncio
from typing import Any

import pytest

from services.errors import ModemError
from telephony.at.channel import MAX_WAITING, AtChannel
from telephony.at.urcs import Ring, SmsArrived, Urc
from telephony.serial_port import SerialPort


async def open_channel(scripted: Any) -> AtChannel:
    return AtChannel(await SerialPort.open(scripted.at.path))


async def test_commands_one_after_another(scripted: Any) -> None:
    channel = await open_channel(scripted)
    results = await asyncio.gather(*(channel.command(c) for c in ("AT+CSQ", "ATE0", "AT+CREG?", "AT+CSQ")))
    assert [result.lines for result in results] == [("+CSQ: 21,99",), (), ("+CREG: 1,1",), ("+CSQ: 21,99",)]
    assert scripted.received == ["AT+CSQ", "ATE0", "AT+CREG?", "AT+CSQ"]
    await channel.close()


async def test_refusal_is_an_error_with_a_remedy_and_the_channel_goes_on(scripted: Any) -> None:
    scripted.answers["AT+CPIN?"] = ["+CME ERROR: 10"]
    channel = await open_channel(scripted)
    with pytest.raises(ModemError, match=r"no SIM card.*Insert"):
        await channel.command("AT+CPIN?")
    assert (await channel.request("AT+CPIN?")).code == 10
    assert (await channel.command("AT+CSQ")).ok
    await channel.close()


async def test_urcs_reach_listeners_before_the_answer_and_a_broken_listener_harms_nobody(scripted: Any) -> None:
    scripted.answers["AT+CSQ"] = ["+CSQ: 21,99", '+CMTI: "SM",3', "OK"]
    channel = await open_channel(scripted)
    heard: list[Urc] = []

    def broken(_: Urc) -> None:
        raise RuntimeError("a listener's own fault")

    channel.subscribe(broken)
    leave = channel.subscribe(heard.append)
    with channel.urcs() as urcs:
        await channel.command("AT+CSQ")
        assert heard == [SmsArrived("SM", 3)]
        leave()
        scripted.say("RING")
        seen = [await anext(urcs), await anext(urcs)]
        await channel.close()
        seen += [urc async for urc in urcs]
    assert seen == [SmsArrived("SM", 3), Ring()]
    assert heard == [SmsArrived("SM", 3)]


async def test_silence_raises_and_the_next_command_waits_for_recovery(scripted: Any) -> None:
    scripted.answers["AT+COPS?"] = []
    scripted.answers["AT+CMEE?"] = ["+CMEE: 1", "OK"]
    channel = await open_channel(scripted)
    with pytest.raises(ModemError, match=r"did not answer AT\+COPS\?"):
        await channel.command("AT+COPS?", timeout=0.1)
    assert (await channel.command("AT+CSQ")).lines == ("+CSQ: 21,99",)
    assert scripted.received == ["AT+COPS?", "\x1b", "AT+CMEE?", "AT+CSQ"]
    await channel.close()


async def test_cancelled_command_does_not_give_its_answer_to_the_next(scripted: Any) -> None:
    scripted.answers["AT+COPS?"] = []
    channel = await open_channel(scripted)
    asking = asyncio.create_task(channel.command("AT+COPS?"))
    await scripted.until("AT+COPS?")
    asking.cancel()
    following = asyncio.create_task(channel.command("AT+CSQ"))
    await asyncio.sleep(0.05)
    assert "AT+CSQ" not in scripted.received  # a byte sent now might abort the pending command
    scripted.say('+COPS: 0,0,"Example",7', "OK")
    assert (await following).lines == ("+CSQ: 21,99",)
    await channel.close()


async def test_too_many_commands_are_refused(scripted: Any) -> None:
    scripted.answers["AT"] = []
    channel = await open_channel(scripted)
    waiting = [asyncio.create_task(channel.command("AT")) for _ in range(MAX_WAITING)]
    await scripted.until("AT")
    with pytest.raises(ModemError, match="too much to do"):
        await channel.command("AT")
    await channel.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {ModemError}


async def test_silent_modem_ends_the_channel_and_is_reset_after_a_reopening(scripted: Any) -> None:
    for command in ("AT", "AT+CMEE?", "\x1b"):
        scripted.answers[command] = []
    first = AtChannel(await SerialPort.open(scripted.at.path), probe_timeout=0.1)
    with pytest.raises(ModemError, match="did not answer AT"):
        await first.command("AT", timeout=0.1)
    with pytest.raises(ModemError, match="does not answer"):
        await first.command("AT+CSQ")
    assert first.reopen_needed
    await first.close()
    assert "AT+CRESET" not in scripted.received
    second = AtChannel(await SerialPort.open(scripted.at.path), after_reopen=True, probe_timeout=0.1)
    with pytest.raises(ModemError):
        await second.command("AT", timeout=0.1)
    await second.wait_closed()
    await second.close()
    assert scripted.received[-1] == "AT+CRESET"


async def test_vanished_port_ends_the_channel(scripted: Any) -> None:
    scripted.answers["AT+CSQ"] = []
    channel = await open_channel(scripted)
    asking = asyncio.create_task(channel.command("AT+CSQ"))
    await scripted.until("AT+CSQ")
    scripted.unplug()
    with pytest.raises(ModemError, match="vanished"):
        await asking
    await channel.wait_closed()
    with pytest.raises(ModemError, match="vanished"):
        await channel.command("AT")
    await channel.close()
