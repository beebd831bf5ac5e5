"""Calls that the dice write, in virtual time: whatever a caller does, no word is lost and nobody waits in silence."""

import random
from itertools import groupby, pairwise

import pytest
from voice_call import Played, play
from voice_fakes import Act, FakeMouth, FakeSecretary, sounds, speaks

from services.voice.backchannel import is_backchannel

LENGTH = 45.0
SENTENCES = (
    "what are your opening hours",
    "where is your office",
    "I would like to make an appointment",
    "my name is Anna",
    "the invoice is wrong and",
    "read me the list",
    "no",
    "wait",
)
LIST = (
    "One is the red house near the old market square. Two is the green house behind the railway station. "
    "Three is the white house across the river."
)
QUIET = 8.0 + 3.5
"""Seconds after which somebody must have been heard: she asks into eight seconds of silence behind the last sound, and
slow ears need a while to tell that it was none."""


def roll(dice: random.Random) -> list[Act]:
    """Write what the caller does: speaks, pauses, nods, coughs, listens; a word of its own marks each sentence.

    One caller in four presses keys too.
    """
    acts: list[Act] = []
    at, keys = dice.uniform(0.0, 4.0), int(dice.random() < 0.25)
    while at < LENGTH - 12:
        number = len(acts)
        match dice.choices(("speaks", "nods", "coughs", "noise", "keys"), (8, 3, 2, 1, keys))[0]:
            case "speaks":
                words = f"{dice.choice(SENTENCES)}"
                half = dice.randint(1, len(words.split()))
                parts = (
                    " ".join(words.split()[:half]),
                    dice.uniform(0.1, 1.5),
                    " ".join([*words.split()[half:], f"w{number}"]),
                )
                final = dice.choices((None, f"{words} w{number} indeed", ""), (16, 3, 1))[0]
                whole = (f"{words} w{number}",)
                act = speaks(at, *(parts if dice.random() < 0.4 else whole), word=dice.uniform(0.2, 0.45), final=final)
            case "nods":
                act = Act(at, dice.uniform(0.15, 0.7), dice.choice(("yes", "uh-huh", "okay")))
            case "coughs":
                act = sounds(at, dice.uniform(0.1, 0.3))
            case "noise":
                act = sounds(at, dice.uniform(0.5, 6.0))
            case _:
                acts += [Act(at, key="7"), Act(at + 0.2, key="#")]
                at += dice.uniform(0.3, 5.0)
                continue
        acts.append(act)
        at = act.end + dice.choice((dice.uniform(0.05, 1.0), dice.uniform(1.0, 6.0), dice.uniform(6.0, 12.0)))
    return [*acts, Act(LENGTH, hang_up=True)]


def said_one_after_the_other(played: Played) -> bool:
    """No text was heard in two pieces with another between them."""
    heard = [
        next(number for number, each in enumerate(played.mouth.spoken) if each.begin <= position < each.end)
        for position in played.line.voice_positions()
    ]
    runs = [number for number, _ in groupby(heard)]
    return len(runs) == len(set(runs))


def call(seed: int) -> tuple[list[Act], Played]:
    """Play the call of a seed, with ears, voice and mind as quick as the dice say, some of them breaking."""
    dice = random.Random(seed)
    acts = roll(dice)
    secretary = FakeSecretary(
        {"read me the list": LIST, "where is your office": "In Green Street, behind the station. Is that all right?"},
        first_text=dice.choice((0.0, 0.1, 0.6, 2.5)),
        between=dice.choice((0.0, 0.03, 0.3)),
        broken=dice.choice((0, 0, 0, 1)),
    )
    breaks = {dice.randrange(2, 12): dice.randrange(40)} if dice.random() < 0.2 else None
    mouth = FakeMouth(first=dice.choice((0.0, 0.03, 0.4)), speed=dice.choice((1.3, 10.0, 50.0)), breaks=breaks)
    ears = {"delay": dice.choice((0.02, 0.1, 0.5, 1.5)), "lag": dice.choice((0.02, 0.1, 0.4, None))}
    if dice.random() < 0.1:
        ears["breaks_at"] = dice.uniform(0, LENGTH)
    return acts, play(*acts, secretary=secretary, mouth=mouth, ears=ears, longest=LENGTH + 5)


def longest_quiet(acts: list[Act], played: Played) -> float:
    """The longest time in which neither side was heard, until the caller hung up."""
    moments = [0.0, *(at for at, sound in played.line.heard if sound)]
    for act in acts:
        moments += [act.at, *(act.at + step * 0.1 for step in range(int(act.seconds * 10))), act.end]
    moments = sorted(moment for moment in moments if moment <= played.line.heard[-1][0])
    return max(after - before for before, after in pairwise(moments))


@pytest.mark.parametrize("seed", range(40))
def test_no_word_is_lost_and_nobody_waits_in_silence(seed: int) -> None:
    acts, played = call(seed)
    assert played.reason in ("caller_hangup", "no_input")
    assert longest_quiet(acts, played) <= QUIET
    heard = [str(text) for text in played.log.heard("caller")]
    answered = " ".join([*played.secretary.asked, played.secretary.last.text if played.secretary.last else ""]).split()
    lost = [text for text in heard if not is_backchannel(text, "en") and not set(text.split()) <= set(answered)]
    keyed = any(act.key for act in acts)  # a key answers in the place of words that were not answered yet
    assert keyed or not lost, "everything that was understood was answered"
    ears_broke = "stt" in played.degraded()
    told = " ".join(act.text for act in acts if act.final != "")  # the ears took the others back
    spoken = {word for word in told.split() if word.startswith("w") and word[1:].isdigit()}
    assert ears_broke or spoken <= set(" ".join(heard).split()), "everything that was said was understood"
    assert said_one_after_the_other(played)
    for turn in played.log.turns("secretary"):
        assert turn["interrupted_by"] or turn["heard"] == turn["intended"]
        assert str(turn["intended"]).startswith(str(turn["heard"]))
        stages = turn["stages"]
        assert isinstance(stages, dict)
        assert all(at >= 0 for at in stages.values())
    assert [event.data["index"] for event in played.log.events if event.type == "turn"] == list(
        range(len(played.log.turns("caller")) + len(played.log.turns("secretary")))
    )
