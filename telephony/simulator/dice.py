"""What is not established about the module: the commoner form, or with a seed a draw among the known ones."""

import random
from dataclasses import dataclass
from typing import Self, TypeVar

Form = TypeVar("Form")


class Dice:
    """Without a seed every draw among forms gives the first; `random` is there for everything else."""

    def __init__(self, seed: int | None) -> None:
        self.random = random.Random(0 if seed is None else seed)  # noqa: S311 - an actor's dice, not a secret
        self._thrown = seed is not None

    def one_of(self, commonest: Form, *others: Form) -> Form:
        """One of the forms."""
        return self.random.choice((commonest, *others)) if self._thrown else commonest

    def coin(self) -> bool:
        """False for the commoner of two forms."""
        return self.one_of(False, True)


@dataclass(frozen=True, slots=True)
class Habits:
    """The uncertain things that a given firmware or network always does in the same way; drawn once a simulator."""

    double_chunks: bool = False
    """Call audio comes as 40 ms chunks."""
    off_needs_1: bool = False
    """AT+CPCMREG=0 is refused, =0,1 is taken."""
    cvhu: str = "1"
    """CVHU after a reset. 1 is the trap: ATH says OK and the call goes on."""
    frame_goes_back: bool = True
    """AT+CPCMFRM=0 brings 8 kHz back without a reset."""
    ring_stretch: float = 1.0
    """The ring period, in units of the one that was asked for."""
    full_line: str = "+SMS FULL"
    """What is printed when a message finds no place; nothing perhaps."""
    pulled_line: str = "+CPIN: SIM REMOVED"
    """What is printed when the SIM is pulled out; nothing perhaps."""

    @classmethod
    def drawn(cls, dice: Dice) -> Self:
        """Throw the dice once for each."""
        return cls(
            double_chunks=dice.coin(),
            off_needs_1=dice.coin(),
            cvhu=dice.one_of("1", "0"),
            frame_goes_back=not dice.coin(),
            ring_stretch=dice.one_of(1.0, 1.5, 2.0),
            full_line=dice.one_of("+SMS FULL", ""),
            pulled_line=dice.one_of("+CPIN: SIM REMOVED", "+CPIN: NOT INSERTED", ""),
        )
