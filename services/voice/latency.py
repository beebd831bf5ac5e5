"""Where the time of a turn went: one mark per stage, from the end of the caller's speech to the first sound back."""

from enum import StrEnum

from services.clock import Clock


class Stage(StrEnum):
    """The stages of a reply in their order; each mark is the moment the stage was reached."""

    END_OF_TURN = "end_of_turn"  # decided that the caller has finished
    TRANSCRIPT = "final_transcript"  # the ears' last word
    FIRST_TEXT = "first_text"  # the secretary's first piece of text
    FIRST_CLAUSE = "first_clause"  # the first speakable clause
    FIRST_FRAME = "first_frame"  # the first synthesised frame
    FIRST_SOUND = "first_sound"  # the first frame that is not silent, handed on to the line


class Trace:
    """The marks of one reply, in milliseconds since `origin` (the end of the caller's speech, or the answer)."""

    def __init__(self, clock: Clock, origin: float) -> None:
        self._clock = clock
        self._origin = origin
        self._marks: dict[str, float] = {}

    def mark(self, stage: Stage, at: float | None = None) -> None:
        """Note that `stage` was reached now (or at `at`, seconds of the clock); only the first time counts."""
        if stage not in self._marks:
            moment = self._clock.monotonic() if at is None else at
            self._marks[stage.value] = round((moment - self._origin) * 1000, 1)

    def stages(self) -> dict[str, float]:
        """Return {stage: milliseconds since the origin} in the order reached."""
        return dict(sorted(self._marks.items(), key=lambda each: each[1]))
