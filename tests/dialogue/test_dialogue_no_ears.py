"""A line whose language nobody here understands: greeting, keys, and the caller's voice as the message."""

from dataclasses import replace

from dialogue_desk import FULL, Desk

from services.domain import AudioSpan

DEAF = replace(FULL, ears=False)


async def test_the_greeting_says_so_and_names_the_ways() -> None:
    answer = await Desk("ru", abilities=DEAF).greet()
    assert answer.by.detail == "no_ears"
    assert "не понимаю речь" in answer.text
    assert "запишу ваше сообщение" in answer.text
    for key in ("1", "2", "3", "0"):
        assert key in answer.text
    english = await Desk("en", abilities=DEAF).greet()
    assert "cannot understand speech" in english.text


async def test_only_what_the_line_can_do_is_offered() -> None:
    no_keys = await Desk("ru", abilities=replace(DEAF, digits=False)).greet()
    assert "кнопку" not in no_keys.text
    assert "решётку" not in no_keys.text
    nothing = await Desk("ru", abilities=replace(DEAF, digits=False, keep_audio=False)).greet()
    assert "перезвоните" in nothing.text
    assert "всё запишу" not in nothing.text


async def test_speech_is_kept_and_the_hash_ends_it() -> None:
    desk = Desk("ru", "+79161234567", abilities=DEAF)
    await desk.greet()
    first = await desk.say("")
    assert first.kept is not None
    assert first.kept.spans == (AudioSpan(0.0, 1.5),)
    assert not desk.book.last.confirmed
    desk.restart()
    await desk.say("")
    answer = await desk.say("#")
    assert answer.ended
    assert "услышат" in answer.text
    taken = desk.book.last
    assert taken.confirmed
    assert taken.spans == (AudioSpan(0.0, 1.5), AudioSpan(2.0, 3.5))
    assert taken.number == "+79161234567"
    assert desk.book.ids == {taken.id}


async def test_keys_tell_facts_also_while_recording() -> None:
    desk = Desk("en", abilities=DEAF)
    assert "20:00" in (await desk.say("#1")).text
    await desk.say("")
    assert "Garden" in (await desk.say("#2")).text
    assert (await desk.say("#0")).ended
    assert len(desk.book.last.spans) == 1


async def test_zero_before_any_word_invites_to_speak() -> None:
    desk = Desk("en", abilities=DEAF)
    answer = await desk.say("#0")
    assert "recording" in answer.text
    assert not answer.ended
    await desk.say("")
    assert (await desk.say("#")).ended


async def test_silence_after_speaking_ends_the_message() -> None:
    desk = Desk("ru", abilities=replace(DEAF, digits=False))
    await desk.say("")
    answer = await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    assert answer.ended
    assert desk.book.last.confirmed


async def test_silence_without_a_word_parts_at_the_third_time() -> None:
    desk = Desk("ru", abilities=DEAF)
    await desk.say("#0")
    for count, ended in ((1, False), (2, False), (3, True)):
        answer = await desk.collect(desk.secretary.no_input(desk.conversation, count))
        assert answer.ended is ended
    assert desk.book.versions == []


async def test_no_recorder_and_no_ears_never_pretends() -> None:
    desk = Desk("ru", abilities=replace(DEAF, keep_audio=False))
    answer = await desk.say("#0")
    assert "не могу" in answer.text
    for _ in range(6):
        answer = await desk.say("")
        assert "запишу" not in answer.text
        assert "Записать?" not in answer.text
        if answer.ended:
            break
    assert answer.ended
    assert desk.book.versions == []


async def test_typed_words_are_understood_all_the_same() -> None:
    desk = Desk("ru", abilities=DEAF)
    answer = await desk.say("где вы находитесь", source="typed")
    assert answer.by.source == "faq"
