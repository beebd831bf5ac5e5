"""What a hard judge would try: instants that coincide, and ears that change their mind."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import groupby

import pytest
from voice_call import Played, play
from voice_fakes import FILLERS, Act, FakeEars, FakeMouth, FakeSecretary, sounds, speaks

from services.stt.protocol import Transcript
from services.tts.protocol import SpeechPiece, Voice

# The greeting "Hello, this is Emma." lasts 1 s.


# -- ears that change their mind --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.3, 1.2])
def test_ears_that_take_their_words_back_leave_nobody_waiting_for_an_answer_on_trial(seconds: float) -> None:
    played = play(Act(2, seconds, "hours", final=""), Act(16, hang_up=True))
    assert played.secretary.trials == ["hours"]
    assert played.line.sounds_between(2 + seconds, 12.5), "she asks whether anybody is there, or what was said"
    assert played.conversation.state.get("count", 0) == len(played.secretary.asked)


def test_words_that_broken_ears_had_told_are_kept_with_those_of_their_successors() -> None:
    act = speaks(2, "where is your office please")
    played = play(act, Act(12, hang_up=True), ears={"breaks_at": 2.8, "lag": 0.02})
    (heard,) = played.log.heard("caller")
    assert heard == act.text


def test_an_answer_prepared_before_a_sound_without_words_was_ready_when_the_turn_ended() -> None:
    act = Act(2, 1.5, "hours", pauses=((0.5, 0.25),), final="hours")
    played = play(act, Act(9, hang_up=True), ears=OneWord([act]))
    assert played.secretary.begun[0].sure
    stages = played.turn(1)["stages"]
    assert all(at >= 0 for at in stages.values()), stages


class OneWord(FakeEars):
    """Hears the word in the first half second, and nothing in what comes after it."""

    def __init__(self, acts: list[Act]) -> None:
        super().__init__([Act(acts[0].at, 0.5, acts[0].text)])
        self._sounds = acts


# -- what was no turn -------------------------------------------------------------------------------------------------


def test_a_click_over_her_speech_does_not_make_an_uh_huh_of_the_next_answer() -> None:
    played = play(sounds(0.5, 0.03), speaks(4, "okay"), Act(9, hang_up=True))
    assert played.secretary.asked == ["okay"]


def test_a_click_in_her_last_word_does_not_either() -> None:
    played = play(sounds(0.94, 0.03), speaks(4, "okay"), Act(9, hang_up=True))
    assert played.secretary.asked == ["okay"]


def test_an_uh_huh_does_not_cost_the_answer_that_is_owed() -> None:
    # The ears tell everything late: the question is understood while the caller says "okay".
    secretary = FakeSecretary({"read it": "One two three four five six seven eight nine ten eleven twelve thirteen."})
    acts = speaks(2, "read it"), speaks(4.0, "and what about the hours", word=0.25), Act(5.9, 0.3, "okay")
    played = play(*acts, Act(16, hang_up=True), secretary=secretary, ears={"delay": 0.9, "lag": None})
    assert any("and what about the hours" in text for text in played.secretary.asked)


@pytest.mark.parametrize("head_start", [0.0, 1.0])
def test_a_television_that_stops_is_forgotten_whatever_the_head_start(head_start: float) -> None:
    secretary = FakeSecretary({"read it": "One two three four five six seven eight nine ten eleven twelve thirteen."})
    acts = speaks(2, "read it"), sounds(3.4, 2.4), speaks(6.9, "and another thing")
    played = play(*acts, Act(16, hang_up=True), secretary=secretary, head_start=head_start)
    assert played.turn(1)["interrupted_by"] == "caller"


# -- the filler -------------------------------------------------------------------------------------------------------


@dataclass
class SoftBeginning(FakeMouth):
    """Begins each text with a silence, as engines do."""

    quiet: float = 0.3

    def __post_init__(self) -> None:
        super().__init__()

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        quiet = 0.0 if text in FILLERS else self.quiet
        async for piece in super().synthesize(text, voice, rate, fixed=fixed):
            position = getattr(piece, "position", 0)
            samples = getattr(piece, "samples", None)
            if samples is not None and position < quiet * rate:
                samples[:] = 0
            yield piece


def owners(played: Played) -> list[str]:
    """Whose sound was heard, text by text."""
    texts = [
        next(each.text for each in played.mouth.spoken if each.begin <= position < each.end)
        for position in played.line.voice_positions()
    ]
    return [text for text, _ in groupby(texts)]


@pytest.mark.parametrize("first_text", [1.05, 1.07, 1.09, 1.11, 1.13, 1.15, 1.17, 1.19, 1.21, 1.23])
@pytest.mark.parametrize("mouth", [FakeMouth, SoftBeginning])
def test_a_filler_and_an_answer_that_come_at_the_same_moment_do_not_speak_into_each_other(
    mouth: type[FakeMouth], first_text: float
) -> None:
    # The filler is due at 4.1, 1.5 s after the question; the answer comes at about that time.
    act, secretary = speaks(2, "hours please"), FakeSecretary(first_text=first_text)
    played = play(act, Act(9, hang_up=True), secretary=secretary, mouth=mouth(), head_start=0)
    heard = owners(played)
    assert len(heard) == len(set(heard)), heard
    assert heard[-1] == "You said hours please."


def test_a_filler_that_nobody_heard_is_said_the_next_time() -> None:
    # The first is due at 4.1 and is to sound from 4.5, when the caller has gone on already.
    acts = speaks(2, "hours please"), speaks(4.2, "and prices"), speaks(12, "a table"), Act(20, hang_up=True)
    secretary = FakeSecretary(first_text=3.0)
    played = play(*acts, secretary=secretary, mouth=FakeMouth(first=0.4), head_start=0)
    assert [text for text in owners(played) if text in FILLERS] == list(FILLERS)


# -- two languages ----------------------------------------------------------------------------------------------------


class Behindhand(FakeEars):
    """Takes 2.5 seconds for its first final transcript."""

    def answer(self, number: int, final: Transcript, out: asyncio.Queue) -> None:  # type: ignore[type-arg]
        asyncio.get_running_loop().call_later(2.5 if number == 0 else self._delay, self._give, final, out)


@pytest.mark.parametrize("delay", [0.3, 1.5])  # the second turn is under way, or its words are owed, at the change
def test_the_turn_behind_the_one_that_changes_the_language_is_not_swallowed(delay: float) -> None:
    acts = (
        speaks(2, "можно по-русски пожалуйста", language="ru"),
        speaks(3.75, "сколько стоит хлеб", word=0.2, language="ru"),
        speaks(11, "спасибо большое вам", language="ru"),
        Act(18, hang_up=True),
    )
    ears = (FakeEars if delay < 1 else Behindhand)(acts, delay=delay + 0.9 if delay < 1 else delay)
    played = play(*acts, ears=ears, languages=("en", "ru"))
    assert ears.opened == 2
    words = " ".join(str(text) for text in played.log.heard("caller"))
    assert "сколько стоит хлеб" in words
    last = played.turn(-1)
    assert "спасибо большое вам" in last["intended"]
    assert last["stages"]["final_transcript"] < 2500, (
        "no final transcript is taken for one that is owed by the old ears"
    )
