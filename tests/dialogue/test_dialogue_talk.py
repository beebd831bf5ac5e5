"""Talks in Russian and English without a language model: what a caller says and what must come back."""

import re
from dataclasses import replace

import pytest
from dialogue_desk import FULL, BrokenEntries, Desk, Entries

from services.dialogue.shapes import EndCall, ReplyText, Transfer
from services.text.spoken import to_spoken

# language, what the caller says -> source, detail, words of the last answer
TALKS: list[tuple[str, tuple[str, ...], str, str, str]] = [
    ("ru", ("до скольки вы работаете",), "faq", "seed-ru-hours", "20:00"),
    ("en", ("hello what are your opening hours please",), "faq", "seed-en-hours", "20:00"),
    ("ru", ("алло",), "scripted", "hello", "помочь"),
    ("en", ("hello",), "scripted", "hello", "help"),
    ("ru", ("спасибо",), "scripted", "thanks", "ещё"),
    ("ru", ("спасибо", "нет спасибо"), "scripted", "goodbye", "До свидания"),
    ("en", ("thank you", "no"), "scripted", "goodbye", "Goodbye"),
    ("en", ("thank you", "yes", "where are you located"), "faq", "seed-en-address", "Garden"),
    ("ru", ("до свидания",), "scripted", "goodbye", "свидания"),
    ("en", ("okay bye bye",), "scripted", "goodbye", "oodbye"),
    ("ru", ("что вы умеете",), "scripted", "abilities", "сообщения"),
    ("en", ("what can you do",), "scripted", "abilities", "messages"),
    ("ru", ("где вы находитесь", "повторите пожалуйста"), "scripted", "repeat", "Садовой"),
    ("en", ("where are you located", "sorry, could you say that again"), "scripted", "repeat", "Garden"),
    ("ru", ("какой у вас номер телефона",), "facts", "phone", "+7 495"),
    ("en", ("what is your phone number",), "facts", "phone", "+44"),
    ("ru", ("соедините меня с директором",), "scripted", "no_transfer", "сообщение"),
    ("en", ("can i speak to a person please",), "scripted", "no_transfer", "message"),
    ("ru", ("соедините меня с живым человеком",), "scripted", "no_transfer", "сообщение"),
    ("ru", ("вы живой человек",), "faq", "seed-ru-who", "программа"),
    ("ru", ("соедините с администратором", "да"), "message", "matter", "передать"),
    ("en", ("let me talk to the manager", "yes please"), "message", "matter", "pass on"),
    ("ru", ("почему трава зеленая",), "scripted", "fallback", "не знаю"),
    ("en", ("why is the grass green",), "scripted", "fallback", "not know"),
    ("ru", ("почему трава зеленая", "да"), "message", "name", "зовут"),
    ("en", ("why is the grass green", "no thanks"), "scripted", "declined", "Anything else"),
    ("en", ("why is the grass green", "why is the sky blue"), "scripted", "fallback", "take a message"),
    ("en", ("why is the grass green", "why is the sky blue", "why is snow cold"), "message", "name", "name"),
    ("ru", ("",), "scripted", "not_heard", "не расслышала"),
    ("en", ("", "what time do you open"), "faq", "seed-en-hours", "9:00"),
    ("ru", ("", ""), "scripted", "not_heard", "кнопка 1"),
    ("ru", ("#1",), "facts", "hours", "20:00"),
    ("en", ("#2",), "facts", "address", "Garden"),
    ("en", ("#3",), "facts", "prices", "pounds"),
    ("en", ("#3", "#*"), "scripted", "repeat", "pounds"),
    ("en", ("#7",), "scripted", "key", "1 for opening hours"),
    ("ru", ("#0",), "message", "matter", "передать"),
    ("ru", ("#",), "message", "matter", "передать"),
    ("ru", ("алло", "алло", "вы меня слышите"), "scripted", "hear_me", "слышу"),
    ("en", ("hello", "can you hear me"), "scripted", "hear_me", "I can hear you"),
    ("ru", ("алло это мята",), "scripted", "company", "Стоматология «Мята»"),
    ("ru", ("кхм", "ээ"), "scripted", "filler", "Слушаю"),
    ("ru", ("вы машина что ли",), "scripted", "who", "программа"),
    ("ru", ("дайте живого человека",), "scripted", "no_transfer", "Записать?"),
    ("ru", ("вы дура",), "scripted", "rude", "жаль"),
    ("en", ("you are stupid", "yes"), "message", "matter", "pass on"),
    ("ru", ("сколько стоит пломба и где вы находитесь",), "faq", "seed-ru-prices+seed-ru-address", "Садовой"),
    ("ru", ("хочу записаться на завтра к врачу", "да"), "message", "name", "передам"),
    ("en", ("can i get an appointment for tomorrow", "tomorrow at ten would be best"), "message", "name", "name"),
    ("ru", ("подождите минутку",), "scripted", "wait", "не торопитесь"),
    ("ru", ("оставить сообщение", "я опоздаю", "подождите"), "message", "name", "не торопитесь"),
    ("ru", ("оставить сообщение", "я опоздаю", "какой у вас телефон"), "facts", "phone", "Вернёмся к сообщению."),
    ("en", ("leave a message", "i am late", "do you sell toothbrushes"), "message", "name", "I have added that"),
    ("ru", ("оставить сообщение", "ой нет передумала ничего не надо"), "message", "cancelled", "ничего не передаю"),
    ("ru", ("передумал",), "scripted", "cancel", "Что-нибудь ещё"),
    ("ru", ("где вы находитесь", "понятно", "нет всё"), "scripted", "goodbye", "свидания"),
    ("ru", ("где вы находитесь", "да"), "scripted", "yes", "ещё"),
    ("en", ("call me back please",), "message", "matter", "pass on"),
]


@pytest.mark.parametrize(
    ("language", "text", "matter"),
    [
        (
            "ru",
            "я хочу оставить сообщение меня зовут ольга мой номер 8 916 555 44 33 перезвоните мне насчёт брекетов",
            "перезвоните мне насчёт брекетов",
        ),
        (
            "en",
            "i want to leave a message my name is Olga my number is 89165554433 please call me about braces",
            "please call me about braces",
        ),
        (
            "ru",
            "перезвоните мне по номеру 89165554433 по поводу договора меня зовут ольга",
            "перезвоните мне по поводу договора",
        ),
        ("ru", "запишите сообщение меня зовут ольга мой телефон 89165554433", ""),
    ],
)
async def test_everything_said_in_one_breath_is_taken(language: str, text: str, matter: str) -> None:
    desk = Desk(language)
    answer = await desk.say(text)
    assert answer.by.detail == ("confirm" if matter else "matter")
    taken = desk.book.last
    name = {"ru": "Ольга", "en": "Olga"}[language]
    assert (taken.name, taken.number, taken.matter) == (name, "89165554433", matter)


async def test_a_number_and_a_name_may_come_in_any_order() -> None:
    desk = Desk("ru")
    first = await desk.all("перезвоните мне пожалуйста", "8 916 555 44 33")
    assert first.text == "Номер записала. Что передать?"
    await desk.all("по поводу брекетов", "анна")
    assert (desk.book.last.name, desk.book.last.number) == ("Анна", "89165554433")
    desk = Desk("en")
    await desk.all("leave a message", "i am late", "john smith four one five five five five two six seven one")
    assert (desk.book.last.name, desk.book.last.number) == ("John Smith", "4155552671")
    desk = Desk("en")
    await desk.all("leave a message", "i am late", "R2D2")
    assert desk.book.last.name == "R2D2"


async def test_too_many_figures_are_asked_for_again() -> None:
    answer = await Desk("ru").all("оставить сообщение", "я опоздаю", "анна", "896512345678")
    assert "слишком много цифр" in answer.text


async def test_typed_words_are_answered_in_their_language() -> None:
    desk = Desk("ru")
    assert "nine" not in (await desk.say("what are your opening hours", source="typed")).text
    answer = await desk.say("can i leave a message", source="typed")
    assert answer.text.startswith("Of course")
    await desk.say("the tooth hurts again", source="typed")
    assert "number" in (await desk.say("john smith", source="typed")).text
    await desk.say("отмена", source="typed")
    await desk.say("cancel", source="typed")
    assert "Садовой" in (await desk.say("где вы находитесь", source="typed")).text
    assert "не знаю" in (await desk.say("Philips Zoom", source="typed")).text


@pytest.mark.parametrize(("language", "words"), [("ru", "время звонка"), ("en", "time for this call")])
async def test_a_call_without_more_time_is_ended_politely(language: str, words: str) -> None:
    desk = Desk(language)
    answer = await desk.collect(desk.secretary.time_is_up(desk.conversation))
    assert words in answer.text
    assert answer.effects == [EndCall("max_call")]
    await desk.say("передайте что я опоздаю на час" if language == "ru" else "tell them i will be an hour late")
    assert desk.book.last.matter
    answer = await desk.collect(desk.secretary.time_is_up(desk.conversation))
    assert ("передам" if language == "ru" else "pass on") in answer.text


@pytest.mark.parametrize("persona", ["anna", "marina", "emma"])
async def test_a_returning_caller_is_greeted_before_the_question(persona: str) -> None:
    desk = Desk("en" if persona == "emma" else "ru", returning=True, persona=persona)
    text = (await desk.greet()).text
    assert text.endswith("?")
    assert ("again" if persona == "emma" else "снова") in text


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("ru", ("восемь девятьсот шестнадцать", "сто двадцать три")),
        ("ru", ("плюс семь девятьсот шестнадцать", "сорок пять")),
        ("en", ("four one five", "five five five")),
        ("en", ("plus four four seven nine", "one two")),
    ],
)
async def test_a_number_is_never_read_as_an_amount(language: str, lines: tuple[str, ...]) -> None:
    desk = Desk(language)
    begun = {"ru": ("оставить сообщение", "я опоздаю", "анна"), "en": ("leave a message", "i am late", "anna")}
    await desk.all(*begun[language])
    for line in lines:
        spoken = to_spoken((await desk.say(line)).text, language)
        assert not re.search(r"миллион|тысяч|hundred|thousand|twenty|thirty|forty", spoken), spoken


@pytest.mark.parametrize(
    ("language", "lines", "source", "detail", "words"), TALKS, ids=[f"{t[0]} {' / '.join(t[1])}" for t in TALKS]
)
async def test_talks(language: str, lines: tuple[str, ...], source: str, detail: str, words: str) -> None:
    desk = Desk(language)
    await desk.greet()
    answer = await desk.all(*lines)
    assert (answer.by.source, answer.by.detail) == (source, detail)
    assert words in answer.text
    assert answer.ended is (detail == "goodbye")


async def test_the_question_behind_an_accepted_offer_is_not_asked_twice() -> None:
    desk = Desk("en")
    await desk.all("why is the grass green", "yes", "Kate")
    assert desk.book.last.matter == "why is the grass green"
    assert desk.book.last.name == "Kate"


async def test_a_faq_answer_carries_its_entry_and_score() -> None:
    answer = await Desk("en").say("what are you're open in hours")
    assert answer.by.detail == "seed-en-hours"
    assert answer.by.score is not None
    assert 0.6 < answer.by.score <= 1


async def test_an_answer_in_between_ends_the_row_of_unknown_questions() -> None:
    desk = Desk("en")
    await desk.all("why is the grass green", "why is the sky blue", "where are you located")
    assert (await desk.say("why is snow cold")).by.source == "scripted"


async def test_greetings() -> None:
    first = await Desk("ru").greet()
    assert first.by.source == "greeting"
    assert first.text.startswith("Здравствуйте! Стоматология «Мята», меня зовут Анна")
    again = await Desk("en", returning=True).greet()
    assert "good to hear from you again" in again.text
    assert "Mint Dental" in again.text


@pytest.mark.parametrize("returning", [False, True])
@pytest.mark.parametrize("ears", [False, True])
async def test_a_legal_notice_comes_first_and_to_its_end(returning: bool, ears: bool) -> None:
    facts = {"en": {"notice": " This call is recorded. "}, "ru": {"notice": "Разговор записывается."}}
    desk = Desk("en", facts=facts, returning=returning, abilities=replace(FULL, ears=ears))
    events = [event async for event in desk.secretary.greet(desk.conversation)]
    notice, greeting = [event for event in events if isinstance(event, ReplyText)]
    assert notice == ReplyText("This call is recorded. ", fixed=True, interruptible=False)
    assert greeting.interruptible
    assert greeting.text.startswith("Hello!")
    answer = await desk.say("#*")
    assert answer.text.startswith("This call is recorded. Hello!")


async def test_without_a_notice_the_greeting_stands_alone() -> None:
    for facts in ({}, {"en": {"notice": " "}}, {"ru": {"notice": "Разговор записывается."}}):
        desk = Desk("en", facts=facts)
        events = [event async for event in desk.secretary.greet(desk.conversation)]
        (greeting,) = [event for event in events if isinstance(event, ReplyText)]
        assert greeting.interruptible


async def test_a_persona_of_another_language_greets_in_the_conversations() -> None:
    desk = Desk("en", persona="anna")
    assert (await desk.greet()).text.startswith("Hello! Mint Dental, this is Анна")


async def test_an_unknown_language_falls_back_to_the_personas() -> None:
    desk = Desk("de", persona="emma")
    assert "How can I help you" in (await desk.greet()).text
    assert (await desk.say("where are you located", language="de")).by.detail == "seed-en-address"


async def test_the_gender_of_the_persona_is_the_gender_of_the_words() -> None:
    desk = Desk("ru")
    assert "расслышала" in (await desk.say("")).text
    desk = Desk("ru")
    desk.conversation.persona = replace(desk.conversation.persona, gender="male")
    answer = await desk.say("")
    assert "расслышал." in answer.text


async def test_braces_of_a_caller_or_an_owner_break_nothing() -> None:
    desk = Desk("ru", "+79161234567")
    desk.conversation.persona = replace(desk.conversation.persona, greeting="Привет, {nobody} {company}!")
    assert (await desk.greet()).text == "Привет, {nobody} Стоматология «Мята»!"
    answer = await desk.all("оставить сообщение", "код {name} и (а/б)", "иван", "да")
    assert "код {name} и (а/б)" in answer.text


async def test_a_person_is_connected_where_the_line_can() -> None:
    facts = {"ru": {"transfer": "+74950001213"}}
    desk = Desk("en", abilities=replace(FULL, transfer=True), facts=facts)
    answer = await desk.say("can i speak to a person")
    assert answer.effects == [Transfer("+74950001213")]
    desk = Desk("en", facts=facts)
    assert (await desk.say("can i speak to a person")).effects == []


async def test_a_line_that_cannot_hang_up_is_not_told_to() -> None:
    desk = Desk("en", abilities=replace(FULL, hang_up=False))
    answer = await desk.say("goodbye")
    assert answer.effects == []
    answer = await desk.collect(desk.secretary.no_input(desk.conversation, 3))
    assert EndCall() not in answer.effects


async def test_keys_are_not_mentioned_where_there_are_none() -> None:
    desk = Desk("ru", abilities=replace(FULL, digits=False))
    texts = [(await desk.say("почему трава зеленая")).text, (await desk.say("почему небо синее")).text]
    desk = Desk("ru", abilities=replace(FULL, digits=False))
    texts += [(await desk.say("")).text, (await desk.say("")).text]
    assert not any("ажм" in text for text in texts)


async def test_an_empty_faq_leaves_the_facts() -> None:
    desk = Desk("ru", entries=Entries([]))
    answer = await desk.say("какие у вас часы работы")
    assert (answer.by.source, answer.by.detail) == ("facts", "hours")
    desk = Desk("ru", entries=Entries([]), facts={})
    answer = await desk.say("какие у вас часы работы")
    assert answer.by.source == "scripted"
    assert "не сообщили" in answer.text


async def test_a_faq_that_cannot_be_read_does_not_silence_the_secretary() -> None:
    answer = await Desk("en", entries=BrokenEntries([])).say("what are your opening hours")
    assert answer.by.source == "facts"


async def test_nobody_there() -> None:
    desk = Desk("ru")
    first = await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    second = await desk.collect(desk.secretary.no_input(desk.conversation, 2))
    third = await desk.collect(desk.secretary.no_input(desk.conversation, 3))
    assert first.text != second.text
    assert not first.ended
    assert not second.ended
    assert third.ended
    assert "свидания" in third.text


async def test_silence_is_not_what_is_repeated() -> None:
    desk = Desk("en")
    await desk.say("where are you located")
    await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    assert "Garden" in (await desk.say("say that again please")).text


async def test_an_apology_offers_a_message() -> None:
    desk = Desk("en")
    apology = await desk.collect(desk.secretary.apology(desk.conversation))
    assert "sorry" in apology.text
    assert (await desk.say("yes")).by.source == "message"


async def test_a_bad_line_ends_in_a_recording_or_a_goodbye() -> None:
    desk = Desk("ru")
    answer = await desk.all("", "", "")
    assert answer.kept is not None
    desk = Desk("ru", abilities=replace(FULL, keep_audio=False))
    answer = await desk.all("", "", "")
    assert answer.ended


async def test_variants_do_not_repeat_at_once() -> None:
    desk = Desk("en")
    assert (await desk.say("hello")).text != (await desk.say("hello")).text
