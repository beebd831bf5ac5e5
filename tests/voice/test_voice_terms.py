"""What the owner has laid down for a call holds for that call, and the directory knows it while it goes on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from terms_call import NamedVoices, Staff, a_secretary, hold
from virtual_time import run_virtually
from voice_desk import a_desk
from voice_fakes import Act, FakeLine, MemoryLog, speaks

from services.domain import CallTerms, MenuItem
from services.errors import LineError, NotTakenError
from services.tts.protocol import Voice
from services.voice.directory import LineDirectory, LiveCall
from services.voice.line import LineInfo
from services.voice.reception import Reception
from services.voice.settings import VoiceSettings


def test_the_greeting_and_the_voice_of_the_terms_stand_in_for_the_personas() -> None:
    terms = CallTerms(greeting="{company} by night, {name} speaking.", voice="fake:nightingale")
    held = hold(Act(3, hang_up=True), terms=terms)
    assert held.said() == ["Bakery by night, Emma speaking."]
    assert [each.voice for each in held.mouth.spoken] == ["nightingale"]
    assert held.started["persona"] == "emma"


def test_the_longest_time_of_the_terms_ends_the_call() -> None:
    held = hold(terms=CallTerms(max_seconds=5.0), longest=60)
    assert held.end["reason"] == "max_call"
    assert 5 < held.end["seconds"] < 12


def test_a_call_keeps_the_id_and_the_purpose_it_was_announced_with() -> None:
    info = {"call_id": "announced", "direction": "out"}
    held = hold(Act(1, hang_up=True), terms=CallTerms(purpose="the order"), info=info)
    assert held.call_id == "announced"
    assert held.started["purpose"] == "the order"
    assert {event.call_id for event in held.log.events} == {"announced"}


def test_a_call_that_was_not_announced_gets_an_id() -> None:
    assert len(hold(Act(1, hang_up=True)).call_id) == 32


# -- the directory ----------------------------------------------------------------------------------------------------


class SlowToAnswer(FakeLine):
    """Rings for 30 s; `busy` then."""

    busy = False

    async def answer(self) -> None:
        await asyncio.sleep(30)
        if self.busy:
            raise NotTakenError("The number is busy.", outcome="busy")
        await super().answer()


def a_reception(
    log: MemoryLog, mouth: NamedVoices | None = None, folder: Path = Path()
) -> tuple[Reception, LineDirectory]:
    staff = Staff()
    parts = {"companies": staff, "personas": staff, "conversations": staff, "secretary": a_secretary()}
    desk = a_desk(folder, log, **parts, mouth=mouth or NamedVoices(), settings=VoiceSettings(record=False))
    return Reception(desk), desk.directory


def test_a_call_is_in_the_directory_from_its_first_ring_to_its_end(tmp_path: Path) -> None:
    async def call() -> None:
        log, line = MemoryLog(), SlowToAnswer([Act(60, hang_up=True)])
        line.info = replace(line.info, call_id="one", direction="out")
        reception, directory = a_reception(log, folder=tmp_path)
        taking = asyncio.create_task(reception.take(line))
        await asyncio.sleep(10)
        live = directory.call("default", "one")
        assert isinstance(live, LiveCall)
        assert live.line is line
        assert [event.type.value for event in log.events] == ["started"]
        await asyncio.sleep(25)
        assert directory.call("default", "one") is live
        await live.line.hangup()
        await taking
        assert directory.calls("default") == []
        assert log.events[-1].data["outcome"] == "answered"

    run_virtually(call())


# -- calls that come to nothing ---------------------------------------------------------------------------------------


def test_an_outgoing_call_that_nobody_takes_is_stored_with_its_outcome_and_why(tmp_path: Path) -> None:
    line = SlowToAnswer([])
    line.busy = True
    held = hold(line=line, info={"direction": "out"}, folder=tmp_path, record=True)
    assert held.types() == ["started", "ended"]
    assert (held.end["outcome"], held.end["reason"]) == ("busy", "The number is busy.")
    assert held.end["seconds"] == 0.0
    assert not list(tmp_path.rglob("*.ogg"))


class Vanished(FakeLine):
    """The modem is lost while it dials."""

    async def answer(self) -> None:
        raise LineError("The modem is gone.")


def test_an_outgoing_call_whose_line_is_lost_has_failed() -> None:
    held = hold(line=Vanished([]), info={"direction": "out"})
    assert (held.end["outcome"], held.end["reason"]) == ("failed", "line_lost")


@pytest.mark.parametrize("reason", ["blocked", "not_allowed", "closed", "too_many"])
def test_a_call_that_was_not_let_through_is_stored(reason: str) -> None:
    async def reject() -> None:
        log = MemoryLog()
        reception, _ = a_reception(log)
        info = LineInfo("gsm", "in", "default", "+79991234567", line="sim", terms=CallTerms(purpose=""))
        call_id = await reception.rejected(info, reason)
        started, ended = log.events
        assert started.call_id == call_id
        assert (started.data["number"], started.data["line"]) == ("+79991234567", "sim")
        assert (ended.data["outcome"], ended.data["reason"]) == ("rejected", reason)

    run_virtually(reject())


def test_a_call_that_could_not_be_placed_is_stored_under_its_id() -> None:
    async def fail() -> None:
        log = MemoryLog()
        reception, _ = a_reception(log)
        info = LineInfo("gsm", "out", "default", "+79991234567", call_id="asked", terms=CallTerms(purpose="the order"))
        assert await reception.not_placed(info, "failed", "No line is free.") == "asked"
        assert log.events[0].data["purpose"] == "the order"
        assert (log.events[1].data["outcome"], log.events[1].data["reason"]) == ("failed", "No line is free.")

    run_virtually(fail())


def test_words_are_answered_on_a_call_with_terms() -> None:
    held = hold(speaks(2, "can you hear me"), Act(9, hang_up=True), terms=CallTerms(greeting="Good evening."))
    assert held.said() == ["Good evening.", "Yes, I can hear you. How can I help you?"]


class WarmedVoices(NamedVoices):
    """Notes what is to be spoken ahead, by voice."""

    def __init__(self) -> None:
        super().__init__()
        self.warmed: dict[str, list[str]] = {}

    def warm(self, texts: Sequence[str], voice: Voice, rate: int) -> None:
        self.warmed.setdefault(voice.name, []).extend(texts)


def test_what_callers_on_these_terms_will_hear_is_spoken_ahead_with_the_voices_of_the_terms() -> None:
    menu = (MenuItem("1", "prices", "say", "A cake is 20 pounds."), MenuItem("2", "Bob", "persona", "bob"))
    terms = CallTerms(greeting="Good evening.", voice="fake:owl", notice="This call is recorded.", menu=menu)

    async def warm() -> None:
        log, mouth = MemoryLog(), WarmedVoices()
        reception, _ = a_reception(log, mouth)
        await reception.warm(LineInfo("test", "in", "default", language="en", terms=terms), 8000, FakeLine.capabilities)
        owl, bob = mouth.warmed["owl"], mouth.warmed["bob"]
        assert owl[0] == "This call is recorded."
        assert {"Good evening.", "For prices, press one.", "A cake is twenty pounds."} <= set(owl)
        assert "Hello, Bob speaking." in bob

    run_virtually(warm())


def test_a_number_that_is_told_between_two_rings_is_the_callers() -> None:
    class Late(FakeLine):
        async def answer(self) -> None:
            self.info = replace(self.info, number="+79990000000")

    acts = (
        speaks(2, "take a message please"),
        speaks(6, "the cake was late"),
        speaks(11, "Peter"),
        Act(17, hang_up=True),
    )
    held = hold(*acts, line=Late(acts), info={"number": ""})
    assert held.said()[-1] == "Shall we call you back at the number you are calling from?"
