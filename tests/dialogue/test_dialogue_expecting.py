"""What the secretary has just asked for."""

import pytest
from dialogue_desk import FULL, Desk

from services.dialogue.expecting import expected


@pytest.mark.parametrize(
    ("number", "lines", "what"),
    [
        ("", (), ""),
        ("", ("where are you located",), ""),
        ("", ("why is the grass green",), "yes_no"),
        ("", ("can i speak to a person",), "yes_no"),
        ("", ("can i speak to a person", "no"), ""),
        ("", ("thank you",), ""),
        ("", ("can i leave a message",), "message"),
        ("", ("can i leave a message", "i am late"), "name"),
        ("", ("can i leave a message", "i am late", "John"), "number"),
        ("", ("can i leave a message", "i am late", "John", "four one five"), "number"),
        ("+442079460000", ("can i leave a message", "i am late", "John"), "yes_no"),
        ("+442079460000", ("can i leave a message", "i am late", "John", "yes"), "yes_no"),
        ("+442079460000", ("can i leave a message", "i am late", "John", "yes", "no"), ""),
        ("+442079460000", ("can i leave a message", "i am late", "John", "yes", "yes"), ""),
        ("", ("", "", ""), "message"),
    ],
)
async def test_what_is_expected(number: str, lines: tuple[str, ...], what: str) -> None:
    desk = Desk("en", number, abilities=FULL)
    for line in lines:
        await desk.say(line)
    before = dict(desk.conversation.state)
    assert desk.secretary.expects(desk.conversation) == what
    assert desk.conversation.state == before


def test_a_state_nobody_can_read_expects_anything_and_stays() -> None:
    for state in ({}, {"v": 99, "offer": "message"}, {"v": 1, "draft": {"v": 1, "step": "dance"}}):
        before = dict(state)
        assert expected(state) == ""
        assert state == before
