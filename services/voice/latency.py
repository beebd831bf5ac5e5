"""Where the time of a turn went: one mark per stage, from the end of the caller's speech to the first sound back."""

from enum import StrEnum

from services.clock import Clock


class Stage(StrEnum):
    """The stages of a reply in their usual order; each mark is the moment the stage was reached.

    With a head start the text may come before the end of the turn was decided, and even before the last sound of the
    turn where that sound held no word: such a stage was reached at 0.
    """

    END_OF_TURN = "end_of_turn"  # decided that the caller has finished
    TRANSCRIPT = "final_transcript"  # the ears' last word
    FIRST_TEXT = "first_text"  # the secretary's first piece of text (a model's first token)
    FIRST_CLAUSE = "first_clause"  # the first speakable clause
    FIRST_FRAME = "first_frame"  # the first synthesised frame
    FIRST_SOUND = "first_sound"  # the first frame that is not silent, handed on to the line
    FILLER = "filler"  # a short phrase bridged the wait from here on; only where one did


class Trace:
    """The marks of one reply, in milliseconds since `origin`.

    `origin` is the clock's second at which the caller's speech ended (or the call was answered); an answer begun on
    trial learns it when the turn is over.
    """

    def __init__(self, clock: Clock, origin: float) -> None:
        self.origin = origin
        self._clock = clock
        self._marks: dict[str, float] = {}

    def mark(self, stage: Stage, at: float | None = None) -> None:
        """Note that `stage` was reached now (or at `at`, seconds of the clock); only the first time counts."""
        if stage not in self._marks:
            self._marks[stage.value] = self._clock.monotonic() if at is None else at

    def stages(self) -> dict[str, float]:
        """Return {stage: milliseconds since the origin} in the order reached."""
        marks = sorted(self._marks.items(), key=lambda each: each[1])
        return {stage: round(max(0.0, at - self.origin) * 1000, 1) for stage, at in marks}
