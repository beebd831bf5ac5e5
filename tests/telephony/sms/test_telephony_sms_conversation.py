"""The same secretary in writing, over the simulated module: answered once, remembered, never in a loop."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_line import COMPANY, LINE, ScriptedPort, TroubledStore, channel_to, messages, until
from sms_office import NUMBER, Office, Says, answered, fresh, left, office_in, passed_on
from sms_pdus import as_delivered

from services.errors import LineError
from services.storage.content.personas import Personas
from services.storage.people.companies import Companies
from services.storage.texts.records import TextMessage
from telephony.at.channel import AtChannel
from telephony.policy.policy import LinePolicy
from telephony.simulator import ModemSimulator
from telephony.sms.conversation import SmsConversation
from telephony.sms.door import OpenDoor, PolicyDoor
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings
from telephony.sms.threads import SmsThreads


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with office_in(tmp_path) as opened:
        yield opened


async def test_a_question_is_answered_by_the_secretary_and_remembered(office: Office) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        service = office.service()
        await service.attach(channel)
        await simulator.deliver_sms(fresh(office, "Здравствуйте! До скольки вы работаете?"))
        (answer,) = await answered(office)
        assert answer.number == NUMBER
        assert len(simulator.sent_sms()) >= 1
        question = next(each for each in await office.all() if each.direction == "in")
        assert question.answered
        assert answer.reply_to == question.id
        assert answer.conversation_id == question.conversation_id != ""

        async def both() -> bool:
            opened = await office.conversations.open(COMPANY, "sms", NUMBER, "ru", "anna")
            return [turn.role for turn in opened.history] == ["caller", "secretary"] and (
                opened.history[1].text == answer.text
            )

        await until(both)
        await service.detach()


async def test_a_message_for_the_owner_is_taken_over_several_texts(office: Office) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        for number, text in enumerate(("Хочу оставить сообщение", "Перезвоните мне завтра утром", "Пётр Иванов"), 1):
            service = office.service()  # a restart between any two texts
            await service.attach(channel)
            await simulator.deliver_sms(fresh(office, text))
            await answered(office, number)
            await service.detach()
    taken = await office.messages.list(COMPANY)
    assert [(each.name, "утром" in each.matter) for each in taken] == [("Пётр Иванов", True)]


async def test_what_was_not_answered_before_a_restart_is_answered_once(office: Office) -> None:
    slow, quick = Says("нет"), Says("да")
    slow.hang = True
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        service = office.service(slow)
        await service.attach(channel)
        await simulator.deliver_sms(fresh(office, "Вы открыты?"))
        await until(lambda: bool(slow.heard))
        await service.detach()
        for _ in range(2):
            service = office.service(quick)
            await service.attach(channel)
            assert [each.text for each in await answered(office)] == ["да"]
            await asyncio.sleep(0.1)
            await service.detach()
    assert len(await office.all()) == 2
    assert quick.heard == ["Вы открыты?"]


async def test_an_answer_that_could_not_be_stored_is_tried_again_and_given_up(office: Office) -> None:
    store = TroubledStore(office.texts.of_line(COMPANY, LINE))
    store.failing = {"answer"}
    threads = SmsThreads(COMPANY, "ru", Companies(office.database), Personas(office.database), office.conversations)
    conversation = SmsConversation(Says("да"), threads, store, office.clock, OpenDoor())
    message = await incoming(office, "Вы открыты?")
    assert not await conversation.answer(message)
    store.failing.clear()
    assert await conversation.answer(message)
    assert [each.text for each in await office.all()] == ["Вы открыты?", "да"]
    assert await conversation.answer(message)  # dealt with: nothing happens
    assert len(await office.all()) == 2


async def test_a_secretary_that_always_fails_is_asked_five_times(office: Office) -> None:
    broken = Says()
    broken.error = RuntimeError("a fault of ours")
    threads = SmsThreads(COMPANY, "ru", Companies(office.database), Personas(office.database), office.conversations)
    conversation = SmsConversation(broken, threads, office.texts.of_line(COMPANY, LINE), office.clock)
    message = await incoming(office, "Вы открыты?")
    assert [await conversation.answer(message) for _ in range(6)] == [False] * 5 + [True]
    assert len(broken.heard) == 5
    assert (await left(office)).error == "The secretary failed to answer it."


async def incoming(office: Office, text: str) -> TextMessage:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        service = SmsService(office.texts.of_line(COMPANY, LINE), office.clock)
        await service.attach(channel)
        await simulator.deliver_sms(fresh(office, text))
        (message,) = await messages(office.texts, 1)
        await service.detach()
    return message


@pytest.mark.parametrize(
    ("sender", "text", "hours", "why"),
    [
        ("900", "Ваш баланс", 0, "service"),
        (NUMBER, "  ", 0, "no words"),
        (NUMBER, "Вы открыты?", 13, "too old"),
    ],
)
async def test_what_gets_no_answer(office: Office, sender: str, text: str, hours: int, why: str) -> None:
    says = Says("да")
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        await simulator.deliver_sms(fresh(office, text, sender))
        office.clock.jump(hours=hours)
        service = office.service(says)
        await service.attach(channel)
        assert why in (await left(office)).error
        await service.detach()
    assert says.heard == []


async def test_answering_can_be_switched_off(office: Office) -> None:
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        service = office.service(Says("да"), SmsSettings(answer=False))
        await service.attach(channel)
        await simulator.deliver_sms(fresh(office, "Вы открыты?"))
        assert "switched off" in (await left(office)).error
        await service.detach()


async def test_two_secretaries_do_not_talk_for_ever(office: Office) -> None:
    """Whatever we send comes back as a text, each time with other words, as from a machine that answers."""
    says = Says("да")
    turn = 0

    def back(pdu: str) -> list[str]:
        nonlocal turn
        turn += 1
        says.words = (f"да {turn}",)
        port.say(passed_on(fresh(office, f"Спасибо {turn}")))
        return ["+CMGS: 1", "OK"]

    port = ScriptedPort(lambda _command: ["OK"], back)
    channel = AtChannel(port)
    service = office.service(says, SmsSettings(answers_per_hour=4))
    await service.attach(channel)
    port.say(passed_on(fresh(office, "Вы открыты?")))

    async def silent() -> bool:
        return any("within an hour" in each.error for each in await office.all())

    await until(silent)
    assert len(port.texts) == 4
    await service.detach()
    await channel.close()


async def test_our_own_words_get_no_answer(office: Office) -> None:
    says = Says("да")

    def bounce(pdu: str) -> list[str]:
        port.say(passed_on(as_delivered(pdu, sent=office.clock.now() + timedelta(hours=3))))
        return ["+CMGS: 1", "OK"]

    port = ScriptedPort(lambda _command: ["OK"], bounce)
    channel = AtChannel(port)
    service = office.service(says)
    await service.attach(channel)
    port.say(passed_on(fresh(office, "Вы открыты?")))

    async def noticed() -> bool:
        return any("repeats what was sent" in each.error for each in await office.all())

    await until(noticed)
    assert len(port.texts) == 1
    await service.detach()
    await channel.close()


async def test_a_long_answer_is_cut_to_a_few_parts(office: Office) -> None:
    says = Says("Мы открыты каждый день с девяти до шести. " * 20)
    async with ModemSimulator() as simulator, channel_to(simulator.at_port) as channel:
        service = office.service(says, SmsSettings(answer_parts=2))
        await service.attach(channel)
        await simulator.deliver_sms(fresh(office, "Когда вы открыты?"))
        (answer,) = await answered(office)
        assert answer.text.endswith("шести.")
        assert len(simulator.sent_sms()) == 2
        await service.detach()


class Policies:
    """A policy, and a limit that is reached."""

    def __init__(self, policy: LinePolicy, error: str = "") -> None:
        self._policy = policy
        self._error = error

    async def policy(self, line: str, company_id: str) -> LinePolicy:
        return self._policy

    async def text_out(self, line: str, company_id: str, to: str) -> str:
        if self._error:
            raise LineError(self._error)
        return to


async def test_the_line_s_policy_decides(office: Office) -> None:
    blocking = PolicyDoor(Policies(LinePolicy(block=("+7999*",))), LINE, office.company)
    assert (await blocking.rules(NUMBER)).blocked
    assert not (await blocking.rules("+79160001122")).blocked
    policy = LinePolicy.model_validate(
        {"persona": "anna", "sms": {"answer": False, "per_number_per_hour": 3, "delivery_reports": False}}
    )
    door = PolicyDoor(Policies(policy), LINE, office.company)
    rules = await door.rules(NUMBER)
    assert (rules.answer, rules.answers_per_hour, rules.reports, rules.blocked) == (False, 3, False, False)
    assert await door.persona(NUMBER) == "anna"


async def test_a_limit_of_the_policy_leaves_the_message_unanswered_with_its_reason(office: Office) -> None:
    says = Says("да")
    threads = SmsThreads(COMPANY, "ru", Companies(office.database), Personas(office.database), office.conversations)
    door = PolicyDoor(Policies(LinePolicy(), "No more messages are sent today."), LINE, office.company)
    conversation = SmsConversation(says, threads, office.texts.of_line(COMPANY, LINE), office.clock, door)
    message = await incoming(office, "Вы открыты?")
    assert [await conversation.answer(message) for _ in range(5)] == [False] * 4 + [True]
    assert (await left(office)).error == "No more messages are sent today."
