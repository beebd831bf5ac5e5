"""A phone call to this installation through the modem simulator: real pseudo-terminals, real AT dialogue."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.errors import LineError
from services.events import CallEvent, CallEventType
from services.installation import Installation
from telephony.channel import gsm_service
from telephony.settings import TelephonySettings
from telephony.simulator import CallerEvent, Exchange, ModemSimulator, ScriptedCaller, SimulatedCall, SimulatorError

START_SECONDS = 30.0
FILING_SECONDS = 20.0
QUICK_RING = 1.0  # seconds: nobody watching a demonstration wants to wait for the 3 s of a real network

CallerTurn = NDArray[np.int16] | str


@dataclass(slots=True)
class PlacedCall:
    """What became of a simulated call: `recording` is int16 (n, 2) at 8 kHz, left the caller, right the secretary."""

    call_id: str = ""
    outcome: str = ""
    reason: str = ""
    path: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    recording: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 2), np.int16))

    @property
    def answered(self) -> bool:
        """True when every turn of the caller got an answer."""
        return bool(self.exchanges) and all(exchange.answered for exchange in self.exchanges)


class SimulatedLine:
    """A modem simulator with the real driver on it; `place` may be called again and again on the one modem."""

    def __init__(self, installation: Installation, simulator: ModemSimulator) -> None:
        self._installation = installation
        self._simulator = simulator

    async def place(
        self,
        number: str,
        turns: Sequence[CallerTurn],
        *,
        hang_up: bool = True,
        on_event: Callable[[CallEvent], None] | None = None,
        on_caller: Callable[[CallerEvent], None] | None = None,
    ) -> PlacedCall:
        """Call, say `turns`, hang up, and wait until the call is filed. Raises LineError when nobody answers."""
        exchanges: list[Exchange] = []

        async def talk(call: SimulatedCall) -> None:
            exchanges.extend(await ScriptedCaller(call, turns, hang_up=hang_up, on_event=on_caller).run())

        placed = await self.hold(number, talk, on_event=on_event)
        placed.exchanges = exchanges
        return placed

    async def hold(
        self,
        number: str,
        talk: Callable[[SimulatedCall], Awaitable[None]],
        *,
        on_event: Callable[[CallEvent], None] | None = None,
    ) -> PlacedCall:
        """Call, let `talk` hold the call to its end, and wait until it is filed. Raises LineError for no answer."""
        placed = PlacedCall()
        filed = asyncio.Event()
        with self._installation.bus.subscribe(own=True) as events:

            async def watch() -> None:
                async for event in events:
                    _note(placed, event)
                    if on_event is not None:
                        on_event(event)
                    if event.type is CallEventType.ENDED:
                        filed.set()

            watcher = asyncio.create_task(watch(), name="watch the call")
            try:
                call = await self._simulator.ring(number)
                await talk(call)
                placed.recording = call.recording()
                async with asyncio.timeout(FILING_SECONDS):
                    await filed.wait()
            except (SimulatorError, TimeoutError) as error:
                raise LineError(f"The call came to nothing: {str(error) or 'nobody answered in time'}.") from None
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
        return placed

    async def miss(self, number: str, rings: float = 0.3) -> None:
        """Call and give up while it rings; returns when the missed call is filed.

        The line must have been plugged in with an `answer_after_rings` that leaves the caller the time.
        """
        with self._installation.bus.subscribe(own=True) as events:
            call = await self._simulator.ring(number)
            await asyncio.sleep(rings)
            await call.give_up()
            async with asyncio.timeout(FILING_SECONDS):
                async for event in events:
                    if event.type is CallEventType.ENDED:
                        return


def _note(placed: PlacedCall, event: CallEvent) -> None:
    placed.call_id = placed.call_id or event.call_id
    if event.type is CallEventType.RECORDED:
        placed.path = event.data["path"]
    elif event.type is CallEventType.ENDED:
        placed.outcome, placed.reason = event.data["outcome"], event.data["reason"]


@asynccontextmanager
async def simulated_line(
    installation: Installation, faults: Sequence[str] = (), line: str = "simulator", answer_after_rings: int = 1
) -> AsyncIterator[SimulatedLine]:
    """Plug a simulated modem into the installation for the length of the context.

    Calls that a killed process left open on this line are closed first.
    """
    with alone_on(line, installation.settings.data_dir) as alone:
        if alone:
            await installation.books.calls.close_open_calls(line)
        async with _plugged_in(installation, faults, line, answer_after_rings) as simulated:
            yield simulated


@contextmanager
def alone_on(line: str, data_dir: Path) -> Iterator[bool]:
    """Hold `line` among the processes of this machine; False when another one holds it already.

    The system takes the hold away from a process that dies, however it dies.
    """
    with (data_dir / f"{line}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@asynccontextmanager
async def _plugged_in(
    installation: Installation, faults: Sequence[str], line: str, answer_after_rings: int
) -> AsyncIterator[SimulatedLine]:
    try:
        simulator = ModemSimulator(faults, ring_period=QUICK_RING)
    except SimulatorError as error:
        raise LineError(str(error)) from None
    async with simulator:
        settings = TelephonySettings(
            at_port=simulator.at_port, audio_port=simulator.audio_port, answer_after_rings=answer_after_rings
        )
        service = gsm_service(installation, settings, line)
        await service.start()
        try:
            if not await service.wait_ready(START_SECONDS):
                part = service.part()
                raise LineError(part.detail, part.remedy)
            yield SimulatedLine(installation, simulator)
        finally:
            await service.close()
