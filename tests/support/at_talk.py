"""A conversation with an AtDialogue in virtual time."""

from telephony.at.answer import Command
from telephony.at.dialogue import AtDialogue
from telephony.at.events import Answered, Event, Told
from telephony.at.results import AtResult
from telephony.at.urcs import Urc

PDU = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
REPORT = "0006010B919799556576F7621112206134216211122061342100"


def wire(*lines: str) -> bytes:
    return "".join(f"\r\n{line}\r\n" for line in lines).encode()


class Talk:
    """A dialogue and a clock."""

    def __init__(self, *, after_reopen: bool = False) -> None:
        self.dialogue = AtDialogue(after_reopen=after_reopen)
        self.now = 50.0

    def ask(self, text: str, timeout: float = 5.0, payload: bytes | None = None) -> bytes:
        self.dialogue.submit(Command(text, timeout, payload), self.now)
        return self.dialogue.outgoing()

    def hear(self, *lines: str, raw: bytes = b"") -> list[Event]:
        return self.dialogue.receive(wire(*lines) + raw, self.now)

    def wait(self, seconds: float) -> list[Event]:
        self.now += seconds
        return self.dialogue.tick(self.now)


def results(events: list[Event]) -> list[AtResult]:
    return [event.result for event in events if isinstance(event, Answered)]


def lines(events: list[Event]) -> tuple[str, ...]:
    (result,) = results(events)
    return result.lines


def told(events: list[Event]) -> list[Urc]:
    return [event.urc for event in events if isinstance(event, Told)]
