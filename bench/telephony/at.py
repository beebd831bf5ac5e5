"""Fuzz of the AT dialogue: mutated dialogues with a modem, and what must hold whatever the bytes.

    python -m bench.telephony.at --dialogues 1000000 --seed 1 --processes 2

Every dialogue is a closed loop in virtual time: commands go to a model of a modem, its bytes come back mutated, late,
in any chunks, or not at all. One in four is unhurt (only late, cut and interleaved with URCs): there, every answer must
be the command's own and every URC told once and in order. In all of them: no exception, a deadline while busy, one end
for every command, bounded memory; and once the line is good again, every URC is told once and every command gets its
own answer.
"""

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from bench.telephony.at_modem import ASKS, UNASKED, UNASKED_ELSEWHERE, Ask, ModelModem, cut, mutate
from telephony.at.dialogue import AtDialogue
from telephony.at.events import Answered, Event, ReopenNeeded, ResetNeeded, TimedOut, Told
from telephony.at.parser import MAX_LINE
from telephony.at.results import AtResult
from telephony.at.urcs import CallListed, Urc

STEPS = 60
"""Waits after which a command must have ended; the ladder needs a tenth of it."""
LATE_AS_USUAL, LOST_WRITES, HURT = 0.12, 0.04, 0.5
SHARE = 2_000
"""Dialogues given to a process at a time."""


class BrokenRuleError(AssertionError):
    """Something that must hold did not."""


@dataclass
class Run:
    """One dialogue between an AtDialogue and a model of a modem; `unhurt` when no byte is changed or lost."""

    rng: random.Random
    unhurt: bool
    now: float = 100.0
    told: list[Urc] = field(default_factory=list)
    results: list[AtResult] = field(default_factory=list)
    timed_out: int = 0
    lost: int = 0
    _line: bytes = b""
    _history: bytes = b""
    _clean: bool = False
    _late: int = 0
    _reset: bool = False

    def __post_init__(self) -> None:
        self.dialogue = AtDialogue()
        self.modem = ModelModem(self.rng, echo=self.rng.random() < 0.3, talk=0.2)

    def play(self) -> None:
        """Play a few hurt commands, then a good line. Raises BrokenRuleError."""
        rng = self.rng
        asks = [rng.choice(ASKS)(rng.randrange(1, 10**6)) for _ in range(rng.randrange(1, 4))]
        names = {ask.command.name for ask in asks}
        if not names & {"D", "A", "+CLCC"}:
            self.modem.unasked = UNASKED + UNASKED_ELSEWHERE
        for ask in asks:
            self.ask(ask)
        self.good_line()

    def ask(self, ask: Ask) -> None:
        """Send a command and wait for its end."""
        answered, ended = len(self.results), len(self.results) + self.timed_out
        if self.rng.random() < LATE_AS_USUAL:
            self._late = self.rng.randrange(1, 6)
        self.modem.ask = ask
        self.dialogue.submit(ask.command, self.now)
        self._until_idle()
        if len(self.results) + self.timed_out != ended + 1:
            raise BrokenRuleError(f"{ask.command.text} did not end once")
        if self.unhurt and len(self.results) > answered:
            self._own(ask, self.timed_out)

    def good_line(self) -> None:
        """From here on every byte arrives: URCs are told and commands get their own answers."""
        self._late, self._clean = 0, True
        self._until_idle()
        self._deliver()
        self.now += 0.5
        if self.unhurt and self._without_lists(self.told) != self._without_lists(self.modem.told):
            raise BrokenRuleError(f"told {self.told}, written {self.modem.told}")
        self._line = b'\r\n"\r\n'  # ends a line and a USSD text that a mutation left open
        self._deliver()
        self.now += 0.5
        self.told.clear()
        self.modem.told.clear()
        self._line = b"".join(self.modem.say() for _ in range(3))
        self._deliver()
        if self.told != self.modem.told:
            raise BrokenRuleError(f"after the fault told {self.told}, written {self.modem.told}")
        for kind in (self.rng.choice(ASKS), ASKS[0]):
            ask, timed_out = kind(self.rng.randrange(10**6, 10**7)), self.timed_out
            self.modem.ask = ask
            self.modem.unasked = UNASKED
            self.dialogue.submit(ask.command, self.now)
            self._until_idle()
            self._own(ask, timed_out)
        if self.told != self.modem.told:
            raise BrokenRuleError(f"at the end told {self.told}, written {self.modem.told}")

    def _own(self, ask: Ask, timed_out: int) -> None:
        result = self.results[-1] if self.results else None
        wrong = result is None or (result.lines, result.final) != (ask.lines, ask.final)
        if wrong or self.timed_out != timed_out:
            raise BrokenRuleError(f"{ask} got {result if self.timed_out == timed_out else 'nothing in time'}")

    def _without_lists(self, urcs: list[Urc]) -> list[Urc]:
        """An AT+CLCC answer that comes after its port was reopened looks like an unasked list: leave both out."""
        return [urc for urc in urcs if not (self.lost and isinstance(urc, CallListed))]

    def _until_idle(self) -> None:
        self._exchange()
        for _ in range(STEPS):
            if self.dialogue.lost:
                self._reopen()
                return
            if not self.dialogue.busy:
                return
            if self._line and not self._late:
                self._deliver()
                continue
            if self.dialogue.deadline is None:
                raise BrokenRuleError("busy without a deadline")
            self._late = max(0, self._late - 1)
            self.now = max(self.now, self.dialogue.deadline) + 0.001
            self._take(self.dialogue.tick(self.now))
            self._exchange()
        raise BrokenRuleError("never idle again")

    def _reopen(self) -> None:
        """Open the port again, as the owner of the dialogue does."""
        self.lost += 1
        self._late = 0
        if self._reset:
            self.modem.restart()
            self._line = b""
            self.modem.told = self.told.copy()  # what it said into a port that went away is nobody's fault
        self.dialogue = AtDialogue(after_reopen=not self._reset)

    def _exchange(self) -> None:
        """Carry what the host wrote to the modem, and put its answer on the line."""
        while data := self.dialogue.outgoing():
            if not (self._clean or self.unhurt) and self.rng.random() < LOST_WRITES:
                continue
            answer = self.modem.take(data)
            if not (self._clean or self.unhurt) and answer and self.rng.random() < HURT:
                for _ in range(self.rng.randrange(1, 3)):
                    answer = mutate(answer, self.rng, self._history)
            self._line += answer

    def _deliver(self) -> None:
        data, self._line = self._line, b""
        self._history = (self._history + data)[-400:]
        for chunk in cut(data, self.rng):
            self._take(self.dialogue.receive(chunk, self.now))
            self._exchange()
            kept = self.dialogue.kept
            if kept > MAX_LINE + 8192:
                raise BrokenRuleError(f"{kept} bytes kept")

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Told):
                self.told.append(event.urc)
            elif isinstance(event, Answered):
                self.results.append(event.result)
            elif isinstance(event, TimedOut):
                self.timed_out += 1
            elif isinstance(event, ReopenNeeded | ResetNeeded):
                self._reset = isinstance(event, ResetNeeded)


@dataclass
class Score:
    """What a share of dialogues gave."""

    dialogues: int = 0
    commands: int = 0
    urcs: int = 0
    timed_out: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        """Take another share's figures over."""
        self.dialogues += other.dialogues
        self.commands += other.commands
        self.urcs += other.urcs
        self.timed_out += other.timed_out
        self.lost += other.lost
        self.violations += other.violations


def play(seed: int, start: int, count: int) -> Score:
    """Play dialogues `start` to `start + count` of `seed`: each has a seed of its own and can be played alone."""
    score = Score()
    for number in range(start, start + count):
        run = Run(random.Random(seed * 1_000_000_007 + number), unhurt=number % 4 == 0)
        try:
            run.play()
        except Exception as error:  # whatever a mutation brought to light
            score.violations.append(f"seed {seed}, dialogue {number}: {type(error).__name__}: {error}")
        score.dialogues += 1
        score.commands += len(run.results) + run.timed_out
        score.urcs += len(run.told)
        score.timed_out += run.timed_out
        score.lost += run.lost
    return score


def main() -> int:
    """Run from the command line; 1 when something did not hold."""
    parser = argparse.ArgumentParser(description="Fuzz of the AT dialogue.")
    parser.add_argument("--dialogues", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first dialogue")
    parser.add_argument("--processes", type=int, default=1)
    wanted = parser.parse_args()
    total, started = Score(), time.perf_counter()
    starts = range(wanted.first, wanted.first + wanted.dialogues, SHARE)
    counts = [min(SHARE, wanted.first + wanted.dialogues - start) for start in starts]
    seeds = [wanted.seed] * len(starts)
    if wanted.processes > 1:
        with ProcessPoolExecutor(wanted.processes) as pool:
            for score in pool.map(play, seeds, starts, counts):
                total.add(score)
    else:
        for share in map(play, seeds, starts, counts):
            total.add(share)
    seconds = time.perf_counter() - started
    print(f"{total.dialogues} dialogues in {seconds:.1f} s ({total.dialogues / seconds:.0f}/s), seed {wanted.seed}")
    print(f"{total.commands} commands, {total.timed_out} timed out, {total.lost} ports reopened")
    print(f"{len(total.violations)} violations")
    for violation in total.violations[:20]:
        print(" ", violation)
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
