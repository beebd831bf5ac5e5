"""A caller who is connected with a colleague in the midst of the call: the secretary falls silent and stays so."""

import asyncio
from collections.abc import AsyncIterator

from voice_call import play
from voice_fakes import Act, FakeLine, FakeSecretary, speaks

from services.dialogue.shapes import ReplyText
from services.voice.line import Joined, LineEvent

LONG = "We are open from nine to five. On Saturdays we open at ten, and on Sundays we are closed all day long."


class Connected(FakeLine):
    """Somebody connects the caller with a colleague after five seconds."""

    async def events(self) -> AsyncIterator[LineEvent]:
        loop = asyncio.get_running_loop()
        joined, begin = False, loop.time()
        async for event in super().events():
            yield event
            if not joined and loop.time() - begin > 5.0:
                joined = True
                yield Joined()


def test_the_secretary_leaves_two_people_alone() -> None:
    acts = speaks(2, "hours"), speaks(8, "hello"), Act(25, hang_up=True)
    secretary = FakeSecretary({"hours": [ReplyText(LONG)]})
    played = play(*acts, secretary=secretary, line=Connected(acts, 30))
    assert played.line.sounds_between(3.5, 5.0)
    assert not played.line.sounds_between(5.2, 25.0)  # neither the rest, nor an answer, nor "are you there?"
    assert secretary.asked == ["hours"]
    assert played.log.turns("secretary")[-1]["interrupted_by"] == "transfer"
