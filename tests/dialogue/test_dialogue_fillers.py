"""The phrases that bridge a slow answer."""

from dataclasses import replace
from itertools import pairwise

import pytest
from dialogue_desk import Desk

from services.dialogue.personas import seed_personas
from services.dialogue.scripted.phrases import phrases_of


@pytest.mark.parametrize("slug", ["anna", "marina", "emma"])
def test_each_persona_has_her_own(slug: str) -> None:
    personas = {each.slug: each for each in seed_personas()}
    own = personas[slug].fillers
    assert 4 <= len(set(own)) == len(own) <= 5
    assert isinstance(own, tuple)
    assert all(each.strip() == each and each[-1] in ".!" and len(each.split()) <= 7 for each in own)
    assert not any(set(own) & set(personas[other].fillers) for other in personas if other != slug)


async def test_they_are_taken_in_turn_over_restarts_and_calls() -> None:
    desk = Desk("ru")
    said = []
    for _ in range(4):
        said += [desk.secretary.filler(desk.conversation) for _ in range(3)]
        await desk.say("алло")
        desk.restart()
        said.append(desk.secretary.filler(desk.conversation))
        await desk.greet()
    assert set(said) == set(desk.conversation.persona.fillers)
    assert all(one != other for one, other in pairwise(said))


def test_nothing_else_is_touched() -> None:
    desk = Desk("en")
    desk.conversation.state = {"v": 1, "misses": 1, "offer": "message", "asked": "why"}
    before = dict(desk.conversation.state)
    text = desk.secretary.filler(desk.conversation)
    assert desk.conversation.state == {**before, "filler": text}
    assert desk.memory.stored == {}


@pytest.mark.parametrize("own", [(), ("",), ("One moment, please.",), ("Hm.",), ("Hm.", "Hm."), ("Hm.", "So.")])
def test_too_few_of_ones_own_are_filled_up(own: tuple[str, ...]) -> None:
    desk = Desk("en")
    desk.conversation.persona = replace(desk.conversation.persona, fillers=own)
    said = [desk.secretary.filler(desk.conversation) for _ in range(12)]
    assert all(one != other for one, other in pairwise(said))
    assert all(said)
    assert set(filter(None, own)) <= set(said)


def test_another_language_than_the_personas_has_its_own() -> None:
    desk = Desk("en", persona="anna")
    assert desk.secretary.filler(desk.conversation) in phrases_of("en")["filler"]
