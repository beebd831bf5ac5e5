"""Russian and English: the call follows the caller, where ears, persona and voice are there for it."""

from typing import Any

import pytest
from voice_call import Played, play
from voice_fakes import RATE, Act, FakeSecretary, a_conversation, speaks

ENGLISH = speaks(2, "what are your opening hours")
RUSSIAN = speaks(8, "здравствуйте когда вы сегодня открыты", language="ru")
AGAIN = speaks(14, "а где вы находитесь", language="ru")
HANG_UP = Act(20, hang_up=True)


def in_both(*acts: Act, secretary: FakeSecretary | None = None, **given: Any) -> Played:
    return play(*acts, HANG_UP, languages=("en", "ru"), secretary=secretary, no_input=60, **given)


def in_russian(*acts: Act, secretary: FakeSecretary, **given: Any) -> Played:
    return play(*acts, HANG_UP, conversation=a_conversation("ru"), secretary=secretary, no_input=60, **given)


def test_a_caller_who_changes_to_russian_is_answered_in_russian() -> None:
    played = in_both(ENGLISH, RUSSIAN, AGAIN)
    assert played.secretary.asked == [ENGLISH.text, RUSSIAN.text, AGAIN.text]
    assert [spoken.language for spoken in played.mouth.spoken if spoken.done] == ["en", "en", "ru", "ru"]
    assert played.conversation.language == "ru"
    assert played.conversation.persona.slug == "anna"
    assert played.ears.languages[0] == "en"
    assert played.ears.languages[-1] == "ru", "the ears listen for Russian from then on"
    assert [turn["language"] for turn in played.log.turns("secretary")] == ["en", "en", "ru", "ru"]


def test_the_first_answer_in_the_new_language_is_not_later_than_others() -> None:
    played = in_both(ENGLISH, RUSSIAN)
    assert played.line.first_sound(RUSSIAN.end) <= 0.8


def test_a_caller_who_changes_back_is_followed_again() -> None:
    back = speaks(14, "sorry what does it cost to come")
    played = in_both(ENGLISH, RUSSIAN, back)
    assert [spoken.language for spoken in played.mouth.spoken if spoken.done] == ["en", "en", "ru", "en"]
    assert played.conversation.persona.slug == "emma"


@pytest.mark.parametrize("word", ["спасибо", "Иван", "борщ"])
def test_one_foreign_word_does_not_change_the_language(word: str) -> None:
    played = in_both(ENGLISH, speaks(8, word, language="ru"))
    assert played.conversation.language == "en"
    assert {spoken.language for spoken in played.mouth.spoken} == {"en"}


def test_a_language_that_nobody_here_speaks_changes_nothing() -> None:
    played = play(ENGLISH, RUSSIAN, HANG_UP, no_input=60)
    assert played.conversation.language == "en"
    assert played.secretary.asked[-1] == RUSSIAN.text, "the words are still answered"


def test_the_answer_on_trial_in_the_old_language_is_not_heard() -> None:
    played = in_both(ENGLISH, RUSSIAN)
    english = [each for each in played.mouth.spoken if each.language == "en" and RUSSIAN.text in each.text]
    positions = played.line.voice_positions(RUSSIAN.end)
    assert not [at for at in positions if any(each.begin <= at < each.end for each in english)]


ASKS = speaks(2, "прочитайте список домов", language="ru")
LIST = (
    "Первый дом красный и стоит у старого рынка. Второй дом зелёный и стоит за вокзалом. "
    "Третий дом белый и стоит за рекой. Четвёртый дом синий и стоит на горе."
)


def reads() -> FakeSecretary:
    return FakeSecretary({ASKS.text: LIST})


@pytest.mark.parametrize("word", ["угу", "ага", "да", "понятно", "хорошо"])
def test_a_russian_caller_who_says_that_they_listen_hears_it_to_the_end(word: str) -> None:
    played = in_russian(ASKS, Act(6, 0.25, word, language="ru"), secretary=reads())
    pieces = [each for each in played.mouth.spoken if each.text in LIST and each.done]
    wanted = [at for each in pieces for at in range(each.begin, each.end, RATE // 50)]
    assert played.line.voice_positions(3) == wanted
    assert played.turn(1)["heard"] == LIST
    assert played.secretary.asked == [ASKS.text]


@pytest.mark.parametrize("word", ["стоп", "подождите", "нет", "погоди"])
def test_a_russian_caller_stops_her_with_one_word(word: str) -> None:
    says = Act(6, 0.4, word, language="ru")
    played = in_russian(ASKS, says, secretary=reads())
    assert played.turn(1)["interrupted_by"] == "caller"
    assert not played.line.sounds_between(says.end + 0.15, says.end + 0.35)
    assert played.secretary.asked == [ASKS.text, word]


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        ("во сколько вы открываетесь", 0.25, 0.4),
        ("где вы находитесь", 0.25, 0.4),
        ("да", 0.25, 0.4),
        ("я хотел бы", 1.0, 1.2),
        ("меня зовут", 1.0, 1.2),
        ("счёт неправильный и", 1.0, 1.2),
        ("мой номер восемь девятьсот двенадцать", 1.0, 1.2),
    ],
)
def test_a_russian_caller_is_given_time_to_finish_and_no_more(words: str, least: float, most: float) -> None:
    asks = speaks(2, words, language="ru")
    played = in_russian(asks, secretary=FakeSecretary())
    assert least + 0.1 <= played.line.first_sound(asks.end) <= most + 0.1 + 0.08


def test_a_russian_caller_who_thinks_in_the_middle_of_a_sentence_is_not_cut_off() -> None:
    asks = speaks(2, "я хотел бы записаться к", 0.9, "врачу на", 0.8, "понедельник", language="ru")
    played = in_russian(asks, secretary=FakeSecretary())
    assert not played.line.sounds_between(asks.at, asks.end)
    assert played.secretary.asked == [asks.text]
