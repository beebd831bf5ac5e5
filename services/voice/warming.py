"""Before the first call: what callers will hear is spoken ahead, so that the greeting begins at once."""

import asyncio
import contextlib
from collections.abc import Iterator

from services.dialogue.shapes import LikelyTexts
from services.errors import EngineError
from services.text.passages import passages
from services.text.spoken import to_spoken
from services.voice.desk import Desk
from services.voice.line import Capability, LineInfo
from services.voice.ports import KnowsLikelyTexts, SpeaksAhead
from services.voice.preparation import Preparation, first_conversation


async def warm(
    desk: Desk, preparation: Preparation, info: LineInfo, rate: int, capabilities: frozenset[Capability]
) -> None:
    """Give the mouth what callers of a line like `info` will hear, its own language first.

    `rate` in Hz and `capabilities` are the line's. Nothing happens where the mouth keeps no speech. Raises
    SecretaryError when the books cannot be read.
    """
    company, first = await preparation.look_up(info)
    mouth, secretary = desk.mouth, desk.secretary
    if not isinstance(mouth, SpeaksAhead) or not isinstance(secretary, KnowsLikelyTexts):
        return
    personas = [first] + [each for each in await preparation.personas(company) if each.language != first.language]
    named = first_conversation(desk, company, first, info, capabilities)
    personas += [each.persona for each in (await preparation.menu_personas(named)).values()]
    for persona in dict.fromkeys(personas):
        if persona is not first and not desk.ears.serves(persona.language):
            continue
        with contextlib.suppress(EngineError):  # no voice for the language
            voice = desk.voice_of(persona)
            likely = await secretary.likely(first_conversation(desk, company, persona, info, capabilities))
            # About a millisecond a sentence: not on the event loop.
            mouth.warm(await asyncio.to_thread(list, _pieces(likely, persona.language)), voice, rate)


def _pieces(likely: LikelyTexts, language: str) -> Iterator[str]:
    """Yield the spoken forms as a call cuts them; fillers are spoken in one piece."""
    greeting, *others = likely.texts or ("",)
    yield from passages(greeting, language)
    yield from (to_spoken(filler, language) for filler in likely.fillers)
    for text in others:
        yield from passages(text, language)
