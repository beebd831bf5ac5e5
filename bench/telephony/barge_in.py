"""How soon the secretary gives way: the caller speaks over her, measured at the far end of the line.

    python -m bench.telephony.barge_in [--calls 5]

Each call interrupts the greeting and an answer from the FAQ with a sentence of speech. The figure is from the first
sample of that sentence above -45 dBFS, as it leaves the caller's mouth, to the last sample of the secretary's above
-45 dBFS before a quarter of a second of silence at the caller's ear. So it holds everything: the line both ways, the
0.3 s of sustained speech that make an interruption (VOICE__BARGE_IN), the decision, and what the modem still held. The
second figure begins at the decision itself: the instant at which the line is told to be silent. Underruns are chunks of
20 ms that the modem did not get in time, over all calls.
"""

import argparse
import asyncio
import logging
import runpy
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from rich.console import Console

from services.voice.directory import LineDirectory
from telephony.commands.simulated import simulated_line
from telephony.simulator import CHUNK_SECONDS, RATE, SimulatedCall, read_wav

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "speech"
AUDIBLE = 184  # -45 dBFS
QUIET_SECONDS = 0.25
LISTENED_SECONDS = 1.2
PATIENCE_SECONDS = 10.0


class Interrupter:
    """A caller who asks a question and speaks over the greeting and over the answer."""

    def __init__(self) -> None:
        self._question = read_wav(SPEECH / "hours-slt.wav")
        self._over = [read_wav(SPEECH / "football-slt.wav"), read_wav(SPEECH / "address-slt.wav")]
        self.seconds: list[float | None] = []
        self.after_decision: list[float] = []
        self.underruns = 0
        self.directory: LineDirectory | None = None
        self._decided: list[float] = []

    def _watch_decisions(self) -> None:
        """Note when the line of the call that is up is told to pause or to drop what it holds."""
        assert self.directory is not None
        (live,) = self.directory.calls("default")
        pause, discard = live.line.pause, live.line.discard_unsent

        def paused() -> None:
            self._decided.append(asyncio.get_running_loop().time())
            pause()

        def discarded() -> int:
            self._decided.append(asyncio.get_running_loop().time())
            return discard()

        live.line.pause, live.line.discard_unsent = paused, discarded  # type: ignore[method-assign]

    async def talk(self, call: SimulatedCall) -> None:
        """Hold one call; `seconds` grows by what was measured, None where she was not interrupted in her speech."""
        await call.answered()
        self._watch_decisions()
        await self._speak_over(call, self._over[0])
        await self._until(call, lambda: _silence(call) > 1.0)
        await self._until(call, lambda: _silence(call) < QUIET_SECONDS)  # what she answers to that
        await self._until(call, lambda: _silence(call) > 1.0)
        call.speak(self._question)
        await asyncio.sleep(len(self._question) / RATE)
        await self._speak_over(call, self._over[1])
        await self._until(call, lambda: _silence(call) > 1.0)
        await call.hang_up()
        self.underruns += call.underruns

    async def _speak_over(self, call: SimulatedCall, speech: NDArray[np.int16]) -> None:
        began = len(call.heard)
        await self._until(call, lambda: _sound(call, began) >= LISTENED_SECONDS)
        position = call.speak(speech)
        first = call.time_of(position + int(np.flatnonzero(np.abs(speech) >= AUDIBLE)[0]))
        await asyncio.sleep(2.0)
        silence = _end_of_sound(call, first)
        self.seconds.append(silence)
        decided = [at for at in self._decided if at >= first]
        if silence is not None and decided:
            self.after_decision.append(first + silence - decided[0])

    async def _until(self, call: SimulatedCall, reached: Callable[[], bool]) -> None:
        for _ in range(round(PATIENCE_SECONDS / CHUNK_SECONDS)):
            if not call.is_active or reached():
                return
            await asyncio.sleep(CHUNK_SECONDS)


def _sound(call: SimulatedCall, began: int) -> float:
    """Seconds of sound heard since chunk number `began`."""
    return CHUNK_SECONDS * sum(bool(np.abs(chunk.samples).max() >= AUDIBLE) for chunk in call.heard[began:])


def _silence(call: SimulatedCall) -> float:
    """Seconds of silence at the far end until now."""
    for number, chunk in enumerate(reversed(call.heard)):
        if np.abs(chunk.samples).max() >= AUDIBLE:
            return CHUNK_SECONDS * number
    return CHUNK_SECONDS * len(call.heard)


def _end_of_sound(call: SimulatedCall, since: float) -> float | None:
    """Seconds from `since` to the end of the sound that was heard then; None when it was silent or did not end."""
    last = None
    for chunk in call.heard:
        loud = np.flatnonzero(np.abs(chunk.samples) >= AUDIBLE)
        if loud.size and (last is None or chunk.at - last < QUIET_SECONDS or last < since - QUIET_SECONDS):
            last = chunk.at + (int(loud[-1]) + 1) / RATE
        elif last is not None and last >= since and chunk.at - last >= QUIET_SECONDS:
            return last - since
    return None


async def measure(calls: int) -> tuple[Interrupter, list[tuple[str, str, str]]]:
    """Place the calls; return what was measured, and (interrupted by, heard, intended) of the secretary's turns."""
    interrupter = Interrupter()
    spoken = []
    open_installation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_installation(language="en", data_dir=Path(folder)) as installation,
            simulated_line(installation) as line,
        ):
            interrupter.directory = installation.directory
            for number in range(calls):
                placed = await line.hold(f"+7999000{number:04}", interrupter.talk)
                turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
                spoken += [
                    (turn.interrupted_by, turn.heard, turn.intended) for turn in turns if turn.role == "secretary"
                ]
    return interrupter, spoken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    interrupter, spoken = asyncio.run(measure(parser.parse_args().calls))
    console = Console()
    measured = [each for each in interrupter.seconds if each is not None]
    for name, seconds in (("the caller's first sound", measured), ("the decision", interrupter.after_decision)):
        if seconds:
            console.print(
                f"ms from {name} to silence: median {statistics.median(seconds) * 1000:.0f}, "
                f"longest {max(seconds) * 1000:.0f}, shortest {min(seconds) * 1000:.0f}; {len(seconds)} interruptions."
            )
    silent = len(interrupter.seconds) - len(measured)
    console.print(f"{silent} attempts found her silent; {interrupter.underruns} underruns.")
    for by, heard, intended in spoken:
        if by == "caller":
            console.print(f"heard {len(heard)} of {len(intended)} characters: {heard!r} of {intended!r}")


if __name__ == "__main__":
    main()
