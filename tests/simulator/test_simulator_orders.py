"""Where the module's behaviour is not established, every known form occurs by seed; without a seed the commoner."""

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from telephony.simulator.dice import Dice, Habits
from telephony.simulator.faults import Faults
from telephony.simulator.module.answer import Answer, Later
from telephony.simulator.network.wording import Wording
from telephony.simulator.person.call import Phase, SimulatedCall

END = "VOICE CALL: END: 000012"
SEEDS = range(60)


def wording(seed: int | None, *faults: str) -> Wording:
    return Wording(Dice(seed), Faults(faults), lambda: datetime(2026, 11, 21, 11, 53))  # noqa: DTZ001


def call(phase: Phase) -> SimulatedCall:
    return SimulatedCall("+79991234567", phase, None, 0)  # type: ignore[arg-type]  # nobody carries it


def printed(answer: Answer, later: Later = ()) -> tuple[str, ...]:  # type: ignore[assignment]
    """What stands on the AT port, in its order, by its first words."""
    return tuple(short(line) for line in [*answer.lines, answer.final, *answer.after, *(text for _, text in later)])


def short(line: str) -> str:
    return re.sub(r"^VOICE CALL: END.*", "END", line).replace("VOICE CALL: ", "").split(":")[0]


def forms(of: Callable[[Wording], Any]) -> set[Any]:
    return {of(wording(seed)) for seed in SEEDS}


def both(first: str, second: str, among: Collection[tuple[str, ...]]) -> bool:
    """Whether both orders of a pair occur."""
    orders = {tuple(line for line in lines if line in (first, second)) for lines in among}
    return {(first, second), (second, first)} <= orders


def test_begin_and_ok() -> None:
    seen = forms(lambda w: (printed(w.taken()[0]), w.taken()[1] is None))
    assert both("BEGIN", "OK", {lines for lines, _ in seen})
    assert any(lines == ("OK",) for lines, _ in seen)  # BEGIN is late
    assert printed(wording(None).taken()[0]) == ("BEGIN", "OK")


def test_end_and_ok_and_no_carrier() -> None:
    seen = forms(lambda w: printed(*w.hung_up(END)))
    assert both("END", "OK", seen)
    assert {("END", "OK"), ("END", "OK", "NO CARRIER"), ("OK", "END", "NO CARRIER")} <= seen
    assert printed(*wording(None).hung_up(END)) == ("END", "OK")


def test_end_and_no_carrier_of_the_far_end() -> None:
    seen = forms(lambda w: tuple((bool(pause), short(line)) for pause, line in w.far_end_hung_up(END)))
    assert both("END", "NO CARRIER", {tuple(line for _, line in lines) for lines in seen})
    assert ((False, "END"), (True, "NO CARRIER")) in seen
    assert [short(line) for _, line in wording(None).far_end_hung_up(END)] == ["END", "NO CARRIER"]


def test_missed_and_no_carrier() -> None:
    seen = forms(lambda w: tuple(short(line) for _, line in w.missed("+79991234567")))
    assert both("MISSED_CALL", "NO CARRIER", seen)
    assert ("MISSED_CALL",) in seen
    assert wording(None).missed("+7999") == [(0.0, "MISSED_CALL: 11:53AM +7999")]
    assert {(), ("MISSED_CALL",)} == forms(lambda w: tuple(short(line) for _, line in w.waiting_gave_up("+7999")))


def test_hang_up_while_it_rings() -> None:
    incoming = forms(lambda w: printed(*w.rejected(call(Phase.INCOMING))))
    with_end = {("END", "OK"), ("OK", "END", "NO CARRIER")}
    assert incoming == with_end | {("OK",), ("OK", "NO CARRIER"), ("OK", "MISSED_CALL")}
    assert printed(*wording(None).rejected(call(Phase.INCOMING))) == ("OK",)
    assert not any("MISSED_CALL" in lines for lines in forms(lambda w: printed(*w.rejected(call(Phase.DIALLING)))))


def test_a_call_of_the_host_that_comes_to_nothing() -> None:
    assert forms(lambda w: tuple(short(line) for _, line in w.not_reached("BUSY"))) == {("BUSY",), ("END", "BUSY")}
    assert forms(lambda w: w.not_reached("network")[-1][1]) == {"NO CARRIER"}


def test_tails_of_clip_and_withheld_numbers() -> None:
    shown = forms(lambda w: w.clip("+79991234567"))
    assert len(shown) == 3
    assert all(line.startswith('+CLIP: "+79991234567",145,') for line in shown)
    withheld = forms(lambda w: w.clip(""))
    assert {"", '+CLIP: "",128,,,,1', '+CLIP: "",128,,,,2'} < withheld
    assert wording(None).clip("") == '+CLIP: "",128,,,,1'


def test_habits_of_firmware() -> None:
    drawn = [Habits.drawn(Dice(seed)) for seed in SEEDS]
    for name in Habits.__slots__:
        assert len({getattr(habits, name) for habits in drawn}) >= 2, name
    assert Habits.drawn(Dice(None)) == Habits()


async def test_the_forms_are_seen_on_the_port(bench: Callable[..., Any]) -> None:
    """The pure wordings above really stand between command and final; a RING slips into ATA, a late BEGIN comes."""
    answers, missed, hang_ups, ends = set(), set(), set(), set()
    for seed in range(14):
        async with bench(seed=seed, ring_period=0.6) as b:
            ringing = await b.sim.ring()
            await b.at.until("RING")
            await ringing.give_up()
            missed.add(tuple(short(line) for line in await b.at.quiet(0.02) if "CLIP" not in line))
            ringing = await b.sim.ring()
            await b.at.until("RING")
            await b.at.quiet(0.02)
            answers.add(tuple(short(line) for line in await b.at.ask("ATA")))
            await ringing.answered(1)
            await b.at.quiet(0.02)
            await ringing.hang_up()
            hang_ups.add(tuple(short(line) for line in await b.at.quiet(0.02)))
            ringing = await b.sim.ring()
            await b.at.until("RING")
            await b.at.quiet(0.02)
            await b.at.ask("ATA")
            await ringing.answered(1)
            await b.at.quiet(0.02)
            b.at.send("AT+CHUP\r")
            await ringing.ended(1)
            ends.add(tuple(short(line) for line in await b.at.quiet(0.02)))
    assert {("BEGIN", "OK"), ("OK",), ("RING", "BEGIN", "OK")} <= answers
    assert both("MISSED_CALL", "NO CARRIER", missed)
    assert both("END", "NO CARRIER", hang_ups)
    assert both("END", "OK", ends)
    assert ("END", "OK", "NO CARRIER") in ends


async def test_what_firmware_does_in_its_own_way(bench: Callable[..., Any]) -> None:
    off, sizes, cvhu = set(), set(), set()
    for seed in range(8):
        async with bench(seed=seed, start=False) as b:
            await b.at.ask("ATE0")
            await b.at.ask("AT+CLIP=1")
            cvhu.add((await b.at.ask("AT+CVHU?"))[0])
            await b.at.ask("AT+CPCMFRM=1")
            await b.at.ask("AT+CPCMFRM=0")
            call = await b.sim.ring()
            await b.at.until("RING")
            await b.at.ask("ATA")
            await call.answered(1)
            await b.at.until_ok("AT+CPCMREG=1")
            await b.at.quiet(0.1)
            sizes |= {size for _, size in b.audio.chunks}
            off.add(tuple(await b.at.ask("AT+CPCMREG=0")))
            await b.at.ask("AT+CPCMREG=0,1")
    assert cvhu == {"+CVHU: 0", "+CVHU: 1"}
    assert off == {("OK",), ("ERROR",)}
    assert {320, 640, 1280} == sizes  # 20 ms, 40 ms, and 40 ms that stayed at 16 kHz
