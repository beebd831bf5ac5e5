"""Lawful dialogues of every shape: each command gets its own answer, each URC is told once and in order."""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.telephony.at_modem import ASKS, PDU, REPORT, UNASKED, Ask
from telephony.at.dialogue import PROBE, AtDialogue
from telephony.at.events import Answered, Event, Recovered, TimedOut, Told
from telephony.at.results import AtResult
from telephony.at.urcs import CallBegin, Urc

OK = b"\r\nOK\r\n"
MARKED = b"\r\n+CMEE: 1\r\n" + OK
ENDS = (b"\r\n", b"\r\r\n", b"\n", b"\r", b"\n\r\r\n")


@dataclass
class Step:
    """A command; URCs by the slot of the answer in which they stand; the ticks by which the answer is late."""

    kind: int
    urcs: list[tuple[int, int]]
    late: int


STEPS = st.builds(
    Step,
    st.integers(0, len(ASKS) - 1),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, len(UNASKED) - 1)), max_size=5),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
)
SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=20)


class Host:
    """An AtDialogue, what it told, and a line that cuts what is said into chunks of the given sizes."""

    def __init__(self, sizes: list[int]) -> None:
        self.dialogue = AtDialogue()
        self.now = 10.0
        self.told: list[Urc] = []
        self.results: list[AtResult] = []
        self.timed_out = 0
        self._sizes = sizes
        self._cuts = 0

    def hear(self, data: bytes) -> None:
        while data:
            size = self._sizes[self._cuts % len(self._sizes)]
            self._cuts += 1
            self._take(self.dialogue.receive(data[:size], self.now))
            data = data[size:]

    def wait(self) -> None:
        assert self.dialogue.deadline is not None
        self.now = self.dialogue.deadline
        self._take(self.dialogue.tick(self.now))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Told(urc):
                    self.told.append(urc)
                case Answered(result):
                    self.results.append(result)
                case TimedOut():
                    self.timed_out += 1
                case Recovered():
                    assert self.timed_out


def written(ask: Ask, step: Step, end: bytes) -> tuple[bytes, list[Urc]]:
    """Return the whole answer with the URCs in it, and these URCs."""
    begins = ask.command.text == "ATA"
    lines = [*(["VOICE CALL: BEGIN"] if begins else []), *ask.lines, ask.ending]
    slots: list[list[int]] = [[] for _ in range(len(lines) + 1)]
    for slot, number in step.urcs:
        slots[slot % len(slots)].append(number)
    urcs: list[Urc] = []
    out = b""
    for index, numbers in enumerate(slots):
        for number in numbers:
            text, urc = UNASKED[number]
            out += b"".join(end + part.encode() + end for part in text.split("\r\n"))
            urcs.append(urc)
        if index < len(lines):
            out += end + lines[index].encode() + end
            urcs += [CallBegin()] if begins and index == 0 else []
    return out, urcs


@settings(max_examples=1000, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=6), SIZES, st.booleans(), st.sampled_from(ENDS))
@example([Step(13, [(1, 12), (2, 13)], 0), Step(7, [(0, 12), (1, 16)], 3)], [1], True, b"\r\n")
def test_every_answer_is_its_commands_own_and_every_urc_is_told(
    steps: list[Step], sizes: list[int], echo: bool, end: bytes
) -> None:
    host = Host(sizes)
    wanted: list[AtResult] = []
    urcs: list[Urc] = []
    late = 0
    for number, step in enumerate(steps):
        ask = ASKS[step.kind](1000 + 2 * number)
        host.dialogue.submit(ask.command, host.now)
        sent = host.dialogue.outgoing()
        assert sent == ask.command.text.encode() + b"\r"
        if ask.command.payload is not None:
            host.hear((sent if echo else b"") + b"\r\n> ")
            sent = host.dialogue.outgoing()
            assert sent == ask.command.payload + b"\x1a"
        answer, told = written(ask, step, end)
        urcs += told
        for _ in range(step.late):
            host.wait()
        assert not host.dialogue.lost
        host.hear((sent if echo else b"") + answer)
        for _ in range(host.dialogue.outgoing().count(PROBE.encode())):
            host.hear((PROBE.encode() + b"\r" if echo else b"") + MARKED)
        assert not host.dialogue.busy
        if step.late:
            late += 1
        else:
            final_code = int(ask.ending.split(":")[1]) if ":" in ask.ending else None
            wanted.append(
                AtResult(ask.command.text, ask.final, ask.lines, final_code, str(final_code) if final_code else "")
            )
    assert host.results == wanted
    assert host.timed_out == late
    assert host.told == urcs


PIECES = (
    b"\r\nOK\r\n",
    b"\r\nERROR",
    b"> ",
    b'\r\n+CUSD: 0,"open',
    b"\r\n+CDS: 25\r\n",
    b"\r\n+CMEE: 1\r\n",
    b"\r\nNO CARRIER\r\n",
    b"\x1a" * 5000,
    b"#" * 5000,
    b"AT+CSQ",
    REPORT.encode(),
    f'\r\n+CMT: "",31\r\n{PDU[:20]}'.encode(),
)
JUNK = st.binary(max_size=40) | st.sampled_from(PIECES)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(ASKS) - 1), st.lists(JUNK, max_size=12), st.lists(st.integers(0, len(UNASKED) - 1)), SIZES)
def test_whatever_came_before_the_line_is_good_again(
    kind: int, junk: list[bytes], urcs: list[int], sizes: list[int]
) -> None:
    host = Host(sizes)
    host.dialogue.submit(ASKS[kind](7).command, host.now)
    for piece in junk:
        host.hear(piece)
        assert host.dialogue.busy is (host.dialogue.deadline is not None)
        assert host.dialogue.kept <= 4096 + 60
    waits = 0
    host.hear(b'\r\n"\r\n')
    while host.dialogue.busy:
        waits += 1
        assert waits < 6
        if PROBE.encode() in host.dialogue.outgoing():
            host.hear(MARKED)
        else:
            host.wait()
    host.now += 1.0
    host.told.clear()
    host.hear(b"".join(f"\r\n{UNASKED[number][0]}\r\n".encode() for number in urcs))
    assert host.told == [UNASKED[number][1] for number in urcs]
    host.dialogue.outgoing()
    host.dialogue.submit(ASKS[0](123456).command, host.now)
    if PROBE.encode() in host.dialogue.outgoing():
        host.hear(MARKED)
    host.hear(b"\r\n+CSQ: 21,123456\r\n" + OK)
    assert host.results[-1].lines == ("+CSQ: 21,123456",)
    assert not host.dialogue.busy
