"""What the module prints of calls, and every form of it that is not established."""

from collections.abc import Callable
from datetime import datetime

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.module.answer import Answer, Later, number_type
from telephony.simulator.person.call import Phase, SimulatedCall

LATE = 0.3
BEGIN_LATE = 0.2
BEGIN = "VOICE CALL: BEGIN"
NO_CARRIER = "NO CARRIER"


class Wording:
    """Chooses among the known forms; `now` is the module's wall clock."""

    def __init__(self, dice: Dice, faults: Faults, now: Callable[[], datetime]) -> None:
        self._dice = dice
        self._faults = faults
        self._now = now

    def clip(self, number: str) -> str:
        """The +CLIP line with which a caller is shown at each ring; "" when none comes."""
        if "no-clip" in self._faults:
            return ""
        if number:
            tail = self._dice.one_of(",,,0", ',,"Somebody",0', ',,"",0')
            return f'+CLIP: "{number}",{number_type(number)},{tail}'
        return self._dice.one_of('+CLIP: "",128,,,,1', '+CLIP: "",128,,,"",1', '+CLIP: "",128,,,,2', "")

    def taken(self) -> tuple[Answer, float | None]:
        """The answer to ATA; with it the pause after which VOICE CALL: BEGIN comes, None when the answer holds it."""
        late = Answer(), BEGIN_LATE
        if "begin-after-ok" in self._faults:
            return late
        return self._dice.one_of((Answer([BEGIN]), None), (Answer(after=[BEGIN]), None), late)

    def far_end_hung_up(self, end: str) -> Later:
        """An active call ended from outside."""
        if "late-no-carrier" in self._faults:
            return [(0.0, end), (LATE, NO_CARRIER)]
        forms = [(0.0, NO_CARRIER), (0.0, end)], [(0.0, end), (LATE, NO_CARRIER)]
        return self._dice.one_of([(0.0, end), (0.0, NO_CARRIER)], *forms)

    def hung_up(self, end: str) -> tuple[Answer, Later]:
        """The answer to CHUP in an active call, and what may follow."""
        if "late-no-carrier" in self._faults:
            return Answer([end]), [(LATE, NO_CARRIER)]
        late: Later = [(LATE, NO_CARRIER)]
        return self._dice.one_of(
            (Answer([end]), []),
            (Answer(after=[end]), []),
            (Answer([end], after=[NO_CARRIER]), []),
            (Answer(after=[end, NO_CARRIER]), []),
            (Answer([end]), late),
        )

    def missed(self, number: str) -> Later:
        """The caller gave up while it rang."""
        line = self._missed_line(number)
        forms = [(0.0, line), (0.0, NO_CARRIER)], [(0.0, NO_CARRIER), (0.0, line)], [(0.0, line), (LATE, NO_CARRIER)]
        return self._dice.one_of([(0.0, line)], *forms)

    def waiting_gave_up(self, number: str) -> Later:
        """The second caller gave up."""
        return self._dice.one_of([], [(0.0, self._missed_line(number))])

    def _missed_line(self, number: str) -> str:
        return f"MISSED_CALL: {self._now().strftime('%I:%M%p')} {number}".rstrip()

    def rejected(self, call: SimulatedCall) -> tuple[Answer, Later]:
        """The answer to CHUP while a call rings in or out: it is not established at all."""
        end = "VOICE CALL: END: 000000"
        missed = [] if call.outgoing else [self._missed_line(call.number)]
        return self._dice.one_of(
            (Answer(), []),
            (Answer(after=[NO_CARRIER]), []),
            (Answer([end]), []),
            (Answer(after=[end, NO_CARRIER]), []),
            (Answer(after=missed), []),
            (Answer(), [(LATE, NO_CARRIER)]),
        )

    def not_reached(self, result: str) -> Later:
        """A call of the host came to nothing: BUSY, NO ANSWER or NO CARRIER."""
        end = "VOICE CALL: END: 000000"
        result = result if result in ("BUSY", "NO ANSWER") else NO_CARRIER
        return self._dice.one_of([(0.0, result)], [(0.0, end), (0.0, result)])


def clcc(call: SimulatedCall, index: int) -> str:
    """One +CLCC line."""
    direction = 0 if call.outgoing else 1
    phase = Phase.INCOMING if call.phase is Phase.ANSWERING else call.phase
    return f'+CLCC: {index},{direction},{int(phase)},0,0,"{call.number}",{number_type(call.number)}'
