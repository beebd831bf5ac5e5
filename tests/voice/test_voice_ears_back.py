"""Ears that a call has lost for good are looked for again, and used from the next whole turn on."""

import asyncio
from collections.abc import Sequence

from voice_call import Played, play
from voice_fakes import Act, FakeEars, speaks

from services.errors import EngineOverloadedError

EARLY = speaks(5, "read me the list")
LATE = speaks(45, "where is your office")
HANG_UP = Act(55, hang_up=True)


class BusyEars(FakeEars):
    """Cannot be opened before the clock's second `free_at`; notes when somebody tries."""

    def __init__(self, acts: Sequence[Act], free_at: float) -> None:
        super().__init__(acts)
        self.tried: list[int] = []
        self._free_at = free_at

    async def open(self) -> FakeEars:
        self.tried.append(round(asyncio.get_running_loop().time()))
        if self.tried[-1] < self._free_at:
            raise EngineOverloadedError("All ears are taken.")
        return await super().open()


class BreakingEars(FakeEars):
    """Every stream breaks at once, before the clock's second `healed_at`."""

    def __init__(self, acts: Sequence[Act], healed_at: float) -> None:
        super().__init__(acts)
        self._healed_at = healed_at

    async def open(self) -> FakeEars:
        loop = asyncio.get_running_loop()
        self._breaks_at, opened = loop.time() + 0.1 if loop.time() < self._healed_at else None, self.opened
        self.opened = 0  # FakeEars breaks its first stream only
        await super().open()
        self.opened = opened + 1
        return self


def call(ears: FakeEars, *acts: Act, **given: object) -> Played:
    return play(*acts, HANG_UP, ears=ears, no_input=60, **given)  # type: ignore[arg-type]


def test_a_call_that_found_all_ears_taken_is_understood_as_soon_as_one_is_free() -> None:
    ears = BusyEars([EARLY, LATE], free_at=20)
    played = call(ears, EARLY, LATE)
    assert ears.tried == [0, 30]
    assert played.secretary.asked == ["", LATE.text]
    assert played.said() == ["Your message is kept.", f"You said {LATE.text}."]
    assert played.degraded() == ["stt"]
    assert played.conversation.abilities.ears


def test_ears_are_looked_for_as_long_as_the_call_lasts() -> None:
    ears = BusyEars([EARLY, LATE], free_at=1000)
    played = play(EARLY, LATE, Act(100, hang_up=True), ears=ears, no_input=60, longest=120)
    assert ears.tried == [0, 30, 60, 90]
    assert played.secretary.asked == ["", ""]
    assert played.degraded() == ["stt"]
    assert not played.conversation.abilities.ears


def test_a_turn_that_was_begun_without_ears_is_kept_as_sound_and_the_next_is_understood() -> None:
    across = speaks(28, "please tell them that the parcel has come and stands behind the door of the house")
    assert across.end > 31
    played = call(BusyEars([across, LATE], free_at=20), across, LATE)
    assert played.secretary.asked == ["", LATE.text]
    assert played.kept == 1


def test_ears_that_break_again_and_again_are_given_up_and_found_again() -> None:
    played = call(BreakingEars([LATE], healed_at=20), LATE)
    assert played.degraded() == ["stt"] * 3
    assert played.secretary.asked == [LATE.text]
    assert played.conversation.abilities.ears
