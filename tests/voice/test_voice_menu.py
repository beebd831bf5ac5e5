"""Keys of a menu on a live line: at any time, over the reading, with another persona's voice; and a transfer."""

from dataclasses import replace

from terms_call import Held, hold
from voice_fakes import Act, FakeLine, speaks

from services.domain import CallTerms, MenuItem
from services.errors import LineError
from services.voice.line import Capability

PRICES = "A cake is 20 pounds."
MENU = (
    MenuItem("1", "prices", "say", PRICES),
    MenuItem("2", "Bob", "persona", "bob"),
    MenuItem("3", "Russian", "persona", "marina"),
    MenuItem("4", "a colleague", "transfer"),
    MenuItem("5", "a message", "message"),
)
# "Hello For prices, press 1. For Bob, press 2. ..." lasts about 4 s
TERMS = CallTerms(menu=MENU, transfer_to="+44100")


def voices(held: Held) -> list[tuple[str, str]]:
    return [(each.text, each.voice) for each in held.mouth.spoken]


def test_the_menu_is_read_out_and_a_key_is_answered_at_once() -> None:
    held = hold(Act(8, key="1"), Act(12, hang_up=True), terms=TERMS)
    greeting, answer = held.said()
    assert str(greeting).endswith(
        "For prices, press 1. For Bob, press 2. For Russian, press 3. For a message, press 5."
    )
    assert answer == PRICES
    assert held.line.first_sound(8.0) < 0.2, "no pause is waited for: one key is a choice"


def test_a_key_interrupts_the_reading() -> None:
    held = hold(Act(2, key="1"), Act(8, hang_up=True), terms=TERMS)
    assert held.log.turns("secretary")[0]["interrupted_by"] == "digits"
    assert held.said()[1] == PRICES
    assert held.line.first_sound(2.1) < 0.2


def test_a_key_over_the_notice_waits_for_its_end() -> None:
    held = hold(Act(0.5, key="1"), Act(12, hang_up=True), terms=replace(TERMS, notice="This call is recorded."))
    assert str(held.said()[0]).startswith("This call is recorded. Hello")
    assert held.said()[1] == PRICES


def test_another_persona_goes_on_with_her_own_voice() -> None:
    held = hold(Act(8, key="2"), speaks(11, "who are you"), Act(18, hang_up=True), terms=TERMS)
    assert held.said()[1:] == [
        "Hello, Bob speaking.",
        "My name is Bob. I am a voice secretary, a computer program. I answer questions and take messages.",
    ]
    assert {voice for _, voice in voices(held)[-3:]} == {"bob"}
    assert held.log.turns("secretary")[1]["persona"] == "bob"


def test_a_persona_of_another_language_brings_it_along() -> None:
    held = hold(Act(8, key="3"), Act(12, hang_up=True), terms=TERMS, languages=("en", "ru"))
    assert held.said()[1] == "Здравствуйте, я Марина."
    assert held.log.turns("secretary")[1]["language"] == "ru"
    assert voices(held)[-1][1] == "marina"


def test_a_persona_who_is_not_there_is_not_offered() -> None:
    menu = (MenuItem("1", "Nobody", "persona", "nobody"), *MENU[:1])
    held = hold(Act(5, hang_up=True), terms=CallTerms(menu=menu))
    assert "Nobody" not in str(held.said()[0])


def test_in_a_message_keys_are_figures_again() -> None:
    acts = [Act(8, key="5"), speaks(11, "the cake was late"), speaks(17, "Peter")]
    acts += [Act(22 + 0.3 * number, key=key) for number, key in enumerate("89161234567#")]
    held = hold(*acts, Act(34, hang_up=True), terms=TERMS, info={"number": ""})
    assert held.book.last.number == "89161234567"


def test_a_wrong_key_is_told_kindly() -> None:
    held = hold(Act(8, key="9"), Act(16, hang_up=True), terms=TERMS)
    assert str(held.said()[1]).startswith("I am sorry, there is nothing on 9. For prices, press 1.")


# -- transfer ---------------------------------------------------------------------------------------------------------


class Connecting(FakeLine):
    """Connects with whom it is told to, or cannot."""

    capabilities = FakeLine.capabilities | {Capability.TRANSFER}
    works = True

    async def transfer(self, to: str) -> None:
        if not self.works:
            raise LineError("The colleague does not answer.")
        self.connected = (to, self.info.number)


class CallingBack(Connecting):
    """Has a colleague call back."""

    capabilities = FakeLine.capabilities | {Capability.CALL_BACK}


def test_the_caller_is_connected_with_the_person_of_the_terms() -> None:
    acts = speaks(7, "put me through"), Act(14, hang_up=True)
    line = Connecting(acts)
    held = hold(*acts, line=line, terms=CallTerms(transfer_to="+44100"))
    assert held.said()[-1] == "I am connecting you, please hold the line."
    assert line.connected == ("+44100", "+79991234567")


def test_a_transfer_that_fails_is_told_and_a_message_offered() -> None:
    acts = speaks(7, "put me through"), speaks(18, "yes please"), Act(26, hang_up=True)
    line = Connecting(acts)
    line.works = False
    held = hold(*acts, line=line, terms=CallTerms(transfer_to="+44100"))
    _, connecting, sorry, taking = held.said()
    assert connecting == "I am connecting you, please hold the line."
    assert str(sorry).startswith("I cannot connect you with a person right now")
    assert held.log.turns("secretary")[3]["source"] == "message", taking


def test_a_line_that_calls_back_promises_that_and_ends_the_call() -> None:
    acts = (speaks(7, "put me through"),)
    line = CallingBack(acts, 30)
    held = hold(*acts, line=line, terms=CallTerms(transfer_to="+44100"))
    assert str(held.said()[-1]).startswith("I will ask a colleague to call you back now")
    assert line.connected == ("+44100", "+79991234567")
    assert (held.end["outcome"], held.end["reason"]) == ("answered", "call_back")


def test_a_number_told_for_the_call_back_is_the_lines_from_then_on() -> None:
    acts = [speaks(3, "put me through")]
    acts += [Act(12 + 0.3 * number, key=key) for number, key in enumerate("89161234567#")]
    acts += [speaks(28, "yes")]
    line = CallingBack(acts, 50)
    held = hold(*acts, line=line, terms=CallTerms(transfer_to="+44100"), info={"number": ""})
    assert line.connected == ("+44100", "89161234567")
    assert held.end["reason"] == "call_back"


def test_a_call_back_that_cannot_be_ordered_is_told() -> None:
    acts = speaks(7, "put me through"), Act(22, hang_up=True)
    line = CallingBack(acts)
    line.works = False
    held = hold(*acts, line=line, terms=CallTerms(transfer_to="+44100"))
    assert str(held.said()[-1]).startswith("I cannot connect you")
    assert held.end["reason"] == "caller_hangup"
