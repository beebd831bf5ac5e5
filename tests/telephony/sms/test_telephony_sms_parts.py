"""Long messages from their parts, in every order and with every mishap."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sms_pdus import delivered

from telephony.sms.parts import GAP, MOST_OPEN, PATIENCE, Assembled, Assembler
from telephony.sms.pdu import ReceivedPart, decode_pdu

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def part(
    text: str, place: tuple[int, int, int] | None = None, *, sender: str = "+79990001122", late: int = 0
) -> ReceivedPart:
    decoded = decode_pdu(delivered(sender, text, part=place, sent=NOW + timedelta(seconds=late)))
    assert isinstance(decoded, ReceivedPart)
    return decoded


def texts(assembled: list[Assembled]) -> list[str]:
    return [each.message.text for each in assembled]


def test_a_message_of_one_part_is_whole_at_once() -> None:
    (whole,) = Assembler().add(part("да"), NOW)
    assert (whole.message.text, whole.message.number, whole.message.kind) == ("да", "+79990001122", "text")
    assert (whole.message.sent_at, whole.message.received_at) == (NOW - timedelta(hours=3), NOW)
    assert len(whole.fingerprints) == 1


@given(st.integers(2, 8), st.randoms(use_true_random=False), st.integers(0, 5))
def test_parts_come_in_any_order_and_some_twice(total: int, dice: random.Random, copies: int) -> None:
    pieces = [part(f"<{number}>", (7, total, number), late=number) for number in range(1, total + 1)]
    # The last new part completes the message: copies come before it.
    order = dice.sample(pieces, total)
    order[1:-1] = order[1:-1] + dice.choices(order[:-1], k=copies)
    assembler = Assembler()
    for each in order[:-1]:
        assert assembler.add(each, NOW) == []
    (whole,) = assembler.add(order[-1], NOW)
    assert whole.message.text == "".join(f"<{number}>" for number in range(1, total + 1))
    assert set(whole.fingerprints) == {each.fingerprint for each in pieces}
    assert whole.message.error == ""
    assert assembler.deadline is None


def test_a_character_cut_between_parts_is_whole() -> None:
    assembler = Assembler()
    assembler.add(part("\ude00!", (7, 2, 2)), NOW)
    assert texts(assembler.add(part("a\ud83d", (7, 2, 1)), NOW)) == ["a😀!"]


def test_missing_parts_are_marked_when_they_are_given_up() -> None:
    assembler = Assembler()
    for number in (2, 5):
        assembler.add(part(f"<{number}>", (7, 6, number)), NOW)
    assert assembler.deadline == NOW + PATIENCE
    assert assembler.give_up(NOW + PATIENCE - timedelta(seconds=1)) == []
    (incomplete,) = assembler.give_up(NOW + PATIENCE)
    assert incomplete.message.text == f"{GAP}<2>{GAP}<5>{GAP}"
    assert incomplete.message.error == "4 of 6 parts of this message never came."
    assert assembler.give_up(NOW + PATIENCE) == []


def test_a_part_that_comes_after_the_end_of_patience_is_delivered_too() -> None:
    assembler = Assembler()
    assembler.add(part("<1>", (7, 2, 1)), NOW)
    assembler.give_up(NOW + PATIENCE)
    assert assembler.add(part("<2>", (7, 2, 2)), NOW + 2 * PATIENCE) == []
    assert texts(assembler.give_up(NOW + 3 * PATIENCE)) == [f"{GAP}<2>"]


def test_a_reference_that_is_used_again_makes_another_message() -> None:
    assembler = Assembler()
    assembler.add(part("old 1 ", (7, 2, 1)), NOW)
    later = NOW + timedelta(hours=20)
    assert texts(assembler.give_up(later)) == [f"old 1 {GAP}"]
    assembler.add(part("new 2", (7, 2, 2), late=72_000), later)
    assert texts(assembler.add(part("new 1 ", (7, 2, 1), late=72_000), later)) == ["new 1 new 2"]


def test_two_messages_under_one_reference_are_told_apart_by_their_words_and_times() -> None:
    assembler = Assembler()
    assembler.add(part("a1 ", (7, 2, 1)), NOW)
    assembler.add(part("b1 ", (7, 2, 1), late=60), NOW)
    assert texts(assembler.add(part("a2", (7, 2, 2)), NOW)) == ["a1 a2"]
    assert texts(assembler.add(part("b2", (7, 2, 2), late=60), NOW)) == ["b1 b2"]
    assembler.add(part("c1 ", (7, 2, 1)), NOW)
    assert assembler.add(part("d2", (7, 2, 2), late=2 * 3600), NOW) == []


def test_senders_and_totals_are_kept_apart() -> None:
    assembler = Assembler()
    assembler.add(part("a1 ", (7, 2, 1)), NOW)
    assert assembler.add(part("b2", (7, 2, 2), sender="+79990001133"), NOW) == []
    assert assembler.add(part("c2", (7, 3, 2)), NOW) == []
    assert assembler.add(part("d2", (8, 2, 2)), NOW) == []
    assert texts(assembler.add(part("a2", (7, 2, 2)), NOW)) == ["a1 a2"]


def test_a_flood_of_incomplete_messages_pushes_the_oldest_out() -> None:
    assembler = Assembler()
    given_out = []
    for number in range(MOST_OPEN + 3):
        at = NOW + timedelta(seconds=number)
        given_out += assembler.add(part(f"{number}", (number % 256, 2, 1), sender=f"+7999{number:07}"), at)
    assert texts(given_out) == [f"{number}{GAP}" for number in range(3)]
