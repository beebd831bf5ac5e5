"""What a program that was killed leaves the modem in, and how the next one finds out of it."""

import asyncio
import os

from telephony.at.channel import AtChannel
from telephony.serial_port import SerialPort
from telephony.simulator import ModemSimulator
from telephony.startup import start_up


async def test_a_modem_that_waits_for_a_text_is_started_without_a_lost_command() -> None:
    async with ModemSimulator() as simulator:
        fd = os.open(simulator.at_port, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"AT+CMGF=0\r")
        await asyncio.sleep(0.2)
        os.write(fd, b"AT+CMGS=20\rhalf of a te")
        await asyncio.sleep(0.3)
        assert b"> " in os.read(fd, 4096)
        os.close(fd)
        channel = AtChannel(await SerialPort.open(simulator.at_port))
        try:
            identity = await start_up(channel)
        finally:
            await channel.close()
        assert identity.model == "SIMCOM_SIM7600E-H"
        assert simulator.sent_sms() == []
        commands = simulator.log.texts("host")
        assert "AT" in commands
        assert "AT+CLCC" in commands
