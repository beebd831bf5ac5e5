"""Two processes on one modem, with the real driver on real pseudo-terminals: it is one's, and then the other's."""

import asyncio

import numpy as np
from eventually import eventually
from modem_house import ModemHouse, modem_house
from servers import postgres, postgres_database

from services.storage.engine import parse_url
from telephony.simulator import RATE, ModemSimulator, SimulatedCall

LEASE = 1.0  # seconds; 15 in a house


async def test_a_modem_is_one_process_s_until_that_one_is_killed() -> None:
    with postgres_database() as url:
        async with ModemSimulator(ring_period=0.5) as modem:
            ports = (modem.at_port, modem.audio_port)
            async with modem_house(url, *ports, LEASE) as first:
                await first.until("ready")
                async with modem_house(url, *ports, LEASE) as second:
                    await second.until("waiting")
                    call = await answered_by(first, modem)
                    await lose_the_database(url)
                    await asyncio.sleep(3 * LEASE)  # whoever went by the lease alone would have given up by now
                    assert call.is_active, "the call ended with the database"
                    await hears_itself(call)
                    await give_it_back(url)
                    await asyncio.sleep(2 * LEASE)
                    await hears_itself(call)
                    assert "ready" not in second.told, "both had the modem"
                    assert "closed" not in first.told
                    await first.kill()
                    await second.until("ready")
                    await call.ended()  # nobody knows what was said in it: it is hung up
                    await hears_itself(await answered_by(second, modem))


async def answered_by(house: ModemHouse, modem: ModemSimulator) -> SimulatedCall:
    """Call, and return the call that the process has answered."""
    call = await modem.ring()
    await call.answered()
    await house.until("answered")
    return call


async def hears_itself(call: SimulatedCall) -> None:
    """Say something, until the process says it back."""
    tone = (8000 * np.sin(np.arange(RATE // 2) * 2 * np.pi * 440 / RATE)).astype(np.int16)
    begun = len(call.heard)

    async def loud() -> bool:
        if call.is_active:
            call.speak(tone)
        await asyncio.sleep(0.5)
        return any(int(np.abs(chunk.samples).max(initial=0)) > 4000 for chunk in call.heard[begun:])

    await eventually(loud)


async def lose_the_database(url: str) -> None:
    """Let nobody into the database any more, and whoever is in it out."""
    name = parse_url(url).database
    await asyncio.to_thread(
        postgres().sql,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )


async def give_it_back(url: str) -> None:
    await asyncio.to_thread(postgres().sql, f"ALTER DATABASE {parse_url(url).database} ALLOW_CONNECTIONS true")
