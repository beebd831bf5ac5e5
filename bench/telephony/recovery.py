"""How soon the line answers again: seconds from a modem's ports being back, and it on the network, to the next answer.

    python -m bench.telephony.recovery [--times 10]

The whole installation with its embedded engines serves a simulated modem. Somebody calls at the very moment when the
network can reach the modem again, so the figure holds everything: finding the ports under their new names, opening
them, the start-up dialogue, a RING that came before anybody listened (they are 3 s apart), and the answer. What came
before, until the modem was back, is told in the second table: from the fault to the ports being back.
"""

import argparse
import asyncio
import random
import runpy
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.parts import State
from telephony.channel import modem_pool
from telephony.pool import ModemPool
from telephony.settings import TelephonySettings
from telephony.simulator import ModemSimulator

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
BACK_SECONDS = 120.0
STATUS_SECONDS = 5.0

Mishap = Callable[[ModemSimulator], Awaitable[None]]


async def unplugged(sim: ModemSimulator) -> None:
    """The cable is pulled, and put in again: the ports have other names."""
    await sim.unplug()
    await asyncio.sleep(random.uniform(0.5, 3.0))
    await sim.plug_in(elsewhere=True)


async def wedged(sim: ModemSimulator) -> None:
    """The audio endpoint takes no more sound in a call: the driver resets the modem."""
    call = await sim.ring("+79990000001")
    await call.answered()
    await asyncio.sleep(0.5)
    sim.strike("wedged-audio")
    await call.ended(BACK_SECONDS)


async def deaf(sim: ModemSimulator) -> None:
    """The modem answers no command until it is reset, which the driver finds out by asking."""
    sim.strike("deaf-until-reset")


MISHAPS: dict[str, Mishap] = {
    "unplugged, back under other names": unplugged,
    "audio wedged, modem reset": wedged,
    "deaf modem, reset": deaf,
}


async def measure(times: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return by mishap the seconds from the fault to the ports being back, and from there to the next answer."""
    away: dict[str, list[float]] = {name: [] for name in MISHAPS}
    back: dict[str, list[float]] = {name: [] for name in MISHAPS}
    open_installation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    settings = TelephonySettings(status_every_seconds=STATUS_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_installation(language="en", data_dir=Path(folder)) as installation,
            ModemSimulator() as sim,
        ):
            pool = modem_pool(installation, settings, sim.usb_ports)
            await pool.start()
            try:
                for number in range(times):
                    for name, mishap in MISHAPS.items():
                        await _ready(pool)
                        waited, answered = await _once(sim, mishap, f"+7999100{number:04}")
                        away[name].append(waited)
                        back[name].append(answered)
            finally:
                await pool.close()
    return away, back


async def _once(sim: ModemSimulator, mishap: Mishap, number: str) -> tuple[float, float]:
    began = time.monotonic()
    await mishap(sim)
    async with asyncio.timeout(BACK_SECONDS):
        while (since := sim.reachable_since) is None or since < began:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    call = await sim.ring(number)
    await call.answered(BACK_SECONDS)
    answered = time.monotonic()
    await asyncio.sleep(1.0)
    await call.hang_up()
    return since - began, answered - since


async def _ready(pool: ModemPool) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not pool.services or any(part.state is not State.READY for part in pool.parts()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    away, back = asyncio.run(measure(times))
    console = Console()
    for title, measured in (
        ("s from the ports being back to the next call answered", back),
        (f"s from the fault to the ports being back (status asked each {STATUS_SECONDS:.0f} s)", away),
    ):
        table = Table(title=f"{title}; {times} times", title_justify="left")
        table.add_column("mishap")
        for column in ("median", "longest"):
            table.add_column(column, justify="right")
        for name, values in measured.items():
            table.add_row(name, f"{statistics.median(values):.1f}", f"{max(values):.1f}")
        console.print(table)


if __name__ == "__main__":
    main()
