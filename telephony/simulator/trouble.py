"""A long row of calls to one module, each with its own mishap drawn by a seed, and the truth of what came of them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Literal

from telephony.simulator.log import SimulatorError
from telephony.simulator.modem import ModemSimulator
from telephony.simulator.person.call import SimulatedCall

Moment = Literal["before", "ringing", "talking", "ending", "after"]
MOMENTS: Final[tuple[Moment, ...]] = ("before", "ringing", "talking", "ending", "after")

UNPLUGGED: Final = "unplugged"
"""An event of this room's own: the cable is pulled, and put in again under other names."""

IDLE_EVENTS: Final = (
    UNPLUGGED,
    "deaf",
    "deaf-until-reset",
    "echo-returns",
    "junk",
    "port-returns-elsewhere",
    "port-vanishes",
    "registration-lost",
    "sim-pulled",
    "stuck-command",
    "usb-reenumerates",
)
"""What may strike at any moment."""
TALK_EVENTS: Final = (
    *IDLE_EVENTS,
    "audio-port-vanishes",
    "caller-hangs-up-mid-sentence",
    "mute-audio",
    "network-lost",
    "silent-loss",
    "wedged-audio",
)
"""What may strike while both sides talk."""
MANNERS: Final = (
    "audio-refused-twice",
    "begin-after-ok",
    "chunks-40ms",
    "chup-error",
    "doubled-cr",
    "late-no-carrier",
    "no-clip",
    "odd-bytes",
    "split-lines",
)
"""What may hold for the length of a call."""
LETTER_MANNERS: Final = ("sms-parts-doubled", "sms-parts-shuffled")
LONG: Final = "It is a long story. "
BACK_SECONDS: Final = 60.0
SHORT: Final = 0.1
"""Seconds after which a reset that was asked for has begun."""
AFTERMATH: Final = 0.7
"""So long a talk goes on at least after its mishap."""

Hold = Callable[[SimulatedCall], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Written:
    """A message that someone sent to this number: it must be stored once, whatever happened."""

    sender: str
    text: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall befall one call: `event` strikes `delay` seconds into `moment`; "" for nothing."""

    number: str
    event: str = ""
    moment: Moment = "talking"
    delay: float = 0.0
    manners: tuple[str, ...] = ()
    written: tuple[Written, ...] = ()
    gives_up_after: float | None = None
    talk_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Happened:
    """The truth of one call, as the network and the far end know it.

    `rings` counts the RING lines that went out of the module, `shown` those with the caller's number: a call of which
    the host saw no ring cannot be stored, one without a number only without it. `struck` tells whether the call lived
    long enough for the event of its plan. `ended_by` is caller, secretary, network or modem; "" when nobody could call
    at all. `answer_seconds` counts from the call's beginning, which with an event before it is the moment when the
    module could be reached again; None when nobody answered. `sickness` is what was left wrong with the audio endpoint
    until a reset: wedged or mute.
    """

    plan: Plan
    called: bool
    struck: bool = False
    rings: int = 0
    shown: int = 0
    answered: bool = False
    answer_seconds: float | None = None
    talked_seconds: float = 0.0
    ended_by: str = ""
    underruns: int = 0
    sickness: str = ""


class RandomTrouble:
    """Calls `sim` again and again; each call has its mishap, drawn by `seed`, so that a run can be repeated.

    `calm` is the share of calls with no event. `events` narrows the faults that may strike, `manners` those that may
    hold for a call. `patience` is how long a caller lets it ring. The module's own faults are set anew with each call.
    """

    def __init__(
        self,
        sim: ModemSimulator,
        seed: int,
        *,
        calm: float = 0.25,
        events: Sequence[str] = TALK_EVENTS,
        manners: Sequence[str] = MANNERS,
        patience: float = 30.0,
        talk_seconds: tuple[float, float] = (0.5, 3.0),
    ) -> None:
        self.happened: list[Happened] = []
        self.written: list[Written] = []
        self._sim = sim
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - an actor's dice, not a secret
        self._calm = calm
        self._events = tuple(events)
        self._manners = tuple(manners)
        self._patience = patience
        self._talk_seconds = talk_seconds
        self._drawn = 0
        self._struck = False
        self._replugging: asyncio.Task[None] | None = None

    def draw(self) -> Plan:
        """What shall befall the next call."""
        self._drawn += 1
        dice = self._dice
        number = f"+7999{self._seed % 1000:03}{self._drawn:04}"
        event, moment = "", dice.choice(MOMENTS)
        if dice.random() >= self._calm:
            fitting = [name for name in self._events if moment == "talking" or name in IDLE_EVENTS]
            event = dice.choice(fitting) if fitting else ""
        return Plan(
            number=number,
            event=event,
            moment=moment,
            delay=round(dice.uniform(0.0, 1.5), 2),
            manners=tuple(sorted(dice.sample(self._manners, min(len(self._manners), dice.choice((0, 0, 1, 2)))))),
            written=self._letters(number),
            gives_up_after=round(dice.uniform(0.0, 2.0), 2) if dice.random() < 0.1 else None,
            talk_seconds=round(dice.uniform(*self._talk_seconds), 2),
        )

    def _letters(self, number: str) -> tuple[Written, ...]:
        count = self._dice.choice((0, 0, 1, 2))
        return tuple(
            Written(
                number,
                f"Message {self._seed}-{self._drawn}-{index}. " + LONG * self._dice.choice((0, 0, 12)),
                self._dice.choice(MOMENTS),
            )
            for index in range(count)
        )

    async def call(self, hold: Hold | None = None, plan: Plan | None = None) -> Happened:
        """Place one call, let its mishap strike, wait until the module can be reached again, and tell the truth.

        `hold` is what the caller does once answered; then the caller hangs up. Without it the caller listens for
        `talk_seconds`. TimeoutError when the module cannot be reached within a minute.
        """
        plan = plan or self.draw()
        self._sim.set_faults([*plan.manners, *self._dice.sample(LETTER_MANNERS, self._dice.choice((0, 0, 1, 2)))])
        self._struck = False
        await self._befall(plan, "before")
        await self._sim.reachable(BACK_SECONDS)
        happened = await self._place(plan, hold)
        await self._befall(plan, "after")
        await self._settle()
        happened = replace(happened, struck=self._struck, sickness=self._sim.audio_sickness)
        self.happened.append(happened)
        return happened

    async def _place(self, plan: Plan, hold: Hold | None) -> Happened:
        try:
            call = await self._sim.ring(plan.number)
        except SimulatorError:
            return Happened(plan, called=False)
        began_at = time.monotonic()
        async with self._befalling(plan, "ringing"):
            await self._wait_for_answer(call, plan)
        answered_at = call.far_end.started_at
        if answered_at is not None:
            async with self._befalling(plan, "talking"):
                await self._talk(call, plan, hold)
            if call.is_active:
                await self._befall(plan, "ending")
            await call.hang_up()
        ended_by = await call.ended()
        return Happened(
            plan,
            called=True,
            rings=call.rings,
            shown=call.shown,
            answered=answered_at is not None,
            answer_seconds=None if answered_at is None else answered_at - began_at,
            talked_seconds=0.0 if answered_at is None else time.monotonic() - answered_at,
            ended_by=ended_by,
            underruns=call.underruns,
        )

    async def _wait_for_answer(self, call: SimulatedCall, plan: Plan) -> None:
        try:
            await call.answered(self._patience if plan.gives_up_after is None else plan.gives_up_after)
        except TimeoutError:
            await call.give_up()
        except SimulatorError:
            pass  # it ended, and says itself by whom

    async def _talk(self, call: SimulatedCall, plan: Plan, hold: Hold | None) -> None:
        try:
            if hold is not None:
                await hold(call)
            else:
                strikes_at = plan.delay + AFTERMATH if plan.moment == "talking" else 0.0
                await call.ended(max(plan.talk_seconds, strikes_at))
        except (SimulatorError, TimeoutError):
            pass  # the other side has ended the call, or all was said

    # -- what befalls a call -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _befalling(self, plan: Plan, moment: Moment) -> AsyncIterator[None]:
        """Let it befall meanwhile; what has not come by the end does not come."""
        task = asyncio.create_task(self._befall(plan, moment), name=f"trouble {moment}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _befall(self, plan: Plan, moment: Moment) -> None:
        for letter in plan.written:
            if letter.moment == moment:
                self.written.append(letter)
                await self._sim.deliver_text(letter.sender, letter.text)
        if plan.moment != moment or not plan.event:
            return
        await asyncio.sleep(plan.delay if moment == "talking" else 0.0)
        self._struck = True
        if plan.event == UNPLUGGED:
            await self._sim.unplug()
            away = self._dice.uniform(0.2, 2.0)
            self._replugging = asyncio.create_task(self._plug_in(away), name="trouble plugs in")
        else:
            self._sim.strike(plan.event)
        if moment != "talking":
            await asyncio.sleep(SHORT)

    async def _plug_in(self, away: float) -> None:
        await asyncio.sleep(away)
        await self._sim.plug_in(elsewhere=True)

    async def _settle(self) -> None:
        """Until the cable is in, the module can be reached, and no fault of this call holds any more."""
        if self._replugging is not None:
            await self._replugging
            self._replugging = None
        await self._sim.reachable(BACK_SECONDS)
        self._sim.set_faults([])
