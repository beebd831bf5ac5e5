"""A server that is killed at any moment while its modem lives on, and what it has stored by then."""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from front_door import ROOT, environment, free_port

from services.audio.files import read_audio
from telephony.simulator import Event, ModemSimulator, SimulatedCall, SimulatorError
from telephony.simulator.person.resample import Samples

START_SECONDS = 60.0
BACK_SECONDS = 15.0
"""How soon the line must answer again, counted from the start of the next process."""
LOST_SECONDS = 3.0
"""The second that is not synced yet, the one that the codec and the page still hold, and a slow machine."""
WAIT_SECONDS = 30.0
PATIENCE_SECONDS = 40.0
SETTLE_SECONDS = 0.3
NOTED_SECONDS = 0.2
"""A call's first note goes to the disk beside its answer, which does not wait for it: so soon it may be missing."""
MOST_SENT = 2
"""A message that was being sent when the axe fell is sent once more: nobody knows whether it went out."""

# Where the axe may fall: at the first event of this kind that begins so, and at most so many seconds after it.
MOMENTS = {
    "ringing": ("modem", "RING", 0.3),
    "being answered": ("host", "ATA", 0.1),
    "sound": ("host", "AT+CPCMREG=1", 0.1),
    "greeting": ("call", "answered", 1.5),
    "talking": ("call", "answered", 6.0),
    "ending": ("modem", "VOICE CALL: END", 0.3),
    "ended": ("host", "AT+CPCMREG=0", 0.3),
    "a text comes": ("modem", "+CMTI", 0.3),
    "a text is read": ("host", "AT+CMGR", 0.05),
    "a text is deleted": ("host", "AT+CMGD", 0.05),
    "a text is sent": ("host", "AT+CMGS", 0.0),
    "a text was sent": ("modem", "+CMGS", 0.05),
}


_OVER = "select id from calls where number = ? and ended_at is not null"


@dataclass(slots=True)
class Axe:
    """Kills the process it was pointed at, once, when the modem's diary says so: an `on_event` of the simulator."""

    victim: asyncio.subprocess.Process | None = None
    moment: str = ""
    delay: float = 0.0
    fell_at: float | None = None
    _falling: asyncio.TimerHandle | None = field(default=None, repr=False)

    def point(self, victim: asyncio.subprocess.Process, moment: str, delay: float) -> None:
        """From now on wait for `moment`."""
        self.victim, self.moment, self.delay, self.fell_at, self._falling = victim, moment, delay, None, None

    def __call__(self, event: Event) -> None:
        """See whether the moment has come."""
        if self.victim is None or self._falling is not None or self.fell_at is not None:
            return
        kind, text, _ = MOMENTS[self.moment]
        if event.kind != kind or not event.text.startswith(text):
            return
        if self.delay:
            self._falling = asyncio.get_running_loop().call_later(self.delay, self.fall)
        else:
            self.fall()

    def fall(self) -> None:
        """Kill."""
        if self.victim is not None and self.victim.returncode is None:
            self.fell_at = time.monotonic()
            self.victim.kill()


@dataclass(frozen=True, slots=True)
class Round:
    """One process that was killed, and the next that found the modem as it was left."""

    number: str
    moment: str
    answered_before: bool
    ended_by: str
    talked_seconds: float
    back_seconds: float
    commands: Sequence[str]


class KilledHouse:
    """Rounds of: call, kill, start again, see what the modem is told, call again."""

    def __init__(self, sim: ModemSimulator, axe: Axe, folder: Path, seed: int, speech: Samples) -> None:
        self.sim = sim
        self.rounds: list[Round] = []
        self.written: list[tuple[str, str]] = []
        self.next_callers: list[str] = []
        self._axe, self._folder, self._speech = axe, folder, speech
        self._dice = random.Random(seed)
        self._process: asyncio.subprocess.Process | None = None

    # -- processes ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start a server; returns when it has started the modem and read what the SIM card held."""
        began = time.monotonic()
        settings = {
            "SECRETARY_TELEPHONY__AT_PORT": f"{self.sim.at_port[:-1]}[{self.sim.at_port[-1]}]",  # a pattern
            "SECRETARY_TELEPHONY__AUDIO_PORT": self.sim.audio_port,
            "SECRETARY_LANGUAGE": "en",
        }
        nowhere = asyncio.subprocess.DEVNULL
        with (self._folder / "server.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(ROOT / "orchestrator.py"), "serve", "--port", str(free_port()),
                cwd=self._folder, env=environment(settings), stdout=nowhere, stderr=log,
            )  # fmt: skip
        await self._until(lambda: self._asked("AT+CSQ", began) and self._asked("AT+CMGL=4", began), START_SECONDS)

    async def stop(self) -> None:
        """End the server as a user would."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    # -- a round -----------------------------------------------------------------------------------------------------

    async def round(self, moment: str) -> Round:
        """Call and write, kill the server at `moment`, start the next one and let the next person call."""
        assert self._process is not None
        at = len(self.rounds)
        number = f"+7999100{at:04}"
        self._axe.point(self._process, moment, self._dice.uniform(0.0, MOMENTS[moment][2]))
        process = self._process
        await self._write(at, "before")
        call = await self.sim.ring(number)
        using = asyncio.create_task(self._talk(call, hang_up=moment in ("ending", "ended")))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await process.wait()
        finally:
            self._axe.fall()
            using.cancel()
            await asyncio.gather(using, return_exceptions=True)
        assert self._axe.fell_at is not None
        await asyncio.sleep(SETTLE_SECONDS)  # an ATA that was on its way is carried out all the same
        was_up, over = call.is_active, call.ended_by
        answered = [event.at for event in self.sim.log.events("call") if event.text == "answered"]
        talked = self._axe.fell_at - answered[-1] if was_up else 0.0
        await self._write(at, "after")
        began = time.monotonic()
        await self.start()
        ended_by = over or await self._see_it_end(call, was_up=was_up)
        back = await self._next(at, began)
        commands = [event.text for event in self.sim.log.events("host") if event.at > began]
        self.rounds.append(Round(number, moment, was_up or bool(over), ended_by, talked, back, commands))
        return self.rounds[-1]

    async def _write(self, at: int, when: str) -> None:
        sender, text = f"+7999200{at:04}", f"What are your opening hours? Written {when} {at}."
        self.written.append((sender, text))
        await self.sim.deliver_text(sender, text)

    async def _talk(self, call: SimulatedCall, *, hang_up: bool) -> None:
        try:
            await call.answered(timeout=PATIENCE_SECONDS)
        except SimulatorError:
            return
        await asyncio.sleep(1.0)
        if hang_up:
            await call.hang_up()
        else:
            call.speak(self._speech)

    async def _see_it_end(self, call: SimulatedCall, *, was_up: bool) -> str:
        """The call that was up is ended by the new process; a caller who still rings is answered by it."""
        if not was_up:
            await call.answered(timeout=BACK_SECONDS)
            await asyncio.sleep(0.5)
            await call.hang_up()
        return await call.ended(timeout=BACK_SECONDS)

    async def _next(self, at: int, began: float) -> float:
        """Let the next person call; return how many seconds after the start they were answered."""
        number = f"+7999300{at:04}"
        self.next_callers.append(number)
        call = await self.sim.ring(number)
        await call.answered(timeout=BACK_SECONDS)
        back = time.monotonic() - began
        await asyncio.sleep(1.0)
        await call.hang_up()
        await self._until(lambda: bool(self.rows(_OVER, number)), WAIT_SECONDS)
        return back

    # -- what is stored ----------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: str) -> list[dict[str, Any]]:
        """Return rows of the server's database."""
        with closing(
            sqlite3.connect(f"file:{self._folder}/data/secretary.db?mode=ro", uri=True, timeout=5)
        ) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    async def texts_settled(self, seconds: float, *, sent: bool) -> None:
        """Wait until every message was stored and has its answer, with `sent` until no answer waits any more.

        An answer whose fate the kill has left open is sent again a minute later.
        """

        def settled() -> bool:
            waiting = sent and self.rows("select * from text_messages where status in ('queued', 'sending')")
            open_ = self.rows("select * from text_messages where direction = 'in' and not answered")
            stored = self.rows("select * from text_messages where direction = 'in'")
            return not waiting and not open_ and len(stored) >= len(self.written) and not self.sim.stored_sms()

        await self._until(settled, seconds)

    def wrong_calls(self) -> list[str]:
        """Return what is stored wrongly of the calls, [] when all is true."""
        wrong = [
            f"the call of {each['number']} goes on" for each in self.rows("select * from calls where ended_at is null")
        ]
        for each in self.rounds:
            mine = self.rows("select * from calls where number = ? order by started_at", each.number)
            wrong += self._untrue(each, mine)
        for number in self.next_callers:
            mine = self.rows("select * from calls where number = ?", number)
            if [call["outcome"] for call in mine] != ["answered"]:
                wrong.append(f"the next caller {number} is stored as {mine}")
        return wrong

    def _untrue(self, each: Round, mine: Sequence[dict[str, Any]]) -> list[str]:
        outcomes = [call["outcome"] for call in mine]
        if not each.answered_before:  # it rang on, and the next process answered
            # Between the first note of a call and the answer there are some milliseconds.
            right = outcomes == ["answered"] or (outcomes == ["cut", "answered"] and not mine[0]["answered_at"])
            return [] if right else [f"{each}: {mine}"]
        if each.ended_by == "caller":
            return [] if outcomes in (["cut"], ["answered"]) else [f"{each}: {mine}"]
        if not mine and each.talked_seconds < NOTED_SECONDS:
            return []
        if outcomes != ["cut"] or mine[0]["end_reason"] != "crash" or each.ended_by != "secretary":
            return [f"{each}: {mine}"]
        wrong = [] if "AT+CPCMREG=0" in each.commands else [f"call audio was left on: {each}"]
        if each.talked_seconds > LOST_SECONDS:
            path = mine[0]["recording_path"]
            seconds = len(read_audio(self._folder / "data" / path, 8000)) / 8000 if path else 0.0
            if seconds < each.talked_seconds - LOST_SECONDS:
                wrong.append(f"{seconds:.1f} s recorded: {each}")
        return wrong

    def wrong_texts(self) -> list[str]:
        """Return which messages are not there exactly once, and which were answered more than once."""
        wrong = []
        stored = [
            (row["number"], row["text"]) for row in self.rows("select * from text_messages where direction = 'in'")
        ]
        wrong += [f"stored {stored.count(each)} times: {each}" for each in self.written if stored.count(each) != 1]
        for row in self.rows(
            "select reply_to, count(*) as times from text_messages where direction = 'out' group by 1"
        ):
            if row["times"] != 1:
                wrong.append(f"answered {row['times']} times: {row['reply_to']}")
        sent = [each.pdu for each in self.sim.sent_sms()]
        wrong += [f"sent {sent.count(pdu)} times: {pdu}" for pdu in set(sent) if sent.count(pdu) > MOST_SENT]
        return wrong

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _asked(self, command: str, since: float) -> bool:
        return any(event.text == command and event.at > since for event in self.sim.log.events("host"))

    async def _until(self, what: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not what():
                if self._process is not None and self._process.returncode is not None:
                    raise AssertionError(f"serve ended: {(self._folder / 'server.log').read_text()[-2000:]}")
                await asyncio.sleep(0.05)


@asynccontextmanager
async def killed_house(folder: Path, seed: int) -> AsyncIterator[KilledHouse]:
    """A modem, and the first server on it."""
    axe = Axe()
    speech = read_audio(ROOT / "tests" / "speech" / "long-slt.wav", 8000)
    async with ModemSimulator(seed=seed, ring_period=1.0, on_event=axe) as sim:
        house = KilledHouse(sim, axe, folder, seed, speech)
        await house.start()
        try:
            yield house
        finally:
            await house.stop()
