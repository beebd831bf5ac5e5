"""What happens between the turns: two things at once, parts that break in the middle, and the last moment of a call."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest
from voice_call import play
from voice_fakes import Act, FakeEars, FakeLine, FakeMouth, FakeSecretary, a_conversation

from services.dialogue.shapes import Conversation, EndCall, ReplyEvent, ReplyText, Utterance
from services.errors import EngineError, StorageError
from services.stt.protocol import Transcript

# The greeting "Hello, this is Emma." lasts 1 s. A turn is over 0.55 s after its last sound, understood 0.1 s later,
# and FakeSecretary's first word comes 0.05 s after that.


@dataclass
class Hesitant(FakeSecretary):
    """Takes a while to greet, and to ask whether somebody is there."""

    pause: float = 1.0

    async def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        await asyncio.sleep(self.pause)
        yield ReplyText("Hello, this is Emma.")

    async def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        await asyncio.sleep(self.pause)
        yield ReplyText("Are you there?")


def test_speech_before_the_greeting_is_heard_does_not_wipe_what_is_remembered() -> None:
    conversation = a_conversation()
    conversation.state["name"] = "Anna"
    played = play(
        Act(0.2, 0.7, "hours"), Act(9, hang_up=True), secretary=Hesitant(pause=1.5), conversation=conversation
    )
    assert played.secretary.asked == ["hours"]
    assert played.conversation.state == {"name": "Anna", "count": 1}


def test_speech_before_a_question_into_silence_is_heard_does_not_undo_the_turn_before() -> None:
    # The answer ends at about 5.4, the question whether somebody is there is begun at 13.4 and would sound at 15.4.
    played = play(Act(3, 0.7, "hours"), Act(13.7, 0.8, "address"), Act(22, hang_up=True), secretary=Hesitant(pause=2.0))
    assert played.secretary.asked == ["hours", "address"]
    assert played.conversation.state == {"count": 2}


def test_keys_whose_pause_ends_during_an_answer_do_not_make_two_voices_speak_at_once() -> None:
    secretary = FakeSecretary({"hours": "We are open from nine to five on every day of the week but Sunday."})
    played = play(Act(2, 0.6, "hours"), Act(2.8, key="7"), Act(11, hang_up=True), secretary=secretary)
    assert secretary.asked == ["hours", "7"]
    first, second = played.log.turns("secretary")[1:]
    assert first["interrupted_by"] == "digits"
    assert second["heard"] == "You said 7."


def test_the_secretary_does_not_begin_to_answer_while_the_caller_is_speaking_again() -> None:
    # The ears need 1.5 s for the first half; the caller goes on before they are done, without a break, until 7.5.
    acts = Act(2, 1.0, "I would like"), Act(4, 3.5, "to know your hours"), Act(16, hang_up=True)
    played = play(*acts, ears={"delay": 1.5})
    assert not played.line.sounds_between(2, 7.5)
    assert played.secretary.asked == ["I would like to know your hours"]


def test_a_word_over_the_speech_is_not_answered_into_the_next_sentence_of_the_caller() -> None:
    secretary = FakeSecretary({"read it back": "Your number is one two three four five, is that right?"})
    # The answer sounds from about 3.3 to 6.0; "yes" lies in it, and at 5.8 the caller goes on.
    acts = Act(2, 0.8, "read it back"), Act(4.5, 0.2, "yes"), Act(5.8, 1.5, "and my name is Anna")
    played = play(*acts, Act(16, hang_up=True), secretary=secretary)
    assert not played.line.sounds_between(6.3, 7.6)
    assert secretary.asked == ["read it back", "yes and my name is Anna"]


def test_two_words_over_the_speech_are_both_answered() -> None:
    secretary = FakeSecretary({"read it back": "Your number is one two three four five, is that right?"})
    acts = Act(2, 0.8, "read it back"), Act(3.8, 0.2, "yes"), Act(5.0, 0.2, "right")
    play(*acts, Act(16, hang_up=True), secretary=secretary)
    assert secretary.asked == ["read it back", "yes right"]


def test_a_cough_before_the_answer_is_heard_does_not_begin_it_anew() -> None:
    secretary = FakeSecretary(first_text=2.5)
    play(Act(2, 1.0, "hours"), Act(4, 0.16, ""), Act(12, hang_up=True), secretary=secretary)
    assert secretary.asked == ["hours"]


def test_a_cough_is_no_turn() -> None:
    secretary = FakeSecretary({"hours": "We are open from nine to five on every day of the week."})
    played = play(Act(2, 1.0, "hours"), Act(4.5, 0.16, ""), Act(12, hang_up=True), secretary=secretary)
    assert played.log.heard("caller") == ["hours"]


def test_a_caller_who_speaks_up_as_the_goodbye_ends_is_heard() -> None:
    # "You said goodbye." sounds from about 3.4 to 4.3; at 4.2 it is too late to interrupt it.
    played = play(Act(2, 1.0, "goodbye"), Act(4.2, 1.0, "wait one question"), Act(14, hang_up=True))
    assert played.secretary.asked == ["goodbye", "wait one question"]
    assert played.reason == "caller_hangup"


def test_a_noise_as_the_goodbye_ends_only_delays_the_end() -> None:
    played = play(Act(2, 1.0, "goodbye"), Act(4.2, 0.2, ""), longest=20)
    assert played.reason == "goodbye"


class PromptLine(FakeLine):
    """A line whose Closed is read before its `hangup` returns, as a modem's is."""

    async def hangup(self) -> None:
        await super().hangup()
        await asyncio.sleep(0.5)


def test_the_reason_of_our_own_hanging_up_is_kept() -> None:
    acts = (Act(2, 1.0, "goodbye"),)
    assert play(*acts, line=PromptLine(acts)).reason == "goodbye"


# -- the ears ---------------------------------------------------------------------------------------------------------


def test_words_that_come_too_late_are_not_taken_for_the_next_turn() -> None:
    acts = Act(2, 1.0, "hours"), Act(8.3, 0.5, "address"), Act(11, 0.7, "prices"), Act(16, hang_up=True)
    secretary = FakeSecretary()
    play(*acts, ears=LateEars(acts, lag=None), secretary=secretary)
    assert secretary.asked == ["", "address", "prices"]


class LateEars(FakeEars):
    """Answers in order, the first utterance after six seconds."""

    async def open(self) -> "FakeEars":
        await super().open()
        self._free_at = 0.0
        return self

    def answer(self, number: int, final: Transcript, out: "asyncio.Queue[Transcript | EngineError | None]") -> None:
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time()) + (6.0 if number == 0 else 0.1)
        loop.call_at(self._free_at, out.put_nowait, final)


class SlowToOpen(FakeEars):
    """Comes to itself only after two seconds (a worker that is being started anew)."""

    async def open(self) -> FakeEars:
        await asyncio.sleep(2.0)
        return await super().open()


def test_the_greeting_does_not_wait_for_the_ears() -> None:
    acts = Act(2.5, 1.0, "hours"), Act(9, hang_up=True)
    played = play(*acts, ears=SlowToOpen(acts))
    stages = played.log.turns("secretary")[0]["stages"]
    assert isinstance(stages, dict)
    assert stages["first_sound"] < 200
    assert played.secretary.asked == ["hours"]


def test_what_is_said_while_the_ears_are_being_opened_is_understood_afterwards() -> None:
    acts = Act(1.2, 1.5, "hours"), Act(9, hang_up=True)
    ears = SlowToOpen(acts)
    played = play(*acts, ears=ears)
    assert played.secretary.asked == ["hours"]
    assert ears.pushed * 0.02 == pytest.approx(1.5 + 0.3 + 0.55, abs=0.15)


class DeafWithoutADatabase(FakeEars):
    """Cannot be opened because the hints cannot be read."""

    why: Exception = StorageError("The database is away.")

    async def open(self) -> FakeEars:
        raise self.why


@pytest.mark.parametrize("why", [StorageError("The database is away."), KeyError("company")])
def test_ears_that_cannot_be_opened_cost_the_words_not_the_call(why: Exception) -> None:
    acts = Act(2, 3.0, ""), Act(12, hang_up=True)
    ears = DeafWithoutADatabase(acts)
    ears.why = why
    played = play(*acts, ears=ears)
    assert played.degraded() == ["stt"]
    assert played.kept == 1
    assert not played.conversation.abilities.ears


class LateToFail(FakeEars):
    """Breaks at the first utterance; its reading side tells of it only when the new ears are at work."""

    async def end_utterance(self) -> None:
        if self.ended == 0:
            asyncio.get_running_loop().call_later(1.0, self._out.put_nowait, EngineError("The ears broke."))
        await super().end_utterance()

    async def aclose(self) -> None:
        self.closed += 1


def test_broken_ears_do_not_take_their_successors_with_them() -> None:
    acts = Act(2, 1.0, "hours"), Act(7, 1.0, "address"), Act(14, hang_up=True)
    ears = LateToFail(acts, fails_at=0)
    played = play(*acts, ears=ears)
    assert ears.opened == 2
    assert played.secretary.asked[-1] == "address"
    assert played.degraded() == ["stt"]


class Garbling(FakeEars):
    """Sends once what no ear may send."""

    async def _read(self, out: "asyncio.Queue[Transcript | EngineError | None]") -> AsyncIterator[Transcript]:
        async for transcript in super()._read(out):
            if self.opened == 1:
                raise KeyError("final")
            yield transcript


def test_ears_with_a_fault_of_their_own_are_replaced_too() -> None:
    acts = Act(2, 1.0, "hours"), Act(7, 1.0, "address"), Act(14, hang_up=True)
    ears = Garbling(acts)
    played = play(*acts, ears=ears)
    assert ears.opened == 2
    assert played.secretary.asked[-1] == "address"


# -- the mouth and the mind -------------------------------------------------------------------------------------------


def test_of_an_answer_that_broke_only_what_was_heard_is_remembered() -> None:
    secretary = FakeSecretary({"count": "One two three four five six seven eight nine ten eleven twelve."})
    played = play(Act(2, 0.5, "count"), Act(12, hang_up=True), secretary=secretary, mouth=FakeMouth(breaks={1: 31}))
    broken, sorry = played.log.turns("secretary")[1:]
    assert 1 <= len(str(broken["heard"]).split()) <= 5
    assert broken["interrupted_by"] == "failure"
    assert sorry["heard"] == "Sorry, something broke."


# -- the end ----------------------------------------------------------------------------------------------------------


@dataclass
class Forgetful(FakeSecretary):
    """Cannot keep what was left."""

    async def hung_up(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> AsyncGenerator[ReplyEvent, None]:
        if conversation.call_id:
            raise StorageError("The disk is full.")
        yield EndCall()


def test_a_call_whose_last_words_cannot_be_kept_still_ends_as_it_did() -> None:
    played = play(Act(2, 3.0, "please call me back"), Act(4, hang_up=True), secretary=Forgetful())
    assert played.reason == "caller_hangup"
    assert played.degraded() == ["last words"]


def test_words_whose_answer_was_not_even_begun_are_kept_when_the_caller_hangs_up() -> None:
    # Understood at about 3.65; the secretary is still thinking when the line closes.
    secretary = FakeSecretary(first_text=3.0)
    played = play(Act(2, 1.0, "call me back"), Act(4.5, hang_up=True), secretary=secretary)
    assert secretary.last is not None
    assert secretary.last.text == "call me back"
    assert played.conversation.state == {}
    assert [turn.text for turn in played.conversation.history][-1] == "call me back"


def test_words_whose_answer_was_taken_back_are_kept_with_the_last_ones() -> None:
    secretary = FakeSecretary(first_text=3.0)
    acts = Act(2, 1.0, "please tell Anna"), Act(4.2, 2.0, "that I am late"), Act(6, hang_up=True)
    play(*acts, secretary=secretary)
    assert secretary.last is not None
    assert secretary.last.text == "please tell Anna that I am late"


def test_keys_pressed_just_before_hanging_up_are_stored() -> None:
    played = play(*[Act(2 + 0.3 * n, key=key) for n, key in enumerate("555")], Act(3.5, hang_up=True))
    assert played.log.heard("caller") == ["555"]
    assert played.secretary.last is not None
    assert played.secretary.last.text == "555"
